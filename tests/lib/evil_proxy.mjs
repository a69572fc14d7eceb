// A signaller that has been taken over: it stands between browsers and the server, reads every
// message, and changes what it likes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import { freePort, LAN } from './server.mjs';

/// Forwards everything to `target` (an https port) until `tamper` is set: it is given each message
/// of a client on `/api/signal` and returns what the server gets in its place.
export class EvilProxy {
  tamper = (message) => message;
  /// Every message that clients sent on `/api/signal`, as they sent it.
  heard = [];
  #awaited = [];

  static async start() {
    const proxy = new EvilProxy();
    proxy.port = await freePort();
    proxy.origin = `https://${LAN}:${proxy.port}`;
    proxy.http = https.createServer(certificate(), (request, reply) => proxy.#forward(request, reply));
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'heliograph.v1' });
    proxy.http.on('upgrade', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (client) => proxy.#join(client, request));
    });
    await new Promise((done) => proxy.http.listen(proxy.port, LAN, done));
    return proxy;
  }

  /// Resolves when a client sends a message of a type.
  hears(type) {
    return new Promise((done) => this.#awaited.push({ type, done }));
  }

  #forward(request, reply) {
    const { method, url: path, headers } = request;
    const options = { host: LAN, port: this.target, method, path, headers, rejectUnauthorized: false };
    const onward = https.request(options, (answer) => {
      reply.writeHead(answer.statusCode, answer.headers);
      answer.pipe(reply);
    });
    onward.on('error', () => reply.destroy());
    request.pipe(onward);
  }

  #join(client, request) {
    const { url, headers } = request;
    const offered = headers['sec-websocket-protocol'].split(',').map((each) => each.trim());
    const server = new WebSocket(`wss://${LAN}:${this.target}${url}`, offered, {
      rejectUnauthorized: false,
      // Native devices send no origin.
      headers: headers.origin ? { origin: headers.origin } : {},
    });
    const early = [];
    server.once('open', () => early.splice(0).forEach((text) => server.send(text)));
    client.on('message', (bytes) => {
      const text = url === '/api/signal' ? this.#change(bytes) : bytes.toString();
      if (text === null) return;
      if (server.readyState === WebSocket.OPEN) server.send(text);
      else early.push(text);
    });
    server.on('message', (bytes) => client.send(bytes.toString()));
    server.on('close', (code) => client.close(forwardable(code)));
    client.on('close', (code) => server.close(forwardable(code)));
    for (const end of [client, server]) end.on('error', () => end.terminate());
  }

  #change(bytes) {
    const message = JSON.parse(bytes);
    this.heard.push(structuredClone(message));
    for (const { type, done } of this.#awaited) if (type === message.t) done(message);
    const changed = this.tamper(message);
    return changed === null ? null : JSON.stringify(changed);
  }

  async close() {
    this.http.closeAllConnections();
    await new Promise((done) => this.http.close(done));
  }
}

/// Puts a fingerprint of the attacker's own in the place of every one of a description.
export function withForeignFingerprint(message) {
  const foreign = Array(32).fill('AB').join(':');
  return { ...message, sdp: message.sdp.replace(/(a=fingerprint:sha-256 )\S+/g, `$1${foreign}`) };
}

/// 1005 and 1006 stand for a close without a code and cannot be sent.
function forwardable(code) {
  return code === 1005 || code === 1006 ? 1000 : code;
}

function certificate() {
  const dir = mkdtempSync(join(tmpdir(), 'helio-evil-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=evil', '-addext', `subjectAltName=IP:${LAN}`, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  const made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(dir, { recursive: true });
  return made;
}
