// A native device and a browser that are paired: texts over a link of both, directly and relayed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BoxAndLaptop } from '../lib/box_and_laptop.mjs';
import { allowPaths, inState, say } from '../lib/people.mjs';

describe('a native device and a browser', { timeout: 180_000 }, () => {
  let both, server, laptop, box, pairId;

  before(async () => {
    both = await BoxAndLaptop.pair();
    ({ server, laptop, box, pairId } = both);
  });

  after(async () => {
    await both?.close();
  });

  const received = (text) => laptop.page.locator('[data-testid=text-item][data-from=peer]', { hasText: text });

  /// Says a text on the command line, and returns the path that it took.
  async function sayNatively(text, ...options) {
    const run = box.start('message', 'laptop', text, ...options);
    const path = await run.fact('path');
    await run.fact('delivered');
    assert.equal((await run.end()).code, 0);
    await received(text).waitFor();
    return path;
  }

  test('link directly, and the browser says that its peer is verified', async () => {
    await both.openPage();
    await laptop.page.getByTestId('tab-text').click();
    const { local, remote } = await sayNatively('hello from the box');
    assert.ok(![local, remote].includes('relay'), `${local}, ${remote}`);
    assert.equal(await laptop.page.getByTestId('link-verified').getAttribute('data-verified'), 'true');
  });

  test('learn which address the browser hides behind a name of the own network', async () => {
    const run = box.start('message', pairId);
    await run.fact('linked');
    const named = ({ event, remote }) => event === 'path' && remote === 'host';
    await run.until(() => run.facts.find(named), 'path to an address that the browser named');
    run.child.kill('SIGINT');
    assert.equal((await run.end()).code, 0);
  });

  test('link again for each text, on one page', async () => {
    for (const text of ['one', 'two <b>and</b> a half', 'three ☀']) await sayNatively(text);
  });

  test('carry the browser\'s texts to the command line', async () => {
    const run = box.start('message', pairId, '--count', '2');
    await run.fact('linked');
    await inState(laptop, 'open');
    for (const text of ['hello from the laptop', 'and once more']) {
      await say(laptop, text);
      assert.equal((await run.fact('text')).text, text);
    }
    assert.equal((await run.end()).code, 0);
  });

  test('are relayed where the native device tells no address of its own', async () => {
    assert.equal((await sayNatively('by the relay', '--paths', 'relay')).local, 'relay');
  });

  test('are relayed where the browser tells none', async () => {
    await allowPaths(laptop, 'relay');
    await laptop.page.getByTestId('tab-text').click();
    assert.equal((await sayNatively('by your relay')).remote, 'relay');
    await allowPaths(laptop, 'all');
  });

  test('are told to the server by the native device', async () => {
    // What the browser tells is not counted from here on.
    await laptop.page.route('**/api/telemetry', (route) => route.abort());
    const metrics = async () => (await fetch(`http://${server.metrics}/metrics`)).text();
    const count = (text, name) => Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ')[1] ?? 0);
    await laptop.page.getByTestId('tab-text').click();
    const before = await metrics();
    await sayNatively('with figures');
    const text = await metrics();
    const names = ['helio_links_total{path="direct"}', 'helio_link_phase_seconds_count{phase="offer-to-answer"}', 'helio_link_bytes_total{kind="data"}'];
    for (const name of names) assert.ok(count(text, name) > count(before, name), `${name}\n${text}`);
  });

  test('say why there is no link, each with its exit code', async () => {
    const stranger = await box.start('message', 'nobody', 'hello').end();
    assert.equal(stranger.code, 2);
    assert.match(stranger.errors, /helio pairs/);
    await both.openPage();
    const long = await box.start('message', 'laptop', 'x'.repeat(2001)).end();
    assert.equal(long.code, 2, long.errors);
    assert.match(long.errors, /2000/);
    await laptop.page.goto('about:blank');
    const alone = await box.start('message', 'laptop', 'anybody there?', '--wait', '2').end();
    assert.equal(alone.code, 4);
    assert.match(alone.errors, /laptop is not there/);
    await server.stop();
    const unserved = await box.start('message', 'laptop', 'hello', '--wait', '2').end();
    await server.run();
    assert.equal(unserved.code, 4);
    assert.match(unserved.errors, /does not answer|cannot be reached/);
  });

  test('are told when the pair was revoked', async () => {
    server.order('pairs', 'revoke', pairId);
    const { code, errors } = await box.start('message', 'laptop', 'still there?').end();
    assert.equal(code, 3, errors);
    assert.match(errors, /pair again/);
  });
});
