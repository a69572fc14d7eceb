// The peer of our signalling: a relay on Node and `ws` that does the same work for a message.
//
//   node node_relay.mjs JWKS_FILE ORIGIN [CERT KEY]
//
// A link token is verified (EdDSA, expiry, audience), a pair's two devices share a room, `ready`
// and `peer` are said, a message is parsed, its pair is checked, its sender is set, and it is
// relayed. It keeps no registry, counts nothing and limits nothing but a message's size.

import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { WebSocketServer } from 'ws';

const [jwksFile, origin, cert, key] = process.argv.slice(2);
const { keys } = JSON.parse(readFileSync(jwksFile, 'utf8'));
const keysById = new Map(keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]));
const rooms = new Map();

function claimsOf(header) {
  const token = /^Bearer (.+)$/.exec(header ?? '')?.[1] ?? '';
  const [head, body, signature] = token.split('.');
  const part = (text) => JSON.parse(Buffer.from(text, 'base64url'));
  const { alg, kid } = part(head);
  const publicKey = keysById.get(kid);
  if (alg !== 'EdDSA' || !publicKey) return undefined;
  if (!verify(null, Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, 'base64url'))) return undefined;
  const claims = part(body);
  const serves = claims.exp > Date.now() / 1000 && claims.aud === origin && claims.scope === 'link';
  return serves ? claims : undefined;
}

function join(socket, { pairId, sub: device }) {
  if (!rooms.has(pairId)) rooms.set(pairId, new Map());
  const room = rooms.get(pairId);
  room.get(device)?.close(4409, 'replaced');
  room.set(device, socket);
  const other = () => [...room].find(([id]) => id !== device);
  const presence = (online) => other()?.[1].send(JSON.stringify({ t: 'peer', pairId, deviceId: device, online }));
  const refuse = (code) => socket.send(JSON.stringify({ t: 'error', code }));

  socket.send(JSON.stringify({ t: 'ready', pairId, deviceId: device, peer: { online: Boolean(other()) } }));
  presence(true);
  socket.on('message', (data) => {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return refuse('bad-json');
    }
    if (!['offer', 'answer', 'ice', 'bye'].includes(message.t)) return refuse('unknown-type');
    if (message.pairId !== pairId) return refuse('wrong-pair');
    const peer = other();
    if (!peer) return refuse('peer-offline');
    message.from = device;
    peer[1].send(JSON.stringify(message));
  });
  socket.on('close', () => {
    if (room.get(device) !== socket) return;
    room.delete(device);
    presence(false);
    if (room.size === 0) rooms.delete(pairId);
  });
}

const server = cert
  ? createHttpsServer({ cert: readFileSync(cert), key: readFileSync(key) })
  : createHttpServer();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 64 * 1024 });
server.on('upgrade', (request, stream, head) => {
  let claims;
  try {
    claims = claimsOf(request.headers.authorization);
  } catch {
    // Whatever does not parse is no token.
  }
  if (!claims) return stream.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
  sockets.handleUpgrade(request, stream, head, (socket) => join(socket, claims));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
