// Debian's coturn as the relay that a person runs beside Heliograph.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, LAN } from './server.mjs';

/// A running turnserver with a shared secret (`use-auth-secret`).
export class Coturn {
  static async start({ secret = 'correct horse battery staple' } = {}) {
    const coturn = new Coturn();
    coturn.secret = secret;
    coturn.port = await freePort();
    coturn.dir = mkdtempSync(join(tmpdir(), 'helio-coturn-'));
    coturn.child = spawn('turnserver', [
      '-n', '--no-cli', '--no-tls', '--no-dtls', '--fingerprint', '--realm=coturn.test',
      '--use-auth-secret', `--static-auth-secret=${secret}`, `--listening-port=${coturn.port}`,
      `--listening-ip=${LAN}`, `--relay-ip=${LAN}`, '--min-port=40000', '--max-port=40999',
      `--pidfile=${join(coturn.dir, 'pid')}`, `--userdb=${join(coturn.dir, 'db')}`, '--log-file=stdout',
    ], { stdio: ['ignore', 'pipe', 'pipe'] });
    coturn.log = '';
    for (const stream of [coturn.child.stdout, coturn.child.stderr]) {
      stream.on('data', (bytes) => { coturn.log += bytes; });
    }
    coturn.exited = new Promise((done) => coturn.child.once('exit', done));
    await Promise.race([coturn.#answers(), coturn.exited.then(() => { throw new Error(coturn.log); })]);
    return coturn;
  }

  get url() {
    return `turn:${LAN}:${this.port}?transport=udp`;
  }

  /// `turn.external` as the configuration writes it.
  get external() {
    return `[{kind="coturn",urls=["${this.url}"],secret="${this.secret}"}]`;
  }

  /// Credentials as anybody who knows the secret can make them (TURN REST), for a minute.
  credentials() {
    const username = `${Math.floor(Date.now() / 1000) + 60}:somebody`;
    return { username, credential: createHmac('sha1', this.secret).update(username).digest('base64') };
  }

  /// Asks with STUN binding requests (RFC 8489) until one is answered.
  async #answers() {
    const request = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
    const socket = createSocket('udp4');
    const answered = new Promise((done) => socket.once('message', done));
    const timer = setInterval(() => socket.send(request, this.port, LAN), 50);
    await answered;
    clearInterval(timer);
    socket.close();
  }

  async close() {
    this.child.kill('SIGTERM');
    await this.exited;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
