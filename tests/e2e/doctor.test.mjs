// The doctor names the cause of real faults: a relay with another secret, closed ports, UDP
// dropped by the kernel, a NAT made of it, a server that is away. And finds none where there is none.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { Coturn } from '../lib/coturn.mjs';
import { askDoctor, findings, states } from '../lib/doctor.mjs';
import { setUp } from '../lib/people.mjs';
import { nat, OUTER, OUTSIDE, withRules } from '../lib/rules.mjs';
import { freePort, LAN, Server } from '../lib/server.mjs';

describe('the doctor', { timeout: 300_000 }, () => {
  let server, laptop;

  before(async () => {
    server = await Server.start();
    laptop = await Device.open('laptop');
  });

  after(async () => {
    await laptop?.close();
    await server?.close();
  });

  test('tells a stranger what needs no device, and what does', async () => {
    const found = await askDoctor(laptop, server);
    for (const id of ['keys', 'server', 'websocket', 'link-direct']) assert.equal(found[id].state, 'good', id);
    for (const id of ['token', 'stun', 'mapping', 'udp', 'relay-udp', 'relay-tcp']) assert.equal(found[id].state, 'untold', id);
    assert.match(found.token.measured, /no device of an account/);
  });

  test('finds no fault where there is none', async (t) => {
    await setUp(laptop, server);
    const found = await askDoctor(laptop, server);
    for (const [id, { measured }] of Object.entries(found)) t.diagnostic(`${id}: ${measured.replaceAll('\n', '; ')}`);
    const good = ['keys', 'server', 'token', 'websocket', 'stun', 'mapping', 'udp', 'relay-udp', 'relay-tcp', 'link-direct', 'link-udp', 'link-tcp'];
    for (const id of good) assert.equal(found[id].state, 'good', `${id}: ${found[id].measured}`);
    assert.equal(found['relay-tls'].state, 'untold', 'no relay over TLS with a certificate of its own');
    assert.equal(await laptop.page.getByTestId('doctor-verdict').getAttribute('data-faults'), '0');
    assert.match(found.mapping.measured, /no NAT/);
    assert.deepEqual(laptop.problems, []);
  });

  test('says that UDP is blocked when only TCP passes', { skip: OUTSIDE }, async () => {
    const drop = { hook: 'type filter hook output priority 0;', rule: `udp dport { ${server.turnPort}, ${server.port} } drop` };
    const found = await withRules(drop, () => askDoctor(laptop, server));
    assert.deepEqual(
      [found.stun.state, found.udp.state, found['relay-udp'].state, found['relay-tcp'].state, found['link-udp'].state, found['link-tcp'].state],
      ['bad', 'bad', 'bad', 'good', 'untold', 'good'],
      JSON.stringify(states(found)),
    );
    assert.match(found.udp.cause, /UDP is blocked on the way/);
    assert.match(found.stun.line, new RegExp(`turn\\.listen = .*:${server.turnPort}`));
    assert.equal(found.mapping.state, 'untold');
  });

  test('tells a NAT that keeps the port from one that takes another for each', { skip: OUTSIDE }, async (t) => {
    const ports = [server.turnPort, server.port];
    const easy = await withRules(nat(ports, OUTER), () => askDoctor(laptop, server));
    t.diagnostic(easy.mapping.measured.replaceAll('\n', '; '));
    assert.equal(easy.mapping.state, 'good');
    assert.match(easy.mapping.measured, new RegExp(`stun:${LAN}:${server.turnPort} and stun:${LAN}:${server.port} saw one socket as ${OUTER}:\\d+\n`));
    assert.match(easy.mapping.measured, /filtering: not told/);
    const hard = await withRules(nat(ports, `${OUTER}:40000-60000 fully-random`), () => askDoctor(laptop, server));
    t.diagnostic(hard.mapping.measured.replaceAll('\n', '; '));
    assert.equal(hard.mapping.state, 'note');
    assert.match(hard.mapping.measured, /symmetric NAT/);
  });

  test('says that the server is away, and blames nothing else for it', async () => {
    await server.stop();
    try {
      await laptop.page.getByTestId('doctor-again').click();
      await laptop.page.locator('[data-testid=check-server][data-state=bad]').waitFor();
      const found = await findings(laptop.page);
      const faulty = Object.keys(found).filter((id) => found[id].state === 'bad');
      assert.deepEqual(faulty, ['server']);
      assert.match(found.server.remedy, /server is running/);
      assert.equal(found['link-direct'].state, 'good');
    } finally {
      await server.run();
    }
  });
});

describe('the doctor, of relays', { timeout: 120_000 }, () => {
  let coturn, server, laptop;

  before(async () => {
    coturn = await Coturn.start();
    const signed = `{kind="coturn",urls=["${coturn.url}"],secret="not the secret of this relay"}`;
    const closed = `{kind="static",urls=["turn:${LAN}:${await freePort()}?transport=tcp"],username="ada",credential="secret"}`;
    server = await Server.start({ set: { 'turn.listen': '[]', 'media.listen': '[]', 'turn.external': `[${signed},${closed}]` } });
    laptop = await Device.open('laptop');
    await setUp(laptop, server);
  });

  after(async () => {
    await laptop?.close();
    await server?.close();
    await coturn?.close();
  });

  test('tells a wrong secret from a closed port', async () => {
    const found = await askDoctor(laptop, server);
    assert.equal(found['relay-udp'].state, 'bad');
    assert.match(found['relay-udp'].measured, /refused: 401/);
    assert.match(found['relay-udp'].line, /turn\.secrets/);
    assert.equal(found['relay-tcp'].state, 'bad');
    assert.match(found['relay-tcp'].cause, /nothing answers/i);
    assert.equal(found.udp.state, 'good', 'a refusal came over UDP');
    assert.equal(found['link-direct'].state, 'good');
  });
});
