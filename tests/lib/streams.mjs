// What people do on the pages of streams.

/// Makes a stream on the streams page.
export async function makeStream(device, server, name) {
  const { page } = device;
  await page.goto(`${server.origin}/streams`);
  await page.getByTestId('create-stream').click();
  await page.getByTestId('stream-name-input').fill(name);
  await page.getByTestId('create-save').click();
  await page.locator(`[data-testid=stream-card][data-stream=${name}]`).waitFor();
}

/// Waits until a page of a stream says that it is so far.
export async function inPhase(device, phase) {
  await device.page.locator(`[data-testid=stream-state][data-phase=${phase}]`).waitFor();
}
