// Before and during the setup of the first device.
export async function beforeSetup({ server, laptop, album }) {
  const { page } = laptop;
  await page.goto(server.origin);
  await page.getByTestId('newcomer').getByText('This server waits').waitFor();
  await album.take('home-first', page);
  await page.goto(`${server.origin}/setup`);
  await page.getByTestId('setup-failure').waitFor();
  await album.take('setup-no-link', page);
  await page.goto(`${server.origin}/setup#AAAAAAAAAAAAAAAAAAAAAA`);
  await page.reload();
  await page.getByTestId('setup-submit').click();
  await page.getByTestId('setup-failure').waitFor();
  await album.take('setup-wrong-link', page);
}

export async function setUp({ server, laptop, phone, album }) {
  const { page } = laptop;
  await page.goto(server.setupLink());
  await page.reload();
  await page.getByTestId('setup-name').fill("Ada's laptop");
  await album.take('setup', page, { narrow: true });
  await page.getByTestId('setup-submit').click();
  await page.getByTestId('setup-done').waitFor();
  await album.take('setup-done', page);
  await page.getByTestId('setup-home').click();
  await page.getByTestId('no-pairs').waitFor();
  await album.take('home-empty', page, { narrow: true });
  await phone.page.goto(server.origin);
  await phone.page.getByTestId('newcomer').getByText('not one of your devices').waitFor();
  await album.take('home-newcomer', phone.page);
  await phone.page.goto(`${server.origin}/invite`);
  await phone.page.getByText('Set up this device first').waitFor();
  await album.take('invite-newcomer', phone.page);
}
