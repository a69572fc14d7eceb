// Streams: the list, links for others, and the pages of one stream with and without a picture.
import { Device } from '../../lib/browser.mjs';

const fitted = { whole: false };

const inPhase = (page, phase) =>
  page.locator(`[data-testid=stream-state][data-phase=${phase}]`).waitFor({ timeout: 30_000 });

export async function streams(scene) {
  const { server, laptop, album } = scene;
  const { page } = laptop;
  await page.goto(`${server.origin}/streams`);
  await page.getByTestId('no-streams').waitFor();
  await album.take('streams-empty', page, { narrow: true });
  await page.getByTestId('create-stream').click();
  await page.getByTestId('stream-name-input').fill('kitchen window');
  await album.take('streams-create', page, fitted);
  for (const name of ['kitchen', 'front-door', 'a-very-long-name-of-a-camera-above-the-workbench_02']) await create(page, name);
  await page.getByTestId('public-switch').first().check();
  await album.take('streams', page, { narrow: true });
  const link = await share(scene);
  await guests(scene, link);
  await watching(scene);
}

async function create(page, name) {
  const dialog = page.getByTestId('create-dialog');
  if (!(await dialog.isVisible())) await page.getByTestId('create-stream').click();
  await page.getByTestId('stream-name-input').fill(name);
  await page.getByTestId('create-save').click();
  await page.locator(`[data-stream="${name}"]`).waitFor();
}

async function share({ server, laptop, album }) {
  const { page } = laptop;
  await page.goto(`${server.origin}/streams#kitchen`);
  await page.reload();
  await page.getByTestId('share-make').waitFor();
  await album.take('streams-share', page, fitted);
  await page.getByTestId('share-label').fill('Grandma');
  await page.getByTestId('share-make').click();
  await page.getByTestId('share-made').waitFor();
  await page.getByTestId('share-row').waitFor();
  await album.take('streams-share-made', page, fitted);
  return page.getByTestId('share-link').inputValue();
}

/// What people see who are no device: refused, with a dead link, and with a good one.
async function guests({ server, album }, link) {
  const guest = await Device.open('guest');
  const { page } = guest;
  await page.goto(`${server.origin}/kitchen/`);
  await page.getByTestId('stream-refusal').waitFor();
  await album.take('watch-stranger', page, fitted);
  await page.goto(`${server.origin}/kitchen/publish`);
  await page.getByTestId('stream-failure').waitFor();
  await album.take('publish-stranger', page);
  await page.goto(`${server.origin}/s/#${'A'.repeat(43)}`);
  await page.getByTestId('stream-failure').waitFor();
  await album.take('share-dead', page);
  await page.goto(link);
  await inPhase(page, 'waiting');
  await album.take('share-waiting', page, { ...fitted, narrow: true });
  await guest.close();
}

async function watching({ server, laptop, phone, album }) {
  await laptop.page.goto(`${server.origin}/kitchen/`);
  await inPhase(laptop.page, 'waiting');
  await album.take('watch-waiting', laptop.page, fitted);
  await phone.page.goto(`${server.origin}/kitchen/publish`);
  await phone.page.getByTestId('start-publishing').waitFor();
  await album.take('publish', phone.page, { ...fitted, narrow: true });
  await phone.page.getByTestId('start-publishing').click();
  await inPhase(phone.page, 'open');
  const figures = laptop.page.locator('.stage-figures', { hasText: /720p.* [1-9][0-9.]* [kM]bps/ });
  await figures.waitFor({ timeout: 30_000 });
  await album.take('watch', laptop.page, { ...fitted, narrow: true });
  await album.take('publish-live', phone.page, fitted);
  await phone.page.getByTestId('stop-publishing').click();
  await laptop.page.getByTestId('stage-empty').filter({ hasText: 'stopped' }).waitFor();
  await album.take('watch-stopped', laptop.page, fitted);
}
