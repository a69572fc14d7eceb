// What people do in the pages: set up, pair, link, talk.
import assert from 'node:assert/strict';

/// Waits until the link page says that its link is in `state`, and on `path` where that is given.
export async function inState(device, state, { path, timeout = 30_000 } = {}) {
  const onPath = path ? `[data-path=${path}]` : '';
  await device.page.locator(`[data-testid=link-state][data-state=${state}]${onPath}`).waitFor({ timeout });
}

/// The first device makes the first account.
export async function setUp(device, server, name = device.name) {
  const { page } = device;
  await page.goto(server.setupLink());
  await page.getByTestId('setup-name').fill(name);
  await page.getByTestId('setup-submit').click();
  await page.getByTestId('setup-done').waitFor();
}

/// Opens an invite and returns its link.
export async function invite(device, server) {
  await device.page.goto(`${server.origin}/invite`);
  await device.page.locator('[data-testid=invite][data-state=waiting]').waitFor();
  return device.page.getByTestId('invite-link').inputValue();
}

/// Opens an invite's link and returns the words that the screen shows.
export async function join(device, link, name = device.name) {
  const { page } = device;
  await page.goto(link);
  await page.locator('[data-testid=join][data-state=naming], [data-testid=join][data-state=known]').waitFor();
  const field = page.getByTestId('join-name');
  if (await field.isVisible()) await field.fill(name);
  await page.getByTestId('join-submit').click();
  await page.getByTestId('words-shown').waitFor();
  return page.getByTestId('words-shown').getAttribute('data-words');
}

/// The index of the set of words that the inviter offers and the joiner shows.
export async function matchingSet(device, words) {
  const sets = await device.page.locator('[data-testid^=words-set-]').all();
  const texts = await Promise.all(sets.map((set) => set.locator('span').allTextContents()));
  assert.equal(texts.length, 3, 'the inviter chooses among three sets');
  const index = texts.findIndex((set) => set.join(' ') === words);
  assert.notEqual(index, -1, `one of ${JSON.stringify(texts)} is ${words}`);
  return index;
}

/// Pairs two devices and returns the pair's id.
export async function pair(inviter, joiner, server) {
  const words = await join(joiner, await invite(inviter, server));
  const index = await matchingSet(inviter, words);
  await inviter.page.getByTestId(`words-set-${index}`).click();
  await inviter.page.getByTestId('words-confirm').click();
  const both = await Promise.all([inviter, joiner].map(async ({ page }) => {
    await page.getByTestId('paired').waitFor();
    return page.getByTestId('paired').getAttribute('data-pair');
  }));
  assert.equal(both[0], both[1], 'both hold the same pair');
  return both[0];
}

/// Opens the link page of a pair.
export async function openLink(device, server, pairId) {
  await device.page.goto(`${server.origin}/link?pair=${pairId}`);
  await device.page.getByTestId('link-state').waitFor();
}

/// Sends one text through the page and returns milliseconds until its ack.
export async function say(device, text) {
  return device.page.evaluate(async (words) => {
    const find = (id) => document.querySelector(`[data-testid=${id}]`);
    const delivered = () => document.querySelectorAll('[data-testid=text-item][data-state=delivered]').length;
    const before = delivered();
    const field = find('text-input');
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(field, words);
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise(requestAnimationFrame);
    const done = new Promise((resolve, reject) => {
      const watch = new MutationObserver(() => {
        if (delivered() > before) resolve(performance.now());
        if (document.querySelector('[data-testid=text-item][data-state=failed]')) reject(new Error(`not delivered: ${words}`));
      });
      watch.observe(document.body, { subtree: true, childList: true, attributes: true });
    });
    const start = performance.now();
    find('text-send').click();
    return (await done) - start;
  }, text);
}

/// Changes which paths a link may take, and waits until the page has opened it anew.
export async function allowPaths(device, policy) {
  const { page } = device;
  await page.getByTestId('link-settings').click();
  await page.getByTestId(`policy-${policy}`).check();
  await Promise.all([page.waitForEvent('load'), page.getByTestId('link-settings-apply').click()]);
  await page.getByTestId('link-state').waitFor();
}
