// A camera's box behind two NATs, and one TCP port of a machine on the internet that rathole leads
// to it: whoever opens that port's pages watches and publishes through it. No UDP and no TURN.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pair, setUp } from '../tests/lib/people.mjs';
import { makeStream } from '../tests/lib/streams.mjs';
import { Browser } from './lib/browsers.mjs';
import { buildInternet, SERVER } from './lib/internet.mjs';
import { KINDS } from './lib/kinds.mjs';
import { shell } from './lib/namespaces.mjs';
import { startBox } from './lib/server.mjs';
import { Site } from './lib/site.mjs';
import { publish, streamPath, watch } from './lib/streaming.mjs';
import { Tunnel } from './lib/tunnel.mjs';

const OUTSIDE = 443;
const INSIDE = 8443;
const THROUGH_THE_TUNNEL = { protocol: 'tcp', to: `${SERVER.ipv4}:${OUTSIDE}` };

describe('a box behind a tunnel', { timeout: 180_000 }, () => {
  let sites, tunnel, server, camera, viewer;

  before(async () => {
    await buildInternet();
    sites = [await Site.build(0), await Site.build(1)];
    await sites[0].join(KINDS['double NAT']);
    await sites[1].join(KINDS['port-restricted']);
    tunnel = await Tunnel.dig(sites[0], { outside: OUTSIDE, inside: INSIDE });
    server = await startBox(sites[0], {
      'http.listen': `["[::]:${INSIDE}"]`,
      'media.listen': `["[::]:${INSIDE}"]`,
      'media.external': `["helio.test:${OUTSIDE}/tcp"]`,
      'turn.listen': '[]',
    });
    [camera, viewer] = await Promise.all(sites.map((site, i) => Browser.open(site, ['camera', 'viewer'][i])));
    await setUp(viewer.device, server);
    await pair(viewer.device, camera.device, server);
    await makeStream(viewer.device, server, 'cam0');
  });

  after(async () => {
    for (const each of [camera, viewer, server, tunnel, ...sites ?? []]) await each?.close();
  });

  test('nobody far away reaches it by its own address', async () => {
    const connect = `timeout 2 bash -c '</dev/tcp/${sites[0].address}/${INSIDE}'`;
    await shell(sites[0].namespace, [connect]);
    await assert.rejects(shell(sites[1].namespace, [connect]));
  });

  test('its camera publishes beside it, and somebody far away watches through the tunnel', async (t) => {
    await publish(camera, server);
    t.diagnostic(`camera: ${JSON.stringify(await streamPath(camera))}`);
    await watch(t, viewer, server);
    await goesThroughTheTunnel(t, viewer);
  });

  test('somebody far away publishes through the tunnel, and is watched beside the box', async (t) => {
    await camera.rest();
    await publish(viewer, server);
    await goesThroughTheTunnel(t, viewer);
    await watch(t, camera, server);
    assert.equal((await streamPath(camera)).protocol, 'udp', 'who is near goes directly');
  });
});

/// And not over a relay.
async function goesThroughTheTunnel(t, browser) {
  const { kind, ...path } = await streamPath(browser);
  t.diagnostic(`far away: ${kind} ${path.protocol} ${path.to}`);
  assert.deepEqual(path, THROUGH_THE_TUNNEL);
  assert.notEqual(kind, 'relay');
}
