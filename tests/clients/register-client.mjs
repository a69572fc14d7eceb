// A foreign client of /ws, the sender and receiver dialect: written from docs/protocol.md with
// `ws` alone. The server must run with signalling.open_rooms = true.
//
//   node register-client.mjs https://127.0.0.1:8443 [--insecure]
//
// Prints `ok NAME` or `not ok NAME`, exits 1 on failure.

import WebSocket from 'ws';

const [base, ...flags] = process.argv.slice(2);
if (!base) {
  console.error('usage: register-client.mjs BASE_URL [--insecure]');
  process.exit(2);
}
if (flags.includes('--insecure')) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

const PATIENCE_MS = 10_000;
const wsBase = base.replace(/^http/, 'ws');
const room = `/ws?room=test-${process.pid}-${Date.now()}`;
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

class Socket {
  constructor(path) {
    this.heard = [];
    this.waiting = [];
    this.ws = new WebSocket(wsBase + path);
    this.opened = new Promise((resolve, reject) => {
      this.ws.on('open', resolve);
      this.ws.on('error', reject);
    });
    this.ws.on('message', (data) => this.hear(JSON.parse(data)));
    this.ws.on('close', (code) => this.hear({ closed: code }));
  }

  static async register(path, role) {
    const socket = new Socket(path);
    await socket.opened;
    socket.say({ type: 'register', role });
    return socket;
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

  async expect(type) {
    const message = await this.next();
    equal(message.type, type, `type of ${JSON.stringify(message)}`);
    return message;
  }
}

let sender;
let first;
let second;

await check('a receiver registers before its sender', async () => {
  first = await Socket.register(room, 'receiver');
  const registered = await first.expect('registered');
  equal([registered.role, Array.isArray(registered.turnConfig.iceServers)], ['receiver', true]);
});

await check('the sender and the receiver hear of each other', async () => {
  sender = await Socket.register(room, 'sender');
  equal((await sender.expect('registered')).role, 'sender', 'role');
  const connected = await sender.expect('peer-connected');
  equal([connected.peer, typeof connected.id], ['receiver', 'string']);
  first.id = connected.id;
  equal((await first.expect('peer-connected')).peer, 'sender', 'peer');
});

await check('a client that knows nothing of ids works with one receiver', async () => {
  sender.say({ type: 'offer', sdp: 'v=0\r\n' });
  equal((await first.expect('offer')).sdp, 'v=0\r\n', 'sdp');
  first.say({ type: 'answer', sdp: { type: 'answer', sdp: 'v=0\r\n' } });
  equal((await sender.expect('answer')).sdp, { type: 'answer', sdp: 'v=0\r\n' }, 'sdp');
  const candidate = { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };
  first.say({ type: 'ice-candidate', candidate });
  equal((await sender.expect('ice-candidate')).candidate, candidate, 'candidate');
  sender.say({ type: 'ice-candidate', candidate });
  equal((await first.expect('ice-candidate')).candidate, candidate, 'candidate');
});

await check('with two receivers each message carries the id', async () => {
  second = await Socket.register(room, 'receiver');
  await second.expect('registered');
  await second.expect('peer-connected');
  second.id = (await sender.expect('peer-connected')).id;
  sender.say({ type: 'offer', sdp: 'for the second', id: second.id });
  const offer = await second.expect('offer');
  equal([offer.sdp, offer.id], ['for the second', second.id]);
  for (const receiver of [first, second]) {
    receiver.say({ type: 'answer', sdp: 'v=0', id: 'forged' });
    equal((await sender.expect('answer')).id, receiver.id, 'id');
  }
  sender.say({ type: 'offer', sdp: 'for whom?' });
  await sender.expect('error');
  sender.say({ type: 'offer', sdp: 'for nobody', id: 'no such receiver' });
  await sender.expect('error');
});

await check('a second sender is refused', async () => {
  const other = await Socket.register(room, 'sender');
  await other.expect('error');
  other.ws.terminate();
  sender.say({ type: 'offer', sdp: 'still here', id: first.id });
  equal((await first.expect('offer')).sdp, 'still here', 'sdp');
});

await check('nonsense is answered with an error and the socket is kept', async () => {
  for (const text of ['{', '[]', '{}', '{"type":"dance"}', '{"type":"register","role":"king"}', '{"type":"offer"}', '{"type":"offer","sdp":7}', '['.repeat(5000)]) {
    first.say(text);
    const error = await first.expect('error');
    equal(typeof error.message, 'string', 'message');
  }
});

await check('another room hears nothing of it', async () => {
  const other = await Socket.register(`${room}-other`, 'receiver');
  await other.expect('registered');
  other.say({ type: 'answer', sdp: 'v=0' });
  await other.expect('error');
  other.ws.terminate();
});

await check('leaving is heard on the other side', async () => {
  second.ws.close();
  equal(await sender.expect('peer-disconnected'), { type: 'peer-disconnected', peer: 'receiver', id: second.id });
  sender.ws.close();
  equal((await first.expect('peer-disconnected')).peer, 'sender', 'peer');
});

await check('a new sender finds the receivers that stayed', async () => {
  sender = await Socket.register(room, 'sender');
  await sender.expect('registered');
  equal((await sender.expect('peer-connected')).id, first.id, 'id');
  equal((await first.expect('peer-connected')).peer, 'sender', 'peer');
});

await check('a message larger than 64 KiB closes with 1009', async () => {
  first.say('x'.repeat(64 * 1024 + 1));
  await first.expect('error');
  equal((await first.next()).closed, 1009, 'close code');
});

await check('without a name the room is called default', async () => {
  const named = await Socket.register('/ws?room=default', 'receiver');
  await named.expect('registered');
  const unnamed = await Socket.register('/ws', 'sender');
  await unnamed.expect('registered');
  await unnamed.expect('peer-connected');
  equal((await named.expect('peer-connected')).peer, 'sender', 'peer');
  named.ws.close();
  unnamed.ws.close();
});

process.exit(failures > 0 ? 1 : 0);
