// A native device and browsers pair, both ways round, over the real server; and what must not
// become a pair.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { EvilProxy } from '../lib/evil_proxy.mjs';
import { NativeDevice } from '../lib/native.mjs';
import { invite, join, matchingSet, setUp } from '../lib/people.mjs';
import { Server } from '../lib/server.mjs';

describe('a native device', { timeout: 400_000 }, () => {
  let server, laptop;
  const open = [];

  before(async () => {
    server = await Server.start();
    laptop = await Device.open('laptop');
    await setUp(laptop, server);
  });

  after(async () => {
    for (const each of [...open, laptop, server]) await each?.close();
  });

  function native(name) {
    const device = new NativeDevice(name);
    open.push(device);
    return device;
  }

  async function phone() {
    const device = await Device.open('phone', { phone: true });
    open.push(device);
    return device;
  }

  const pairs = () => server.command('pairs').pairs;

  /// Chooses a set on the laptop's screen.
  async function choose(index) {
    await laptop.page.getByTestId(`words-set-${index}`).click();
    await laptop.page.getByTestId('words-confirm').click();
  }

  /// A browser invites, the native device joins; the pair's id.
  async function joinedBy(device) {
    const run = device.pair(await invite(laptop, server));
    const { words, peer } = await run.fact('showing');
    assert.equal(peer.name, 'laptop');
    await choose(await matchingSet(laptop, words));
    const { pairId } = await run.fact('paired');
    assert.equal((await run.end()).code, 0);
    return pairId;
  }

  /// Until the server's word on every pair is known: the next command that reaches it asks.
  async function settled(device) {
    const isPending = () => device.list('pairs').pairs.some(({ state }) => state === 'pending');
    for (const deadline = Date.now() + 60_000; isPending(); await new Promise((done) => setTimeout(done, 1000))) {
      assert.ok(Date.now() < deadline, 'a pair is settled within a minute');
      const run = device.pair('--invite');
      await run.fact('invite').catch(() => {});
      await run.kill();
    }
  }

  test('joins by the link that a browser shows', async () => {
    const garage = native('garage');
    const pairId = await joinedBy(garage);
    await laptop.page.getByTestId('paired').waitFor();
    assert.equal(await laptop.page.getByTestId('paired').getAttribute('data-pair'), pairId);
    const [kept] = garage.list('pairs').pairs;
    assert.deepEqual([kept.pairId, kept.state, kept.server, kept.peer.name], [pairId, 'paired', server.origin, 'laptop']);
    const mode = statSync(joinPath(garage.home, 'device.json')).mode & 0o777;
    assert.equal(mode, 0o600, 'its keys are its owner\'s alone');
    const listed = pairs().find((each) => each.pairId === pairId);
    assert.ok(listed.verified && listed.devices.some(({ record }) => record.name === 'garage'));
  });

  test('invites a phone, whose person reads the words', async () => {
    const garage = native('inviting garage');
    await joinedBy(garage);
    const run = garage.pair('--invite');
    const { link, expiresMs } = await run.fact('invite');
    assert.ok(expiresMs - Date.now() <= 121_000);
    const device = await phone();
    const words = await join(device, link);
    const { sets, peer } = await run.fact('choosing');
    assert.equal(peer.name, 'phone');
    assert.equal(sets.filter((set) => set === words).length, 1);
    run.type(sets.indexOf(words) + 1);
    const { pairId } = await run.fact('paired');
    await device.page.getByTestId('paired').waitFor();
    assert.equal(await device.page.getByTestId('paired').getAttribute('data-pair'), pairId);
    assert.equal((await run.end()).code, 0);
    assert.ok(garage.list('pairs').pairs.some((pair) => pair.pairId === pairId && pair.state === 'paired'));
  });

  test('opens a setup link and invites the first phone', async () => {
    const first = native('first');
    const run = first.pair(server.setupLink());
    assert.equal((await run.fact('set-up')).role, 'admin');
    assert.equal((await run.end()).code, 0);
    const again = first.pair('--invite');
    await again.fact('invite');
    await again.kill();
  });

  test('is told that a link was used, is too old, or is none', async () => {
    const [garage, attic] = [native('garage'), native('attic')];
    const earlier = pairs().length;
    const link = await invite(laptop, server);
    const first = garage.pair(link);
    const { words } = await first.fact('showing');
    const second = await attic.pair(link).end();
    assert.deepEqual([second.code, second.last.code], [3, 'busy']);
    await choose((await matchingSet(laptop, words) + 1) % 3);
    const burnt = await first.end();
    assert.deepEqual([burnt.code, burnt.last.code], [3, 'burnt'], 'the wrong words burn it');
    const late = await attic.pair(link).end();
    assert.deepEqual([late.code, late.last.code], [3, 'unknown-invite']);
    const old = await attic.pair(link.replace(/\.[0-9]+$/, '.1760000000')).end();
    assert.equal(old.code, 3);
    assert.match(old.errors, /too old/);
    const cut = await attic.pair(link.slice(0, -30)).end();
    assert.equal(cut.code, 2);
    assert.match(cut.errors, /incomplete/);
    assert.equal(pairs().length, earlier);
    assert.deepEqual(attic.list('pairs').pairs, []);
  });

  test('cannot reach a server that is not there', async () => {
    const attic = native('attic');
    const link = (await invite(laptop, server)).replace(`:${server.port}/`, ':1/');
    const { code, errors } = await attic.pair(link).end();
    assert.equal(code, 4);
    assert.match(errors, /does not answer/);
  });

  test('refuses another certificate than the one it paired with', async () => {
    const garage = native('garage');
    await joinedBy(garage);
    const evil = await EvilProxy.start();
    open.push(evil);
    evil.target = server.port;
    // The device believes that the evil address is the server it knows.
    const pin = joinPath(garage.home, 'servers', `${new URL(server.origin).host.replace(':', '_')}.json`);
    const moved = JSON.parse(readFileSync(pin, 'utf8'));
    const file = pin.replace(`_${server.port}.json`, `_${evil.port}.json`);
    writeFileSync(file, JSON.stringify({ ...moved, origin: evil.origin }), { mode: 0o600 });
    const { code, errors } = await garage.pair('--invite', '--server', evil.origin).end();
    assert.equal(code, 3);
    assert.match(errors, /another authority than when this device paired.*delete .*json/s);
  });

  test('and a signaller in between that changes messages do not pair', async () => {
    const garage = native('garage');
    const evil = await EvilProxy.start();
    open.push(evil);
    evil.target = server.port;
    // The rendezvous is taken over: the link names the real origin, the socket ends elsewhere.
    const link = (await invite(laptop, server)).replace(server.origin, evil.origin);
    const { code, last } = await garage.pair(link).end();
    assert.equal(code, 3);
    assert.equal(last.code, 'failed', 'the prologue names another origin');
    assert.deepEqual(garage.list('pairs').pairs, []);
  });

  /// Resolves when a file of that ending appears among the device's pairs.
  async function appears(device, ending) {
    const dir = joinPath(device.home, 'pairs');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const watcher = watch(dir);
    await new Promise((done) => watcher.on('change', (_, name) => { if (name.endsWith(ending)) done(); }));
    watcher.close();
  }

  const later = (ms) => () => new Promise((done) => setTimeout(done, ms));

  /// When a device is killed, counted from the moment in which the person confirms the words.
  const MOMENTS = [
    () => Promise.resolve(),
    (device) => appears(device, '.tmp'),
    (device) => appears(device, '.json'),
    (_, run) => run.fact('confirming'),
    (_, run) => run.fact('paired'),
    ...[20, 60, 120, 200, 300].map(later),
  ];

  test('killed at any moment leaves a whole pair or none', async (t) => {
    // An account has 16 invites in two minutes, and this takes that many.
    const own = await Server.start();
    const desk = await Device.open('desk');
    open.push(desk, own);
    await setUp(desk, own);
    const killed = [];
    for (const [index, moment] of MOMENTS.entries()) {
      const garage = native(`killed ${index}`);
      const run = garage.pair(await invite(desk, own));
      const { words } = await run.fact('showing');
      const right = await matchingSet(desk, words);
      await desk.page.getByTestId(`words-set-${right}`).click();
      const hit = moment(garage, run).then(() => run.kill());
      // The button may be gone: the page hears of a death at once.
      await desk.page.evaluate(() => document.querySelector('[data-testid=words-confirm]')?.click());
      await hit;
      killed.push(garage);
      await desk.page.goto('about:blank');
    }
    const counts = { whole: 0, none: 0 };
    for (const garage of killed) {
      await settled(garage);
      const here = garage.list('pairs').pairs.map((pair) => pair.pairId);
      const there = own.command('pairs').pairs.filter(({ devices }) => devices.some(({ record }) => record.name === garage.name)).map((pair) => pair.pairId);
      assert.deepEqual(here, there, `${garage.name}: the device and the server know the same`);
      counts[here.length === 1 ? 'whole' : 'none'] += 1;
    }
    t.diagnostic(JSON.stringify(counts));
    assert.ok(counts.whole > 0 && counts.none > 0, 'some came too early, some too late');
  });
});
