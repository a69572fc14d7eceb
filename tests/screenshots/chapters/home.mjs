// The home page with a pair: dialogs, the admin's part, a long name, a server that is away.
const LONG = 'The phone in the kitchen drawer that everybody uses for everything';

export async function home({ server, laptop, album }) {
  const { page } = laptop;
  await page.goto(server.origin);
  await page.getByTestId('pair-card').waitFor();
  await album.take('home', page, { narrow: true });

  await page.getByTestId('rename-pair').click();
  await album.take('home-rename', page, { whole: false });
  await page.getByTestId('rename-input').fill(LONG.slice(0, 64));
  await page.getByTestId('rename-save').click();
  await page.getByTestId('rename-dialog').waitFor({ state: 'detached' });
  await album.take('home-long-name', page, { narrow: true });
  await page.getByTestId('rename-pair').click();
  await page.getByTestId('rename-input').fill("Ada's phone");
  await page.getByTestId('rename-save').click();
  await page.getByTestId('rename-dialog').waitFor({ state: 'detached' });

  await page.getByTestId('revoke-device').click();
  await album.take('home-revoke-device', page, { whole: false });
  await page.getByTestId('cancel').click();
  await page.getByTestId('revoke-pair').click();
  await album.take('home-revoke-pair', page, { whole: false });
  await page.getByTestId('cancel').click();

  await page.getByTestId('account-invite').click();
  await page.getByTestId('account-invite-link').waitFor();
  await album.take('home-account-invite', page, { whole: false });
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByTestId('show-audit').click();
  await page.getByTestId('audit-list').waitFor();
  await album.take('home-audit', page);

  await laptop.context.setOffline(true);
  await page.getByTestId('stale-failure').waitFor({ timeout: 30_000 });
  await album.take('home-offline', page);
  await laptop.context.setOffline(false);
}
