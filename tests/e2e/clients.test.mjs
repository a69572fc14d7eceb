// Unmodified clients written to each wire format, against the real server: they import nothing
// of ours, and what they print is the result.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { Server } from '../lib/server.mjs';

const CLIENTS = new URL('../clients/', import.meta.url).pathname;

/// Claims that the signalling client makes, by what each begins with: a client that stops early
/// or loses a check must not pass.
const SIGNAL = [
  'the setup secret is redeemed once', 'an assertion becomes an account token', 'a pair signed by both devices',
  'handshakes without right', 'a native client is ready', 'a browser client is ready',
  'offer, answer, ice and bye', 'a token is renewed in band, and unauthorized',
  'peer-offline', 'bad-json', 'bad-message', 'unknown-type', 'wrong-pair', 'replaced',
  'too-large: a message', 'too-large: an SDP', 'too-large: a candidate', 'too-large: a list of candidates',
  'the largest of each', 'too-large: the 129th candidate', 'rate-limited', 'revoked',
];

const REGISTER = [
  'a receiver registers before its sender', 'the sender and the receiver hear of each other',
  'a client that knows nothing of ids', 'with two receivers each message carries the id', 'a second sender is refused',
  'nonsense is answered', 'another room hears nothing', 'leaving is heard', 'a new sender finds the receivers',
  'a message larger than 64 KiB', 'without a name the room is called default',
];

describe('unmodified clients', { timeout: 180_000 }, () => {
  let server;

  before(async () => {
    server = await Server.start({ set: { 'signalling.open_rooms': 'true' } });
  });

  after(async () => {
    await server?.close();
  });

  test('pass against /api/signal', async (t) => {
    const secret = new URL(server.setupLink()).hash.slice(1);
    await passes(t, 'signal-client.mjs', [server.origin, secret], SIGNAL);
  });

  test('pass against /ws', async (t) => {
    await passes(t, 'register-client.mjs', [server.origin], REGISTER);
  });
});

/// Runs a client and holds what it prints against what it must have tried.
async function passes(t, file, given, claims) {
  const started = performance.now();
  const { code, lines } = await run([CLIENTS + file, ...given, '--insecure']);
  const ok = lines.filter((line) => line.startsWith('ok ')).map((line) => line.slice(3));
  t.diagnostic(`${file}: ${ok.length} ok in ${Math.round(performance.now() - started)} ms`);
  assert.deepEqual(lines.filter((line) => line.startsWith('not ok ')), []);
  assert.equal(code, 0, lines.join('\n'));
  for (const claim of claims) assert.ok(ok.some((line) => line.startsWith(claim)), `nothing said of "${claim}"`);
}

async function run(words) {
  const child = spawn(process.execPath, ['--no-warnings', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { output += bytes; });
  const code = await new Promise((done) => child.once('close', done));
  return { code, lines: output.split('\n').filter((line) => line !== '') };
}
