// The doctor's page, as a test reads it.

/// Waits until every check of the page that is open has its finding.
export async function examined(page) {
  await page.locator('[data-testid=check-link-tls]:not([data-state=pending])').waitFor({ timeout: 90_000 });
  await page.locator('[data-testid=doctor-verdict][data-running=false]').waitFor();
}

/// What the page says, by check: `state`, and `measured`, `cause`, `remedy`, `line` as text.
export async function findings(page) {
  await examined(page);
  return page.evaluate(() => Object.fromEntries([...document.querySelectorAll('[data-testid=doctor-checks] > li')].map((row) => {
    const text = (id) => [...row.querySelectorAll(`[data-testid=check-${id}]`)].map((part) => part.textContent).join('\n');
    const parts = ['measured', 'cause', 'remedy', 'line'].map((id) => [id, text(id)]);
    return [row.dataset.testid.replace('check-', ''), { state: row.dataset.state, ...Object.fromEntries(parts) }];
  })));
}

/// Opens the doctor and reads what it found.
export async function askDoctor(device, server) {
  await device.page.goto(`${server.origin}/doctor`);
  return findings(device.page);
}

/// The states alone, by check.
export function states(found) {
  return Object.fromEntries(Object.entries(found).map(([id, { state }]) => [id, state]));
}
