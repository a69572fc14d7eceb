// `helio` in the laboratory: as the server, everything on 443, STUN and TURN on 3478 besides; and
// as a device.
import { SERVER } from './internet.mjs';

process.env.LAB_HELIO ??= process.env.HELIO ?? new URL('../../target/debug/helio', import.meta.url).pathname;
process.env.HELIO = new URL('../bin/helio', import.meta.url).pathname;
process.env.HELIO_TEST_LAN = SERVER.ipv4;
// It reads them when it is loaded.
const { Server } = await import('../../tests/lib/server.mjs');
const { NativeDevice } = await import('../../tests/lib/native.mjs');

/// The program as a device; `env` says where.
export function helioOf(name, env) {
  return new NativeDevice(name, { env: { LAB_HELIO: process.env.LAB_HELIO, ...env } });
}

/// The one on the internet, by its name.
export function startServer() {
  return serve('helio.test', { 'turn.relay_ip': `["${SERVER.ipv4}", "${SERVER.ipv6}"]` });
}

/// One on the device of a site, which people reach as the one on the internet if at all.
export function startBox(site, set) {
  return serve('helio.test', { 'turn.relay_ip': '[]', ...set }, { env: { LAB_NAMESPACE: site.namespace } });
}

/// The one on the internet, all of it on one TCP and one UDP port of this number.
export function startOnOnePort(port) {
  const listen = `["[::]:${port}"]`;
  const set = { 'http.listen': listen, 'media.listen': listen, 'turn.listen': '[]' };
  return serve('helio.test', set, { port });
}

/// A server that people reach as `host`, with `set` over its configuration; `env` says where it is.
export function serve(host, set, { port = 443, env } = {}) {
  return Server.start({
    host,
    port,
    env,
    set: {
      'http.listen': '["[::]:443"]',
      'media.listen': '["[::]:443"]',
      'turn.listen': '["[::]:3478"]',
      // Nobody else changes the network a hundred times in a minute.
      'limits.turn_allocations_per_device': '4096',
      ...set,
    },
  });
}
