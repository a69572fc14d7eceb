// rathole: whoever connects to a port of the machine on the internet gets to a port of a box that
// nobody can reach. The box asks for it, by a connection of its own.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SERVER } from './internet.mjs';
import { start } from './namespaces.mjs';

const RATHOLE = resolve(process.env.RATHOLE ?? new URL('../tools/bin/rathole', import.meta.url).pathname);
const ASKED_AT = 2333;

export class Tunnel {
  #folder = mkdtempSync(join(tmpdir(), 'helio-tunnel-'));
  #ends = [];

  /// From `outside` on the internet's machine to `inside` on the box of a site, both TCP ports.
  static async dig(site, { outside, inside }) {
    const tunnel = new Tunnel();
    await tunnel.#run(SERVER.namespace, 'server', [
      `bind_addr = "0.0.0.0:${ASKED_AT}"`, 'default_token = "of the laboratory"',
      '[server.services.helio]', `bind_addr = "0.0.0.0:${outside}"`,
    ], /Listening at/);
    await tunnel.#run(site.namespace, 'client', [
      `remote_addr = "${SERVER.ipv4}:${ASKED_AT}"`, 'default_token = "of the laboratory"',
      '[client.services.helio]', `local_addr = "127.0.0.1:${inside}"`,
    ], /Control channel established/);
    return tunnel;
  }

  async #run(namespace, end, lines, isReady) {
    const file = join(this.#folder, `${end}.toml`);
    writeFileSync(file, [`[${end}]`, ...lines, ''].join('\n'));
    const child = start(namespace, RATHOLE, `--${end}`, file);
    this.#ends.push(child);
    let said = '';
    const gone = once(child, 'exit').then(() => { throw new Error(`rathole ended: ${said}`); });
    const ready = new Promise((done) => {
      child.stdout.on('data', (bytes) => {
        said += bytes;
        if (isReady.test(said)) done();
      });
    });
    await Promise.race([ready, gone]);
    gone.catch(() => {});
  }

  close() {
    for (const end of this.#ends) end.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
