// Local mode: a capture on the device shows no packet to any address that is not of its own network,
// and the same capture on a device without local mode shows them. Both are in one room, with public
// addresses besides their private ones, and are told of a STUN server far away.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { buildHome, capture, captured, FAR_AWAY, SERVER_ADDRESS } from './lib/home_network.mjs';
import { Native } from './lib/natives.mjs';
import { serve } from './lib/server.mjs';

describe('local mode of a native device', { timeout: 60_000 }, () => {
  let server, devices, pairId;

  before(async () => {
    const namespaces = await buildHome();
    server = await serve(SERVER_ADDRESS, { 'turn.relay_ip': `["${SERVER_ADDRESS}"]`, 'ice.stun_urls': `["stun:${FAR_AWAY}:3478"]` });
    devices = await Promise.all(namespaces.map((namespace) => Native.open({ namespace }, namespace)));
    const [inviter, joiner] = devices;
    await inviter.setUp(server);
    pairId = await inviter.invite(server, (link) => joiner.join(link));
    await joiner.joined();
  });

  after(async () => {
    for (const each of [...devices ?? [], server]) await each?.close();
  });

  /// Carries a text between the devices, each with its own mode, and returns what each has sent.
  async function sent(...modes) {
    await Promise.all(devices.map(({ site }) => capture(site.namespace)));
    const [listener, speaker] = devices;
    await listener.link(server, pairId, '--paths', modes[0]);
    const run = speaker.device.start('message', pairId, 'hello', '--paths', modes[1]);
    await run.fact('delivered');
    assert.equal((await run.end()).code, 0);
    await listener.rest();
    return Promise.all(devices.map(({ site }) => captured(site.namespace)));
  }

  for (const modes of [['local', 'all'], ['all', 'local']]) {
    test(`${modes[0]} listens, ${modes[1]} speaks: only the one without local mode leaves the network`, async (t) => {
      const packets = await sent(...modes);
      t.diagnostic(modes.map((mode, i) => `${mode}: ${packets[i].local} local, ${packets[i].foreign} foreign`).join('; '));
      const by = (mode) => packets[modes.indexOf(mode)];
      assert.ok(by('local').local > 0, 'the capture sees packets');
      assert.equal(by('local').foreign, 0);
      assert.ok(by('all').foreign > 0, 'the capture sees those that leave');
    });
  }

  test('both in local mode: neither leaves it', async () => {
    for (const { foreign, local } of await sent('local', 'local')) assert.deepEqual([foreign, local > 0], [0, true]);
  });
});
