// A Chromium that ignores no certificate errors and trusts one authority, put into its NSS store.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/// Opens it with a home of its own; without a file of an authority it trusts the public ones only.
export async function openTrusting(caFile) {
  const home = mkdtempSync(join(tmpdir(), 'helio-home-'));
  const store = join(home, '.pki/nssdb');
  mkdirSync(store, { recursive: true });
  execFileSync('certutil', ['-N', '-d', `sql:${store}`, '--empty-password']);
  if (caFile) execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-n', 'Heliograph', '-t', 'C,,', '-i', caFile]);
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath: '/usr/bin/chromium',
    headless: true,
    env: { ...process.env, HOME: home },
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const close = async () => {
    await context.close();
    rmSync(home, { recursive: true, force: true });
  };
  return { context, page: context.pages()[0] ?? await context.newPage(), close };
}
