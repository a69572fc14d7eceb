// `helio serve` on the laboratory's server: everything on 443, STUN and TURN on 3478 besides.
import { SERVER } from './internet.mjs';

process.env.LAB_HELIO ??= process.env.HELIO ?? new URL('../../target/debug/helio', import.meta.url).pathname;
process.env.HELIO = new URL('../bin/helio', import.meta.url).pathname;
process.env.HELIO_TEST_LAN = SERVER.ipv4;
// It reads them when it is loaded.
const { Server } = await import('../../tests/lib/server.mjs');

export function startServer() {
  return Server.start({
    host: 'helio.test',
    port: 443,
    set: {
      'http.listen': '["[::]:443"]',
      'media.listen': '["[::]:443"]',
      'turn.listen': '["[::]:3478"]',
      'turn.relay_ip': `["${SERVER.ipv4}", "${SERVER.ipv6}"]`,
    },
  });
}
