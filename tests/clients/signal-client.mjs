// A foreign client of /api/signal: written from docs/protocol.md with node:crypto and `ws` alone.
//
//   node signal-client.mjs https://127.0.0.1:8443 SETUP_SECRET [--insecure]
//
// It redeems the setup secret, pairs two devices of its own, and says every message and
// provokes every error that a client can. Prints `ok NAME` or `not ok NAME`, exits 1 on failure.

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import WebSocket from 'ws';

const [base, setupSecret, ...flags] = process.argv.slice(2);
if (!base || !setupSecret) {
  console.error('usage: signal-client.mjs BASE_URL SETUP_SECRET [--insecure]');
  process.exit(2);
}
if (flags.includes('--insecure')) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

const PATIENCE_MS = 10_000;
let failures = 0;

async function check(name, test) {
  try {
    await test();
    console.log(`ok ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`not ok ${name}: ${error.message}`);
  }
}

function equal(found, expected, what = 'value') {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what} is ${a}, not ${b}`);
}

// ---- Identity -------------------------------------------------------------------------------

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();

/** Deterministic CBOR (RFC 8949 §4.2.1) of unsigned numbers, bytes, texts and arrays. */
function cbor(value) {
  if (typeof value === 'number') return cborHead(0, value);
  if (Buffer.isBuffer(value)) return Buffer.concat([cborHead(2, value.length), value]);
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)]);
  return Buffer.concat([cborHead(4, value.length), ...value.map(cbor)]);
}

function cborHead(major, count) {
  if (count < 24) return Buffer.from([(major << 5) | count]);
  const sizes = [[0x100, 1], [0x10000, 2], [0x100000000, 4], [Infinity, 8]];
  const index = sizes.findIndex(([limit]) => count < limit);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(count));
  return Buffer.concat([Buffer.from([(major << 5) | (24 + index)]), bytes.subarray(8 - sizes[index][1])]);
}

class Device {
  constructor(name, kind) {
    this.identity = generateKeyPairSync('ed25519');
    const x = this.identity.publicKey.export({ format: 'jwk' }).x;
    const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }).x;
    this.id = base64url(sha256(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })));
    const created = Date.now();
    const signed = ['heliograph-device-v1', this.id, Buffer.from(x, 'base64url'), Buffer.from(x25519, 'base64url'), name, kind, [], created];
    this.record = { deviceId: this.id, key: x, x25519, name, kind, features: [], created, sig: this.sign(cbor(signed)) };
  }

  sign(bytes) {
    return base64url(sign(null, bytes, this.identity.privateKey));
  }

  assertion(audience) {
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: this.id, sub: this.id, aud: audience, iat, exp: iat + 60, jti: base64url(randomBytes(16)) };
    const parts = [{ alg: 'EdDSA', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part)));
    return `${parts.join('.')}.${this.sign(Buffer.from(parts.join('.')))}`;
  }
}

function signPair(one, other) {
  const [a, b] = one.id < other.id ? [one, other] : [other, one];
  const pairId = base64url(sha256('heliograph-pair-v1', a.id, b.id, randomBytes(32), randomBytes(32)));
  const time = Date.now();
  const bytes = cbor(['heliograph-pair-v1', pairId, a.id, b.id, time]);
  const statement = { pairId, a: a.id, b: b.id, time };
  return { statement, sigA: a.sign(bytes), sigB: b.sign(bytes), recordA: a.record, recordB: b.record };
}

// ---- HTTP and WebSocket ---------------------------------------------------------------------

async function call(method, path, body, token) {
  const headers = { 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}

const wsBase = base.replace(/^http/, 'ws');

/** A socket whose texts and close code are awaited in order. */
class Socket {
  constructor(path, protocols, options) {
    this.heard = [];
    this.waiting = [];
    this.ws = new WebSocket(wsBase + path, protocols, options);
    this.ws.on('message', (data) => this.hear(JSON.parse(data)));
    this.ws.on('close', (code) => this.hear({ closed: code }));
    this.ws.on('error', () => {});
  }

  hear(message) {
    const waiting = this.waiting.shift();
    if (waiting) waiting(message);
    else this.heard.push(message);
  }

  say(message) {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  next() {
    if (this.heard.length > 0) return Promise.resolve(this.heard.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('nothing was heard in time')), PATIENCE_MS);
      this.waiting.push((message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
  }

  async expect(kind) {
    const message = await this.next();
    equal(message.t, kind, `kind of ${JSON.stringify(message)}`);
    return message;
  }

  async expectError(code) {
    const message = await this.expect('error');
    equal(message.code, code, 'code');
    return message;
  }

  async expectClosed(code) {
    for (;;) {
      const message = await this.next();
      if (message.closed) return equal(message.closed, code, 'close code');
    }
  }
}

const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });

/** The HTTP status that a handshake is refused with. */
function refusal(path, protocols, options) {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(wsBase + path, protocols, options);
    ws.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    ws.on('open', () => reject(new Error('it was accepted')));
    ws.on('error', reject);
  });
}

