// The trust page offers the server's authority, and whoever trusts it sees no warning any more:
// then the worker registers and the pages can be installed.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { LAN, Server } from '../lib/server.mjs';
import { openTrusting } from '../lib/trusting.mjs';

describe('the server\'s own authority', { timeout: 180_000 }, () => {
  let server, dir, caFile;

  before(async () => {
    server = await Server.start();
    dir = mkdtempSync(join(tmpdir(), 'helio-trust-'));
    caFile = join(dir, 'ca.crt');
  });

  after(async () => {
    rmSync(dir, { recursive: true, force: true });
    await server?.close();
  });

  test('is offered by the trust page, with the steps of each system', async (t) => {
    const device = await Device.open('phone', { phone: true });
    try {
      await device.page.goto(`${server.origin}/trust`);
      const [download] = await Promise.all([device.page.waitForEvent('download'), device.page.getByTestId('ca-download').click()]);
      assert.equal(download.suggestedFilename(), 'heliograph-ca.crt');
      await download.saveAs(caFile);
      const systems = await device.page.locator('input[name=system]').all();
      const steps = new Set();
      for (const system of systems) {
        await system.check();
        steps.add(await device.page.getByTestId('trust-steps').textContent());
      }
      t.diagnostic(`steps for ${steps.size} systems`);
      assert.equal(steps.size, systems.length, 'each system has steps of its own');
      assert.ok(steps.size >= 5);
      assert.deepEqual(device.problems, []);
    } finally {
      await device.close();
    }
  });

  test('is a constrained authority that verifies what the server shows', (t) => {
    for (const address of [LAN, '127.0.0.1']) verify(server, ['-CAfile', caFile, '-verify_ip', address]);
    verify(server, ['-CAfile', caFile, '-verify_hostname', 'localhost']);
    assert.throws(() => verify(server, ['-verify_ip', LAN]), /verify|self.signed/i, 'without it nothing is verified');
    assert.throws(() => verify(server, ['-CAfile', caFile, '-verify_hostname', 'example.org']), /mismatch/i, 'for no other name');
    const ca = new X509Certificate(execFileSync('openssl', ['x509', '-in', caFile]));
    assert.ok(ca.ca);
    const text = execFileSync('openssl', ['x509', '-in', caFile, '-noout', '-text'], { encoding: 'utf8' });
    assert.match(text, /X509v3 Name Constraints: critical/);
    t.diagnostic(`${ca.subject.replace('\n', ', ')}, until ${ca.validTo}, SHA-256 ${ca.fingerprint256}`);
  });

  test('is needed: another browser warns', async () => {
    const stranger = await openTrusting(null);
    try {
      await assert.rejects(stranger.page.goto(`${server.origin}/trust`), /ERR_CERT_AUTHORITY_INVALID/);
    } finally {
      await stranger.close();
    }
  });

  test('once trusted, the pages open without a warning, keep their shell and can be installed', async (t) => {
    const { context, page, close } = await openTrusting(caFile);
    try {
      const reply = await page.goto(`${server.origin}/setup`);
      assert.equal(reply.status(), 200);
      const session = await context.newCDPSession(page);
      assert.equal(await page.evaluate(() => isSecureContext), true);
      const worker = await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        return registration.active.scriptURL;
      });
      assert.equal(worker, `${server.origin}/sw.js`);
      const manifest = await session.send('Page.getAppManifest');
      assert.equal(manifest.url, `${server.origin}/manifest.webmanifest`);
      assert.deepEqual(manifest.errors, []);
      assert.equal(JSON.parse(manifest.data).name, 'Heliograph');
      const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
      t.diagnostic(`worker ${worker}, installability errors ${JSON.stringify(installabilityErrors)}`);
      assert.deepEqual(installabilityErrors, []);
      await page.goto(`${server.origin}/healthz`);
      const bare = await session.send('Page.getInstallabilityErrors');
      assert.notDeepEqual(bare.installabilityErrors, [], 'what has no manifest cannot be installed');
    } finally {
      await close();
    }
  });

  test('outlives a restart, so that it is trusted once', async () => {
    const fetched = async () => (await server.get('/trust/ca.crt')).body;
    const ca = await fetched();
    await server.restart();
    assert.equal(await fetched(), ca);
    writeFileSync(caFile, ca);
    verify(server, ['-CAfile', caFile, '-verify_ip', LAN]);
  });
});

/// Connects as OpenSSL's client; throws with what it says when the certificate does not serve.
function verify(server, wishes) {
  const words = ['s_client', '-connect', `${LAN}:${server.port}`, '-verify_return_error', '-brief', ...wishes];
  execFileSync('openssl', words, { input: '', stdio: 'pipe' });
}
