// `helio doctor` names the cause of real faults with the same words as the page: UDP dropped by
// the kernel, NATs made of it, a relay with another secret, closed ports, a certificate that nobody
// vouches for, a server that is away. And finds none where there is none.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Coturn } from '../lib/coturn.mjs';
import { NativeDevice, pairNatives } from '../lib/native.mjs';
import { nat, OUTER, OUTSIDE, withRules } from '../lib/rules.mjs';
import { freePort, LAN, Server } from '../lib/server.mjs';

/// A device that has an account on this server.
async function boxOn(server) {
  const box = new NativeDevice('box');
  const { code, errors } = await box.pair(server.setupLink()).end();
  assert.equal(code, 0, errors);
  return box;
}

/// What the doctor found, by check, and how it ended.
async function ask(box, ...words) {
  const run = box.start('doctor', ...words);
  const code = await run.exited;
  const checks = run.facts.filter(({ event }) => event === 'check');
  const found = Object.fromEntries(checks.map((fact) => [fact.check, { ...fact, measured: fact.measured.join('\n') }]));
  return { code, found, errors: run.errors, faults: run.facts.at(-1)?.faults };
}

function states(found) {
  return JSON.stringify(Object.fromEntries(Object.entries(found).map(([id, { state }]) => [id, state])));
}

describe('helio doctor', { timeout: 280_000 }, () => {
  let server, box;

  before(async () => {
    server = await Server.start();
    box = await boxOn(server);
  });

  after(async () => {
    await box?.close();
    await server?.close();
  });

  test('finds no fault where there is none', async (t) => {
    const { code, found, errors, faults } = await ask(box);
    for (const [id, { measured }] of Object.entries(found)) t.diagnostic(`${id}: ${measured.replaceAll('\n', '; ')}`);
    const good = ['keys', 'server', 'tls', 'token', 'websocket', 'stun', 'mapping', 'udp', 'relay-udp', 'relay-tcp', 'link-direct', 'link-udp', 'link-tcp'];
    for (const id of good) assert.equal(found[id]?.state, 'good', `${id}: ${found[id]?.measured}\n${errors}`);
    assert.equal(found['relay-tls'].state, 'untold');
    assert.match(found.tls.measured, /TLSv1_3 .*\n.*pinned when this device paired/);
    assert.match(found.mapping.measured, /no NAT/);
    assert.equal(faults, 0);
    assert.equal(code, 0, errors);
  });

  test('tells a stranger what needs no device, and what does', async () => {
    const stranger = new NativeDevice('stranger');
    try {
      const { code, found, errors } = await ask(stranger, server.origin);
      for (const id of ['server', 'websocket', 'link-direct']) assert.equal(found[id].state, 'good', `${id}\n${errors}`);
      for (const id of ['keys', 'token', 'stun', 'mapping', 'udp', 'relay-udp']) assert.equal(found[id].state, 'untold', id);
      assert.equal(found.tls.state, 'note');
      assert.match(found.tls.cause, /signs its certificate itself/);
      assert.equal(code, 0, errors);
      assert.equal((await ask(stranger)).code, 2, 'no server is known');
    } finally {
      await stranger.close();
    }
  });

  test('says that UDP is blocked when only TCP passes', { skip: OUTSIDE }, async () => {
    const drop = { hook: 'type filter hook output priority 0;', rule: `udp dport { ${server.turnPort}, ${server.port} } drop` };
    const { code, found, errors } = await withRules(drop, () => ask(box));
    assert.deepEqual(
      ['stun', 'udp', 'relay-udp', 'relay-tcp', 'link-udp', 'link-tcp'].map((id) => found[id].state),
      ['bad', 'bad', 'bad', 'good', 'untold', 'good'],
      states(found),
    );
    assert.match(found.udp.cause, /UDP is blocked on the way/);
    assert.match(found.stun.line, new RegExp(`turn\\.listen = .*:${server.turnPort}`));
    assert.equal(found.mapping.state, 'untold');
    assert.equal(code, 1);
    assert.match(errors, /3 checks found faults/);
  });

  test('tells a NAT that keeps the port from one that takes another for each', { skip: OUTSIDE }, async (t) => {
    const ports = [server.turnPort, server.port];
    const easy = await withRules(nat(ports, OUTER), () => ask(box));
    t.diagnostic(easy.found.mapping.measured.replaceAll('\n', '; '));
    assert.equal(easy.found.mapping.state, 'good');
    assert.match(easy.found.mapping.measured, new RegExp(`stun:${LAN}:${server.turnPort} and stun:${LAN}:${server.port} saw one socket as ${OUTER}:\\d+\n`));
    assert.match(easy.found.mapping.measured, /filtering: not told/);
    const hard = await withRules(nat(ports, `${OUTER}:40000-60000 fully-random`), () => ask(box));
    t.diagnostic(hard.found.mapping.measured.replaceAll('\n', '; '));
    assert.equal(hard.found.mapping.state, 'note');
    assert.match(hard.found.mapping.measured, /symmetric NAT/);
    assert.equal(hard.code, 0, 'a NAT is no fault');
  });

  test('does not take the certificate of a stranger', async () => {
    const other = await Server.start();
    try {
      const { code, found } = await ask(box, other.origin);
      assert.equal(found.tls.state, 'bad', states(found));
      assert.match(found.tls.remedy, /--ca FILE/);
      assert.equal(found.websocket.state, 'untold', 'nothing is asked of it');
      assert.equal(code, 1);
    } finally {
      await other.close();
    }
  });

  test('says that the server is away, and blames nothing else for it', async () => {
    await server.stop();
    try {
      const { code, found, errors } = await ask(box);
      const faulty = Object.keys(found).filter((id) => found[id].state === 'bad');
      assert.deepEqual(faulty, ['server']);
      assert.match(found.server.cause, new RegExp(`nothing listens on its TCP port ${server.port}`));
      assert.match(found.server.line, /http\.listen/);
      assert.equal(found['link-direct'].state, 'good');
      assert.equal(code, 4);
      assert.match(errors, /does not answer/);
    } finally {
      await server.run();
    }
  });
});

