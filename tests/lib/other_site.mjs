// A web site that is not ours, with the WHIP and WHEP clients of others on its page.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { buildSync } from 'esbuild';

const ROOT = new URL('../others/', import.meta.url).pathname;

export class OtherSite {
  static async start() {
    const bundle = buildSync({ entryPoints: [`${ROOT}page.js`], bundle: true, write: false, define: { global: 'globalThis' } });
    const files = new Map([
      ['/', ['text/html', readFileSync(`${ROOT}page.html`)]],
      ['/empty', ['text/html', '<!doctype html><title>A page with nothing on it</title>']],
      ['/page.js', ['text/javascript', bundle.outputFiles[0].contents]],
    ]);
    const site = new OtherSite();
    site.http = createServer((request, response) => {
      const [type, body] = files.get(request.url) ?? ['text/plain', ''];
      response.writeHead(files.has(request.url) ? 200 : 404, { 'content-type': type }).end(body);
    }).listen(0, '127.0.0.1');
    await once(site.http, 'listening');
    site.origin = `http://localhost:${site.http.address().port}`;
    return site;
  }

  async close() {
    this.http.closeAllConnections();
    await new Promise((done) => this.http.close(done));
  }
}
