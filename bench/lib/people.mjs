// Devices and pairs for a load on signalling, made through the API as people make them.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const sha256 = (...parts) => createHash('sha256').update(parts.map((part) => Buffer.from(part)).reduce((a, b) => Buffer.concat([a, b]))).digest();

/** Deterministic CBOR (RFC 8949 §4.2.1) of unsigned numbers, bytes, texts and arrays. */
function cbor(value) {
  if (typeof value === 'number') return head(0, value);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
}

function head(major, count) {
  if (count < 24) return Buffer.from([(major << 5) | count]);
  const index = [0x100, 0x10000, 0x100000000, Infinity].findIndex((limit) => count < limit);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(count));
  return Buffer.concat([Buffer.from([(major << 5) | (24 + index)]), bytes.subarray(8 - 2 ** index)]);
}

class Device {
  constructor(name) {
    this.keys = generateKeyPairSync('ed25519');
    const { x } = this.keys.publicKey.export({ format: 'jwk' });
    const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }).x;
    this.id = base64url(sha256(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })));
    const created = Date.now();
    const signed = ['heliograph-device-v1', this.id, Buffer.from(x, 'base64url'), Buffer.from(x25519, 'base64url'), name, 'laptop', [], created];
    this.record = { deviceId: this.id, key: x, x25519, name, kind: 'laptop', features: [], created, sig: this.sign(cbor(signed)) };
  }

  sign(bytes) {
    return base64url(sign(null, bytes, this.keys.privateKey));
  }

  assertion(audience) {
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: this.id, sub: this.id, aud: audience, iat, exp: iat + 60, jti: base64url(randomBytes(16)) };
    const text = [{ alg: 'EdDSA', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
    return `${text}.${this.sign(Buffer.from(text))}`;
  }
}

/** One account's devices, every two of them paired until there are `count` pairs. */
export class People {
  static async settle(server, count) {
    const people = new People();
    people.audience = (await (await fetch(`${server.origin}/api/server`)).json()).origins[0];
    const first = new Device('device 0');
    const secret = server.command('setup').url.split('#')[1];
    await post(server, '/api/setup', { secret, record: first.record, assertion: first.assertion(people.audience) });
    const devices = [first];
    people.pairs = [];
    for (let newest = 1; people.pairs.length < count; newest += 1) {
      devices.push(new Device(`device ${newest}`));
      // A device that nobody knows joins by its pair with one that is known: the first.
      for (let other = 0; other < newest && people.pairs.length < count; other += 1) {
        await people.#pair(server, devices[other], devices[newest]);
      }
    }
    return people;
  }

  async #pair(server, one, two) {
    this.account ??= new Map();
    if (!this.account.has(one)) this.account.set(one, await this.#token(server, one));
    const [a, b] = one.id < two.id ? [one, two] : [two, one];
    const pairId = base64url(sha256('heliograph-pair-v1', a.id, b.id, randomBytes(32), randomBytes(32)));
    const time = Date.now();
    const statement = { pairId, a: a.id, b: b.id, time };
    const bytes = cbor(['heliograph-pair-v1', pairId, a.id, b.id, time]);
    const body = { statement, sigA: a.sign(bytes), sigB: b.sign(bytes), recordA: a.record, recordB: b.record };
    await post(server, '/api/pairs', body, this.account.get(one));
    this.pairs.push({ pairId, devices: [a, b] });
  }

  async #token(server, device, pairId) {
    return (await post(server, '/api/auth/webrtc-token', { pairId, assertion: device.assertion(this.audience) })).token;
  }

  /** Fresh link tokens for the first `count` pairs, as the load reads them. They live 300 s. */
  async writeTokens(server, path, count) {
    const lines = [];
    const waiting = this.pairs.slice(0, count);
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let pair = waiting.shift(); pair; pair = waiting.shift()) {
        const tokens = await Promise.all(pair.devices.map((device) => this.#token(server, device, pair.pairId)));
        lines.push(`${[pair.pairId, ...tokens].join(' ')}\n`);
      }
    }));
    writeFileSync(path, lines.join(''));
  }
}

/** A stream that anybody may view; the code that lets a program publish to it. */
export async function openStream(server, name) {
  const people = await People.settle(server, 1);
  const token = people.account.values().next().value;
  await post(server, `/api/streams/${name}`, { isPublic: true }, token, 'PUT');
  return (await post(server, `/api/streams/${name}/shares`, { action: 'publish' }, token)).code;
}

async function post(server, path, body, token, method = 'POST') {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const reply = await fetch(server.origin + path, { method, headers, body: JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
  return reply.json();
}