describe('a native link that does not come up', { timeout: 180_000, skip: OUTSIDE }, () => {
  /// Runs `act` with two paired devices on a server of these settings.
  async function withPair(set, act) {
    const server = await Server.start({ set });
    const box = await boxOn(server);
    const shed = new NativeDevice('shed');
    try {
      await pairNatives(box, shed);
      await act(box, shed);
    } finally {
      for (const each of [box, shed, server]) await each.close();
    }
  }

  test('is explained with the table of what was tried', async (t) => {
    await withPair({ 'turn.listen': '[]', 'media.listen': '[]' }, async (box, shed) => {
      const drop = { family: 'inet', hook: 'type filter hook output priority 0;', rule: 'meta l4proto udp drop' };
      await withRules(drop, async () => {
        shed.start('message', 'box');
        const run = box.start('message', 'shed', 'anybody there?', '--wait', '6');
        const tried = await run.fact('tried');
        const { code, errors } = await run.end();
        t.diagnostic(errors);
        assert.equal(code, 4);
        assert.match(errors, /the two devices found no path to each other\. Put them on one network/);
        assert.match(errors, new RegExp(`host ${LAN}:\\d+ +host ${LAN}:\\d+ +0 of [1-9]`));
        assert.match(errors, /helio doctor/);
        assert.ok(tried.pairs.every(({ requests, responses }) => requests > 0 && responses === 0), JSON.stringify(tried));
      });
    });
  });

  test('is explained with what the relay refused, where it was needed', async (t) => {
    const coturn = await Coturn.start();
    try {
      const signed = `{kind="coturn",urls=["${coturn.url}"],secret="not the secret of this relay"}`;
      await withPair({ 'turn.listen': '[]', 'media.listen': '[]', 'turn.external': `[${signed}]` }, async (box, shed) => {
        shed.start('message', 'box', '--paths', 'relay');
        const { code, errors } = await box.start('message', 'shed', 'anybody there?', '--wait', '5', '--paths', 'relay').end();
        t.diagnostic(errors);
        assert.equal(code, 4);
        assert.match(errors, /the relay did not take this device/);
        assert.match(errors, /A relay refused: 401/);
      });
    } finally {
      await coturn.close();
    }
  });
});

describe('helio doctor, of relays', { timeout: 120_000 }, () => {
  let coturn, server, box;

  before(async () => {
    coturn = await Coturn.start();
    const signed = `{kind="coturn",urls=["${coturn.url}"],secret="not the secret of this relay"}`;
    const closed = `{kind="static",urls=["turn:${LAN}:${await freePort()}?transport=tcp"],username="ada",credential="secret"}`;
    server = await Server.start({ set: { 'turn.listen': '[]', 'media.listen': '[]', 'turn.external': `[${signed},${closed}]` } });
    box = await boxOn(server);
  });

  after(async () => {
    await box?.close();
    await server?.close();
    await coturn?.close();
  });

  test('tells a wrong secret from a closed port', async () => {
    const { code, found, errors } = await ask(box);
    assert.equal(found['relay-udp'].state, 'bad', errors);
    assert.match(found['relay-udp'].measured, /refused: 401/);
    assert.match(found['relay-udp'].line, /turn\.secrets/);
    assert.equal(found['relay-tcp'].state, 'bad');
    assert.match(found['relay-tcp'].cause, /nothing answers/i);
    assert.match(found['relay-tcp'].measured, /refused/i);
    assert.equal(found.udp.state, 'good', 'a refusal came over UDP');
    assert.equal(found['link-direct'].state, 'good');
    assert.equal(code, 1);
  });
});
