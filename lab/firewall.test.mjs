// A server whose firewall lets one TCP and one UDP port of the same number through: pages,
// signalling, streams and relayed links all go by it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pathOf } from '../tests/lib/peer_connections.mjs';
import { makeStream } from '../tests/lib/streams.mjs';
import { Browser } from './lib/browsers.mjs';
import { buildInternet, SERVER } from './lib/internet.mjs';
import { KINDS } from './lib/kinds.mjs';
import { loadRules, shell } from './lib/namespaces.mjs';
import { startOnOnePort } from './lib/server.mjs';
import { Site } from './lib/site.mjs';
import { publish, streamPath, watch } from './lib/streaming.mjs';

const PORT = 8443;

describe('a server behind a firewall with one port', { timeout: 240_000 }, () => {
  let sites, server, left, right, pairId;

  before(async () => {
    await buildInternet();
    await shell(SERVER.namespace, loadRules(`table inet firewall {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport ${PORT} accept
    udp dport ${PORT} accept
  }
}`));
    sites = [await Site.build(0), await Site.build(1)];
    await Promise.all(sites.map((site) => site.join(KINDS.symmetric)));
    server = await startOnOnePort(PORT);
    [left, right] = await Promise.all(sites.map((site, i) => Browser.open(site, ['left', 'right'][i])));
    await left.setUp(server);
    pairId = await left.invite(server, (link) => right.join(link));
    assert.equal(await right.joined(), pairId);
    await makeStream(left.device, server, 'cam0');
  });

  after(async () => {
    for (const each of [left, right, server, ...sites ?? []]) await each?.close();
  });

  test('a stream is published and watched by UDP', async (t) => {
    await publish(left, server);
    await watch(t, right, server);
    for (const browser of [left, right]) await goesTo(t, browser, 'udp');
  });

  test('a stream is watched where UDP is blocked', async (t) => {
    await right.rest();
    await sites[1].join(KINDS['UDP blocked']);
    await watch(t, right, server);
    await goesTo(t, right, 'tcp');
  });

  for (const [kind, relayProtocol] of [['symmetric', 'udp'], ['UDP blocked', 'tcp']]) {
    test(`a link between a symmetric NAT and ${kind} is relayed, the latter by ${relayProtocol}`, async (t) => {
      for (const browser of [left, right]) await browser.rest();
      await sites[1].join(KINDS[kind]);
      for (const browser of [left, right]) await browser.link(server, pairId);
      for (const browser of [left, right]) {
        await browser.isOpen({ path: 'relayed' });
        assert.equal(await browser.path(), 'relayed');
      }
      const [own] = await pathOf(right.device);
      t.diagnostic(`${own.candidateType} of ${own.url} by ${own.relayProtocol}`);
      assert.deepEqual([own.candidateType, own.relayProtocol], ['relay', relayProtocol]);
      assert.match(own.url, new RegExp(`:${PORT}\\?`));
    });
  }
});

async function goesTo(t, browser, protocol) {
  const { kind, ...path } = await streamPath(browser);
  t.diagnostic(`${browser.device.name}: ${kind} ${path.protocol} ${path.to}`);
  assert.deepEqual(path, { protocol, to: `${SERVER.ipv4}:${PORT}` });
}