// ---- The run --------------------------------------------------------------------------------

const server = (await call('GET', '/api/server')).body;
const audience = server.origins[0];
const [ada, bob] = [new Device('Ada', 'phone'), new Device('Bob', 'laptop')];
const newPair = signPair(ada, bob);
const pairId = newPair.statement.pairId;
let account;

const issue = async (device, pair) => {
  const reply = await call('POST', '/api/auth/webrtc-token', { pairId: pair, assertion: device.assertion(audience) });
  equal(reply.status, 200, 'status');
  return reply.body.token;
};
const open = async (device) => {
  const socket = new Socket('/api/signal', [], bearer(await issue(device, pairId)));
  socket.ready = await socket.expect('ready');
  return socket;
};

await check('the setup secret is redeemed once', async () => {
  const setup = () => call('POST', '/api/setup', { secret: setupSecret, record: ada.record, assertion: ada.assertion(audience) });
  const reply = await setup();
  equal([reply.status, reply.body.deviceId, reply.body.role], [201, ada.id, 'admin']);
  if ((await setup()).status < 400) throw new Error('it was redeemed twice');
});

await check('an assertion becomes an account token, once', async () => {
  account = await issue(ada);
  const assertion = ada.assertion(audience);
  equal((await call('POST', '/api/auth/webrtc-token', { assertion })).status, 200, 'first status');
  const again = await call('POST', '/api/auth/webrtc-token', { assertion });
  equal(again.body.code, 'assertion-used', 'code');
});

await check('a pair signed by both devices is stored', async () => {
  const reply = await call('POST', '/api/pairs', newPair, account);
  equal(reply.status, 201, `status of ${JSON.stringify(reply.body)}`);
});

await check('handshakes without right are refused', async () => {
  const token = await issue(ada, pairId);
  equal(await refusal('/api/signal', []), 401, 'without a token');
  equal(await refusal('/api/signal', [], bearer('a.b.c')), 401, 'with nonsense');
  equal(await refusal('/api/signal', [], bearer(account)), 403, 'with an account token');
  equal(await refusal(`/api/signal?token=${token}`, []), 400, 'with a token in the query');
  equal(await refusal('/api/signal', [], { ...bearer(token), origin: 'https://evil.example' }), 403, 'from a foreign page');
  equal(await refusal('/api/signal', [], { headers: { cookie: `token=${token}` } }), 401, 'with a cookie');
});

let a;
let b;

await check('a native client is ready', async () => {
  a = await open(ada);
  equal([a.ready.pairId, a.ready.deviceId, a.ready.polite], [pairId, ada.id, ada.id < bob.id]);
  equal(a.ready.peer, { deviceId: bob.id, online: false });
  if (!Array.isArray(a.ready.iceServers) || !(a.ready.iceServersExp > Date.now() / 1000)) throw new Error('no ICE servers');
});

await check('peer-offline', async () => {
  a.say({ t: 'offer', pairId, sdp: 'v=0\r\n' });
  await a.expectError('peer-offline');
});

await check('a browser client is ready, hears one subprotocol, and its peer hears of it', async () => {
  const offers = ['heliograph.v1', `base64url.bearer.authorization.heliograph.${await issue(bob, pairId)}`];
  b = new Socket('/api/signal', offers, { origin: audience });
  b.ready = await b.expect('ready');
  equal(b.ws.protocol, 'heliograph.v1', 'subprotocol');
  equal([b.ready.polite, b.ready.peer], [bob.id < ada.id, { deviceId: ada.id, online: true }]);
  equal(await a.next(), { t: 'peer', pairId, deviceId: bob.id, online: true });
});

