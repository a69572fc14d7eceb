// `kill -9` of the server in the middle of a pairing: a whole pair or none, and people are told.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { inState, invite, join, matchingSet, openLink, setUp } from '../lib/people.mjs';
import { Server } from '../lib/server.mjs';

describe('a server killed during a pairing', { timeout: 400_000 }, () => {
  let server, laptop, phone;

  before(async () => {
    server = await Server.start();
    laptop = await Device.open('laptop');
    await setUp(laptop, server);
  });

  after(async () => {
    await laptop?.close();
    await server?.close();
  });

  const kill = () => server.stop('SIGKILL');
  // Without waiting for anything: the page may be about to hear that the server is gone.
  const confirm = () => laptop.page.evaluate(() => document.querySelector('[data-testid=words-confirm]')?.click());

  /// Confirms, and hands the request that stores the pair to `meet`.
  async function confirmAndMeet(meet) {
    const met = new Promise((done) => {
      void laptop.page.route('**/api/pairs', (route) => done(meet(route)), { times: 1 });
    });
    await confirm();
    await met;
  }

  const afterMs = (ms) => () => confirmAndMeet((route) => {
    const sent = route.continue();
    return new Promise((done) => setTimeout(done, ms)).then(() => Promise.all([kill(), sent.catch(() => {})]));
  });

  const MOMENTS = {
    'while people compare the words': kill,
    'in the moment of the choice': () => Promise.all([confirm(), kill()]),
    'before the pair is sent': () => confirmAndMeet((route) => kill().then(() => route.continue())),
    ...Object.fromEntries([0, 5, 10, 15, 20, 25].map((ms) => [`${ms} ms after the pair is sent`, afterMs(ms)])),
    'after it stored the pair, before anybody hears of it': () => confirmAndMeet(async (route) => {
      await route.fetch();
      await kill();
      await route.abort();
    }),
  };

  /// How both pages end while there is no server; then it is started again.
  async function endings(killThen) {
    await killThen();
    try {
      return [await ending(laptop, 'invite'), await ending(phone, 'join')];
    } finally {
      await server.run();
    }
  }

  for (const [moment, killThen] of Object.entries(MOMENTS)) {
    test(`${moment}, leaves a whole pair or none`, async (t) => {
      phone = await Device.open('phone', { phone: true });
      t.after(() => phone.close());
      const earlier = new Set(server.command('pairs').pairs.map(({ pairId }) => pairId));
      const words = await join(phone, await invite(laptop, server));
      await laptop.page.getByTestId(`words-set-${await matchingSet(laptop, words)}`).click();
      const [here, there] = await endings(killThen);
      const made = server.command('pairs').pairs.filter(({ pairId }) => !earlier.has(pairId));
      t.diagnostic(`pairs: ${made.length}; inviter: ${here}; joiner: ${there}`);
      assert.ok(made.length <= 1);
      for (const { pairId, verified, devices } of made) {
        assert.equal(verified, true, 'both signatures are there');
        assert.deepEqual(devices.map(({ record }) => record.name).sort(), ['laptop', 'phone']);
        await Promise.all([laptop, phone].map((device) => openLink(device, server, pairId)));
        await Promise.all([laptop, phone].map((device) => inState(device, 'open')));
      }
      if (made.length === 0) assert.ok(![here, there].includes('paired'), 'nobody believes in a pair that is not there');
    });
  }
});

/// How a page ends: `paired`, or the code of a failure that says what to do.
async function ending({ page, name }, testid) {
  await page.locator(`[data-testid=${testid}][data-state=paired], [data-testid=${testid}][data-state=failed]`).waitFor();
  if (await page.getByTestId(testid).getAttribute('data-state') === 'paired') return 'paired';
  const failure = page.getByTestId(`${testid}-failure`);
  assert.ok((await failure.locator('.notice-next').textContent()).length > 10, `the ${name} says what to do`);
  return failure.getAttribute('data-code');
}
