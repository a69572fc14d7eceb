// Pairings that must not come about, and what the people at both screens are told.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { inState, invite, join, matchingSet, openLink, pair, setUp } from '../lib/people.mjs';
import { Server } from '../lib/server.mjs';

/// What a page says of a failure; `code` is what the documentation lists.
async function told({ page }, testid) {
  const notice = page.getByTestId(testid);
  await notice.waitFor();
  assert.ok((await notice.locator('.notice-next').textContent()).length > 10, 'it says what to do');
  return { code: await notice.getAttribute('data-code'), text: await notice.textContent() };
}

describe('a pairing', { timeout: 300_000 }, () => {
  let server, laptop, phone, tablet;

  before(async () => {
    server = await Server.start();
    laptop = await Device.open('laptop');
    await setUp(laptop, server);
  });

  // Devices without an identity, so that each test pairs strangers.
  beforeEach(async () => {
    await Promise.all([phone?.close(), tablet?.close()]);
    [phone, tablet] = await Promise.all([Device.open('phone', { phone: true }), Device.open('tablet')]);
  });

  after(async () => {
    await Promise.all([laptop, phone, tablet].map((device) => device?.close()));
    await server?.close();
  });

  const pairs = () => server.command('pairs').pairs;

  /// Opens a link up to the point where the page sends something.
  async function tryToJoin({ page, name }, link) {
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByTestId('join-name').fill(name);
    await page.getByTestId('join-submit').click();
  }

  test('link that is opened again while and after it is used, leads nowhere', async () => {
    const earlier = pairs().length;
    const link = await invite(laptop, server);
    const words = await join(phone, link);
    await tryToJoin(tablet, link);
    const during = await told(tablet, 'join-failure');
    assert.equal(during.code, 'busy');
    assert.match(during.text, /Only one device can use a code/);
    await laptop.page.getByTestId(`words-set-${await matchingSet(laptop, words)}`).click();
    await laptop.page.getByTestId('words-confirm').click();
    await Promise.all([laptop, phone].map(({ page }) => page.getByTestId('paired').waitFor()));
    await tablet.page.goto('about:blank');
    await tablet.page.goto(link);
    await tablet.page.getByTestId('join-submit').click();
    const afterwards = await told(tablet, 'join-failure');
    assert.equal(afterwards.code, 'unknown-invite');
    assert.match(afterwards.text, /This invitation has ended.*Ask for a new code/);
    assert.equal(pairs().length, earlier + 1, 'only the first became a pair');
  });

  test('link that is too old is refused by the page that opens it', async () => {
    const link = await invite(laptop, server);
    const past = link.replace(/\.[0-9]+$/, `.${Math.floor(Date.now() / 1000) - 1}`);
    await phone.page.goto(past);
    const { code, text } = await told(phone, 'join-failure');
    assert.equal(code, 'invite-expired');
    assert.match(text, /Ask for a new code/);
  });

  test('link that nobody opens ends after two minutes on the inviter\'s screen', async () => {
    await laptop.page.goto('about:blank');
    await laptop.page.clock.install();
    const link = await invite(laptop, server);
    await laptop.page.clock.fastForward(121_000);
    const { code, text } = await told(laptop, 'invite-failure');
    assert.equal(code, 'invite-expired', text);
    await laptop.page.getByTestId('invite-again').waitFor();
    await tryToJoin(phone, link);
    assert.equal((await told(phone, 'join-failure')).code, 'unknown-invite', 'the server forgot it too');
    await laptop.page.clock.resume();
  });

  test('with the wrong words chosen is burnt for both', async () => {
    const earlier = pairs().length;
    const link = await invite(laptop, server);
    const index = await matchingSet(laptop, await join(phone, link));
    await laptop.page.getByTestId(`words-set-${(index + 1) % 3}`).click();
    await laptop.page.getByTestId('words-confirm').click();
    const chooser = await told(laptop, 'invite-failure');
    assert.equal(chooser.code, 'wrong-words');
    assert.match(chooser.text, /nothing was paired/);
    const shower = await told(phone, 'join-failure');
    assert.equal(shower.code, 'burnt');
    assert.match(shower.text, /This invitation was burnt.*Ask for a new code/);
    await tryToJoin(tablet, link);
    assert.equal((await told(tablet, 'join-failure')).code, 'unknown-invite', 'nobody can use it again');
    assert.equal(pairs().length, earlier);
  });

  test('whose inviter goes away tells the joiner', async () => {
    const words = await join(phone, await invite(laptop, server));
    assert.equal(words.split(' ').length, 4);
    await laptop.page.goto('about:blank');
    const { code, text } = await told(phone, 'join-failure');
    assert.equal(code, 'burnt', text);
    assert.match(text, /Ask for a new code on the other device/);
  });

  test('whose joiner goes away tells the inviter, and the code serves another one', async () => {
    const link = await invite(laptop, server);
    await join(phone, link);
    await phone.page.goto('about:blank');
    const retry = laptop.page.getByTestId('invite-retrying');
    await retry.waitFor();
    assert.match(await retry.textContent(), /The other device left.*try again/);
    await matchingSet(laptop, await join(tablet, link));
  });

  test('with the record of another device is refused three times, then burnt', async (t) => {
    await pair(laptop, tablet, server);
    const earlier = pairs();
    const stolen = earlier.flatMap(({ devices }) => devices).find(({ record }) => record.name === 'tablet').record;
    await phone.context.addInitScript(introduceAs, stolen);
    const link = await invite(laptop, server);
    await tryToJoin(phone, link);
    for (const attempt of [1, 2, 3]) {
      const { code, text } = await told(phone, 'join-failure');
      t.diagnostic(`attempt ${attempt}: ${text}`);
      assert.equal(code, 'failed');
      if (attempt < 3) {
        const retrying = laptop.page.getByTestId('invite-retrying');
        assert.match(await retrying.textContent(), /record holds another key/);
      }
      await phone.page.reload();
      await phone.page.getByTestId('join-submit').click();
    }
    assert.equal((await told(phone, 'join-failure')).code, 'unknown-invite', 'there is no fourth attempt');
    const { code, text } = await told(laptop, 'invite-failure');
    assert.equal(code, 'invite-burnt');
    assert.match(text, /3 attempts failed, the last: the other device.s record holds another key/);
    assert.equal(pairs().length, earlier.length);
  });

  test('with HTML in a device\'s name shows it as text', async () => {
    const name = '<img src=x onerror="window.__ran=1"><b>phone</b>';
    const link = await invite(laptop, server);
    const words = await join(phone, link, name);
    const seen = async (place) => {
      const { text, images, ran } = await laptop.page.evaluate(() => ({
        text: document.body.textContent,
        images: document.querySelectorAll('img[src=x], b').length,
        ran: window.__ran,
      }));
      assert.ok(text.includes(name), `${place} shows the name as it is`);
      assert.deepEqual([images, ran], [0, undefined], place);
    };
    await seen('the choice of words');
    await laptop.page.getByTestId(`words-set-${await matchingSet(laptop, words)}`).click();
    await laptop.page.getByTestId('words-confirm').click();
    await laptop.page.getByTestId('paired').waitFor();
    const pairId = await laptop.page.getByTestId('paired').getAttribute('data-pair');
    await seen('the end of the pairing');
    await laptop.page.goto(server.origin);
    await laptop.page.getByTestId('device-list').waitFor();
    await seen('the list of devices');
    await openLink(laptop, server, pairId);
    await inState(laptop, 'waiting');
    await seen('the link page');
    assert.equal(await laptop.page.title(), `${name} · Heliograph`);
  });
});

/// Runs in the page before its scripts: it introduces itself with somebody else's signed record,
/// while its handshake goes on with its own keys.
function introduceAs(record) {
  const honest = JSON.stringify;
  JSON.stringify = (value, ...rest) => {
    const isIntroduction = value?.record !== undefined && value?.contribution !== undefined;
    return honest(isIntroduction ? { ...value, record } : value, ...rest);
  };
}
