// An evil signaller changes and replays what the peers signed: they refuse, and say why.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { EvilProxy, withForeignFingerprint } from '../lib/evil_proxy.mjs';
import { wasEverConnected } from '../lib/peer_connections.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

describe('an evil signaller', { timeout: 300_000 }, () => {
  let proxy, two;

  before(async () => {
    proxy = await EvilProxy.start();
    const place = (server) => {
      proxy.target = server.port;
      return { origin: proxy.origin, setupLink: () => server.setupLink() };
    };
    two = await TwoDevices.pair({ place, set: { 'http.public_origins': `["${proxy.origin}"]` } });
  });

  after(async () => {
    await two?.close();
    await proxy?.close();
  });

  // A page that leaves ends its link, so that each test begins anew.
  afterEach(() => Promise.all(two.all.map(({ page }) => page.goto('about:blank'))));

  test('that changes nothing cannot be told from the server', async () => {
    await two.link();
    assert.ok(proxy.heard.some(({ t, sig }) => t === 'offer' && sig));
    assert.ok(proxy.heard.some(({ t, sig }) => t === 'answer' && sig));
  });

  test('that swaps the fingerprint of an offer is refused by the one who should answer', async (t) => {
    const refusal = await refusedWith((message) => (message.t === 'offer' ? withForeignFingerprint(message) : message));
    t.diagnostic(refusal.told);
    assert.equal(refusal.by, answerer());
    assert.equal(refusal.code, 'signature-refused');
    assert.match(refusal.told, /The offer was refused: its fingerprint or text is not what your other device signed/);
  });

  test('that swaps the fingerprint of an answer is refused by the one who offered', async (t) => {
    const refusal = await refusedWith((message) => (message.t === 'answer' ? withForeignFingerprint(message) : message));
    t.diagnostic(refusal.told);
    assert.equal(refusal.by, offerer());
    assert.equal(refusal.code, 'signature-refused');
    assert.match(refusal.told, /The answer was refused: its fingerprint or text is not what your other device signed/);
  });

  test('that replays an old signed offer in a later session is refused', async (t) => {
    const old = await lastOf('offer');
    const refusal = await refusedWith((message) => (message.t === 'offer' ? old : message));
    t.diagnostic(refusal.told);
    assert.equal(refusal.by, answerer());
    assert.equal(refusal.code, 'replayed');
    assert.match(refusal.told, /The offer was sent before and was refused/);
  });

  test('that replays an old signed answer in a later session is refused', async (t) => {
    const old = await lastOf('answer');
    const refusal = await refusedWith((message) => (message.t === 'answer' ? old : message));
    t.diagnostic(refusal.told);
    assert.equal(refusal.by, offerer());
    assert.equal(refusal.code, 'signature-refused');
    assert.match(refusal.told, /The answer was refused/);
  });

  test('that passes an old offer off as the answer is refused', async (t) => {
    const old = await lastOf('offer');
    const refusal = await refusedWith((message) => (message.t === 'answer' ? { ...old, t: 'answer' } : message));
    t.diagnostic(refusal.told);
    assert.equal(refusal.by, offerer());
  });

  test('that leaves signatures out is refused', async (t) => {
    const refusal = await refusedWith(({ sig, ...message }) => message);
    t.diagnostic(refusal.told);
    assert.equal(refusal.code, 'unsigned');
  });

  /// Opens the link under `tamper`, waits until one page refuses, and returns what it says. No
  /// connection may exist then on either; the link opens by itself once the signaller is honest.
  async function refusedWith(tamper) {
    proxy.tamper = tamper;
    await two.openPages();
    const { page, name } = await Promise.any(two.all.map(async (device) => {
      await device.page.getByTestId('link-refused').waitFor();
      return device;
    }));
    const notice = page.getByTestId('link-refused');
    const refusal = { by: name, code: await notice.getAttribute('data-code'), told: await notice.textContent() };
    const failure = page.getByTestId('link-failure');
    assert.equal(await failure.getAttribute('data-code'), 'signature-refused');
    for (const device of two.all) assert.equal(await wasEverConnected(device), false, `${device.name} never connected`);
    proxy.tamper = (message) => message;
    await two.inState('open', 'direct');
    return refusal;
  }

  async function lastOf(type) {
    proxy.tamper = (message) => message;
    proxy.heard.length = 0;
    await two.link();
    await Promise.all(two.all.map(({ page }) => page.goto('about:blank')));
    return proxy.heard.findLast(({ t }) => t === type);
  }

  /// The impolite side, which has the higher device id, makes the first offer.
  function offerer() {
    const devices = two.server.command('devices').devices.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
    return devices.at(-1).name;
  }

  function answerer() {
    return two.all.map(({ name }) => name).find((name) => name !== offerer());
  }
});