await check('offer, answer, ice and bye cross unchanged but for their sender', async () => {
  const [offer, answer] = [{ t: 'offer', pairId, sdp: 'v=0\r\na=x', ts: Date.now(), sig: 'c2ln' }, { t: 'answer', pairId, sdp: 'v=0\r\n', 'x-unknown': [1, { y: null }] }];
  const ices = [{ t: 'ice', pairId, candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', mid: '0', ufrag: 'abcd' }, { t: 'ice', pairId, candidate: '', mid: '0' }];
  for (const [from, to, sender, message] of [[a, b, ada, offer], [b, a, bob, answer], ...ices.map((ice) => [a, b, ada, ice]), [b, a, bob, { t: 'bye', pairId, reason: 'done' }]]) {
    from.say({ ...message, from: 'forged' });
    const { from: heard, ...rest } = await to.next();
    equal([heard, Object.entries(rest).sort()], [sender.id, Object.entries(message).sort()]);
  }
});

await check('bad-json', async () => {
  for (const text of ['{', '', '{"t":"bye"} x', '['.repeat(20_000)]) {
    a.say(text);
    await a.expectError('bad-json');
  }
});

await check('bad-message', async () => {
  for (const message of [[], {}, { t: 1 }, { t: 'offer', pairId }, { t: 'ice', pairId }, { t: 'bye' }, { t: 'auth' }]) {
    a.say(message);
    await a.expectError('bad-message');
  }
});

await check('unknown-type, and the socket is kept', async () => {
  a.say({ t: 'dance', pairId });
  await a.expectError('unknown-type');
});

await check('wrong-pair, and it reaches nobody', async () => {
  for (const other of ['x', base64url(randomBytes(32))]) {
    a.say({ t: 'offer', pairId: other, sdp: 'stray' });
    await a.expectError('wrong-pair');
  }
  a.say({ t: 'bye', pairId, reason: 'after' });
  equal((await b.next()).reason, 'after', 'the next message that bob hears');
});

await check('a token is renewed in band, and unauthorized says when it is not', async () => {
  a.say({ t: 'auth', token: await issue(ada, pairId) });
  const ok = await a.expect('auth-ok');
  if (!(ok.exp > Date.now() / 1000) || !Array.isArray(ok.iceServers)) throw new Error(`no exp: ${JSON.stringify(ok)}`);
  for (const token of ['nonsense', account, await issue(bob, pairId)]) {
    a.say({ t: 'auth', token });
    await a.expectError('unauthorized');
  }
});

await check('replaced', async () => {
  const newer = await open(ada);
  await a.expectError('replaced');
  await a.expectClosed(4409);
  equal((await b.next()).online, true, 'online');
  a = newer;
});

const pad = (size) => 'x'.repeat(size);
const tooLarge = {
  'a message': pad(64 * 1024 + 1),
  'an SDP': { t: 'offer', pairId, sdp: pad(32 * 1024 + 1) },
  'a candidate': { t: 'ice', pairId, candidate: pad(1025), mid: '0' },
  'a list of candidates': { t: 'offer', pairId, sdp: 'a=candidate:1\r\n'.repeat(129) },
};
for (const [name, message] of Object.entries(tooLarge)) {
  await check(`too-large: ${name}`, async () => {
    a.say(message);
    await a.expectError('too-large');
    await a.expectClosed(1009);
    a = await open(ada);
  });
}

await check('the largest of each is relayed', async () => {
  b = await open(bob);
  await a.expect('peer');
  a.say({ t: 'offer', pairId, sdp: pad(32 * 1024) });
  equal((await b.next()).sdp.length, 32 * 1024, 'length');
  a.say({ t: 'ice', pairId, candidate: pad(1024), mid: '0' });
  equal((await b.next()).candidate.length, 1024, 'length');
});

await check('too-large: the 129th candidate after an offer', async () => {
  a.say({ t: 'offer', pairId, sdp: 'v=0' });
  for (let sent = 0; sent < 129; sent += 1) a.say({ t: 'ice', pairId, candidate: 'candidate:1', mid: '0' });
  await a.expectError('too-large');
  await a.expectClosed(1009);
});

await check('rate-limited says when to come back, and who goes on is closed', async () => {
  a = await open(ada);
  for (let sent = 0; sent < 600; sent += 1) a.say({ t: 'dance' });
  let refused;
  let closed;
  while (!closed) {
    const message = await a.next();
    if (message.code === 'rate-limited') refused ??= message;
    closed = message.closed;
  }
  if (!(refused?.retryAfterMs > 0)) throw new Error(`refused with ${JSON.stringify(refused)}`);
  equal(closed, 4429, 'close code');
});

await check('revoked: both sides, at once, and for good', async () => {
  [a, b] = [await open(ada), await open(bob)];
  const late = await issue(ada, pairId);
  equal((await call('DELETE', `/api/pairs/${pairId}`, undefined, account)).status, 204, 'status');
  await a.expect('peer');
  for (const socket of [a, b]) {
    await socket.expectError('revoked');
    await socket.expectClosed(4403);
  }
  const again = new Socket('/api/signal', [], bearer(late));
  await again.expectError('revoked');
  await again.expectClosed(4403);
});

process.exit(failures > 0 ? 1 : 0);
