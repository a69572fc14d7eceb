// The link page in its states: alone, open, live, stills, text, figures, settings, in another tab.
const inState = (page, state) =>
  page.locator(`[data-testid=link-state][data-state=${state}]`).waitFor({ timeout: 30_000 });

const fitted = { whole: false };

async function openLink(device, server) {
  await device.page.goto(server.origin);
  await device.page.getByTestId('open-link').click();
  await device.page.getByTestId('link-state').waitFor();
}

export async function link(scene) {
  const { server, laptop, phone, album } = scene;
  await laptop.page.goto(`${server.origin}/link?pair=nothing`);
  await laptop.page.getByTestId('link-failure').waitFor();
  await album.take('link-unknown', laptop.page);

  await openLink(laptop, server);
  await inState(laptop.page, 'waiting');
  await album.take('link-waiting', laptop.page, { ...fitted, narrow: true });
  await openLink(phone, server);
  await Promise.all([inState(laptop.page, 'open'), inState(phone.page, 'open')]);
  await album.take('link-open', laptop.page, fitted);
  await live(scene);
  await stills(scene);
  await text(scene);
  await files(scene);
  await figures(scene);
  await settings(scene);
  await anotherTab(scene);
}

async function live({ laptop, phone, album }) {
  await phone.page.getByTestId('start-live').click();
  const video = laptop.page.getByTestId('video-remote');
  await video.waitFor({ state: 'visible' });
  await laptop.page.waitForFunction(
    () => document.querySelector('[data-testid=video-remote]').videoWidth > 0,
  );
  await laptop.page.getByTestId('start-live').click();
  await laptop.page.getByTestId('stop-live').waitFor();
  // The rate climbs for some seconds until the path carries the whole picture.
  await laptop.page.locator('.stage-figures', { hasText: /720p.* [1-9][0-9.]* [kM]bps/ }).waitFor();
  await album.take('link-live', laptop.page, { ...fitted, narrow: true });
  await laptop.page.getByTestId('fine-settings').click();
  await album.take('link-live-settings', laptop.page, fitted);
  await laptop.page.getByTestId('stop-live').click();
}

async function stills({ laptop, phone, album }) {
  await laptop.page.getByTestId('tab-stills').click();
  await album.take('link-stills-empty', laptop.page, fitted);
  await phone.page.getByTestId('stop-live').click();
  await phone.page.getByTestId('tab-stills').click();
  await phone.page.getByTestId('stills-interval').selectOption('1000');
  await phone.page.getByTestId('start-stills').click();
  await laptop.page.getByTestId('still-item').nth(4).waitFor({ timeout: 30_000 });
  await album.take('link-stills', laptop.page, { ...fitted, narrow: true });
  await album.take('link-stills-sending', phone.page, fitted);
  await laptop.page.getByTestId('still-item').first().locator('button').click();
  await album.take('link-still-opened', laptop.page, fitted);
  await laptop.page.getByRole('button', { name: 'Close' }).click();
  await phone.page.getByTestId('stop-stills').click();
}

async function say(page, words) {
  await page.getByTestId('text-input').fill(words);
  await page.getByTestId('text-send').click();
}

async function text({ laptop, phone, album }) {
  for (const { page } of [laptop, phone]) await page.getByTestId('tab-text').click();
  await album.take('link-text-empty', laptop.page, fitted);
  await say(phone.page, 'The kettle is on. Can you see the left burner?');
  await say(laptop.page, 'Yes, it is off.');
  await say(laptop.page, 'Turn the camera a little towards the window, please: the light is better there, and I would like to see whether the plants need water before the weekend.');
  await say(phone.page, 'Like this?');
  await laptop.page.locator('[data-testid=text-item][data-from=peer]').nth(1).waitFor();
  await laptop.page.locator('[data-testid=text-item][data-state=delivered]').nth(1).waitFor();
  await laptop.page.getByTestId('text-input').fill('x'.repeat(2003));
  await laptop.page.getByTestId('text-counter').waitFor();
  await album.take('link-text', laptop.page, { ...fitted, narrow: true });
  await laptop.page.getByTestId('text-input').fill('');
}

async function files({ laptop, phone, album }) {
  for (const { page } of [laptop, phone]) await page.getByTestId('tab-files').click();
  await laptop.page.getByTestId('no-files').waitFor();
  await album.take('link-files-empty', laptop.page, fitted);
  const send = (name, bytes) =>
    phone.page.getByTestId('files-input').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.alloc(bytes, 'x') });
  await send('Notes from the garden.txt', 4_000);
  await laptop.page.getByTestId('file-accept').click();
  await laptop.page.locator('[data-testid=file][data-state=received]').waitFor();
  await send('A name that is far too long for the small screen of a phone, and goes on after it.txt', 9_000);
  await laptop.page.getByTestId('file-accept').waitFor();
  await album.take('link-files', laptop.page, { ...fitted, narrow: true });
  await album.take('link-files-sending', phone.page, fitted);
}

async function figures({ laptop, phone, album }) {
  await phone.page.getByTestId('tab-video').click();
  await phone.page.getByTestId('start-live').click();
  await laptop.page.getByTestId('tab-statistics').click();
  await laptop.page.getByTestId('stat-latency').waitFor();
  // Charts of a few samples say nothing: half a minute of them does.
  await laptop.page.waitForTimeout(30_000);
  await album.take('link-statistics', laptop.page, { ...fitted, narrow: true });
  await laptop.page.getByTestId('stat-resolution').scrollIntoViewIfNeeded();
  await album.take('link-figures', laptop.page, fitted);
}

async function settings({ laptop, phone, album }) {
  await laptop.page.getByTestId('link-settings').click();
  await laptop.page.getByTestId('relay-fold').click();
  await album.take('link-settings', laptop.page, fitted);
  await laptop.page.getByTestId('policy-relay').check();
  await album.take('link-settings-changed', laptop.page, fitted);
  await laptop.page.getByTestId('link-settings-apply').click();
  await laptop.page
    .locator('[data-testid=link-state][data-state=open][data-path=relayed]')
    .waitFor({ timeout: 30_000 });
  await laptop.page.getByTestId('tab-statistics').click();
  await laptop.page.getByTestId('path').waitFor();
  await album.take('link-relayed', laptop.page, fitted);
  await phone.page.getByTestId('stop-live').click();
}

async function anotherTab({ server, laptop, album }) {
  const second = await laptop.context.newPage();
  await second.goto(server.origin);
  await second.getByTestId('open-link').click();
  await laptop.page.locator('[data-testid=link-state][data-ended=replaced]').waitFor();
  await album.take('link-replaced', laptop.page, fitted);
  await second.close();
}
