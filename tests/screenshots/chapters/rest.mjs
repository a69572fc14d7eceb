// The pages beside the pair link, and what a revoked device sees.
import { examined } from '../../lib/doctor.mjs';
import { allowPaths, inState } from '../../lib/people.mjs';

export async function rest({ server, laptop, phone, album }) {
  const { page } = laptop;
  await page.goto(`${server.origin}/settings`);
  await page.getByTestId('device-id').waitFor();
  await page.getByTestId('server-version').waitFor();
  await album.take('settings', page, { narrow: true });
  await page.getByTestId('forget').click();
  await album.take('settings-forget', page, { whole: false });
  await page.getByTestId('cancel').click();
  await page.goto(`${server.origin}/trust`);
  await album.take('trust', page, { narrow: true });
  await doctor({ server, page, album });
  await page.goto(`${server.origin}/no.such.page`);
  await page.getByTestId('not-found').waitFor();
  await album.take('not-found', page);
  await rooms({ server, laptop, phone, album });
  await revoked({ server, laptop, phone, album });
}

async function doctor({ server, page, album }) {
  await page.goto(`${server.origin}/doctor`);
  await examined(page);
  await album.take('doctor', page, { narrow: true });
  await server.stop();
  await page.getByTestId('doctor-again').click();
  await page.locator('[data-testid=check-server][data-state=bad]').waitFor();
  await examined(page);
  await album.take('doctor-server-away', page);
  await server.run();
}

async function rooms({ server, laptop, phone, album }) {
  await laptop.page.goto(`${server.origin}/receiver?room=kitchen`);
  await laptop.page.getByTestId('stage-empty').waitFor();
  await album.take('receiver-waiting', laptop.page, { whole: false });
  await phone.page.goto(`${server.origin}/sender?room=kitchen`);
  await album.take('sender', phone.page, { whole: false, narrow: true });
  await phone.page.getByTestId('start-live').click();
  await laptop.page.locator('[data-testid=room-state][data-connected=true]').waitFor();
  await laptop.page.getByTestId('stat-resolution').waitFor();
  await laptop.page.waitForTimeout(8_000);
  await album.take('receiver', laptop.page, { whole: false });
  await album.take('sender-sending', phone.page, { whole: false });
}

async function revoked({ server, laptop, phone, album }) {
  for (const { page } of [laptop, phone]) {
    await page.goto(server.origin);
    await page.getByTestId('open-link').click();
  }
  // Over the server's relay nobody could be told once the server is away.
  await allowPaths(laptop, 'all');
  await Promise.all([laptop, phone].map((device) => inState(device, 'open', { path: 'direct' })));
  await laptop.page.getByTestId('link-settings').click();
  await laptop.page.getByTestId('link-revoke').click();
  await album.take('link-revoke', laptop.page, { whole: false });
  await server.stop();
  await laptop.page.getByTestId('confirm').click();
  for (const { page } of [laptop, phone]) await page.locator('[data-testid=link-state][data-ended=revoked]').waitFor();
  await album.take('link-revoked-server-away', laptop.page, { whole: false, narrow: true });
  await album.take('link-revoked', phone.page, { whole: false });
  await server.run();
  await laptop.page.goto(server.origin);
  await laptop.page.getByTestId('revoke-device').click();
  await laptop.page.getByTestId('confirm').click();
  await laptop.page.getByTestId('no-pairs').waitFor();
  await phone.page.goto(server.origin);
  await phone.page.getByTestId('home-failure').waitFor();
  await album.take('home-revoked', phone.page);
}
