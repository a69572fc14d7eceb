// The routers of the laboratory are what they are called: measured from outside and inside.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { buildInternet, STRANGERS } from './lib/internet.mjs';
import { KINDS } from './lib/kinds.mjs';
import { shell } from './lib/namespaces.mjs';
import { NatProbe } from './lib/nat_probe.mjs';
import { Site } from './lib/site.mjs';

describe('a NAT of the laboratory', { timeout: 60_000 }, () => {
  let site;

  before(async () => {
    await buildInternet();
    site = await Site.build(0);
  });

  after(() => site?.close());

  for (const kind of Object.values(KINDS)) {
    test(`${kind.name}: maps and filters as theory believes`, async () => {
      await site.join(kind);
      const probe = await NatProbe.open(site);
      try {
        assert.deepEqual(await probe.measure(), kind.udp);
        // A symmetric NAT has another mapping for each stranger by its nature.
        const isIndependent = kind.udp?.mapping === 'endpoint-independent';
        if (isIndependent) assert.ok(await probe.keepsMappingAfterEarlyPacket(), 'an early packet moves nothing');
      } finally {
        await probe.close();
      }
    });
  }

  test('UDP blocked: TCP leaves, to every port', async () => {
    await site.join(KINDS['UDP blocked']);
    assert.deepEqual(await tcpPortsThatAnswer(site, [443, 3478]), [443, 3478]);
  });

  test('TCP 443 only: no other port answers', async () => {
    await site.join(KINDS['TCP 443 only']);
    assert.deepEqual(await tcpPortsThatAnswer(site, [443, 3478]), [443]);
  });

  test('IPv6 only: no IPv4 leaves', async () => {
    await site.join(KINDS['IPv6 only']);
    await assert.rejects(shell(site.namespace, [`ip route get ${STRANGERS[4][0]}`]), /unreachable/i);
    await shell(site.namespace, [`ip route get ${STRANGERS[6][0]}`]);
  });

  test('no private address is known on the internet', async () => {
    await site.join(KINDS['double NAT']);
    for (const address of [site.address, '100.64.1.1']) {
      await assert.rejects(shell(null, [`ip route get ${address}`]), /unreachable/i, address);
    }
  });
});

async function listener(address, port) {
  const server = createServer((socket) => socket.end()).listen(port, address);
  await once(server, 'listening');
  return server;
}

/// Which ports of the internet a device can connect to.
async function tcpPortsThatAnswer(site, ports) {
  const servers = await Promise.all(ports.map((port) => listener(STRANGERS[4][0], port)));
  const answers = await Promise.all(ports.map((port) => shell(site.namespace, [
    `timeout 1 bash -c 'exec 3<>/dev/tcp/${STRANGERS[4][0]}/${port}' && echo open || true`,
  ])));
  for (const server of servers) server.close();
  return ports.filter((_, i) => answers[i].includes('open'));
}
