// `helio conform` against ourselves, and against ourselves with one thing broken: that row fails, no other.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokenServer, FAULTS } from '../lib/broken_server.mjs';
import { Device } from '../lib/browser.mjs';
import { setUp } from '../lib/people.mjs';
import { HELIO, Server } from '../lib/server.mjs';
import { makeStream } from '../lib/streams.mjs';

/// Its row takes a minute.
const PATIENT = 'W23';

describe('the checklist of WHIP and WHEP', { timeout: 270_000 }, () => {
  const codes = {};
  let server, authority, slow;

  before(async () => {
    server = await Server.start();
    const owner = await Device.open('owner');
    await setUp(owner, server);
    for (const stream of ['brisk', 'slow']) {
      await makeStream(owner, server, stream);
      const code = (right) => server.command('streams', 'share', stream, right).code;
      codes[stream] = { publish: code('--publish'), view: code('--view') };
    }
    await owner.close();
    authority = join(server.data, 'conform-ca.crt');
    writeFileSync(authority, (await server.get('/trust/ca.crt')).body);
    slow = examineBroken(PATIENT, 'slow', ['--patient']);
    // Looked at by its own test.
    slow.catch(() => {});
  });

  after(() => server?.close());

  test('holds for us in every row that can be told', async (t) => {
    const { rows, verdict } = await examine(server.origin, 'brisk');
    t.diagnostic(`not told: ${named(rows, 'untold')}`);
    assert.deepEqual(rows.filter((row) => row.verdict === 'failed'), []);
    assert.equal(verdict.passed + verdict.untold, rows.length);
  });

  test('has a fault for each of its rows', async () => {
    const { rows } = await examine(server.origin, 'brisk');
    assert.deepEqual(rows.map(({ row }) => row).sort(), Object.keys(FAULTS).sort());
  });

  for (const row of Object.keys(FAULTS).filter((each) => each !== PATIENT)) {
    test(`fails in ${row} alone when that is broken`, async (t) => {
      const { rows } = await examineBroken(row, 'brisk');
      t.diagnostic(rows.find((each) => each.row === row).why);
      assert.equal(named(rows, 'failed'), row);
    });
  }

  test(`fails in ${PATIENT} alone when that is broken`, async (t) => {
    const { rows } = await slow;
    t.diagnostic(rows.find(({ row }) => row === PATIENT).why);
    assert.equal(named(rows, 'failed'), PATIENT);
  });

  test('is given up where the server dies, and the row named', async () => {
    const mortal = createServer(({ method }, reply) => {
      if (method === 'OPTIONS') return reply.end();
      reply.socket.destroy();
      return mortal.close();
    }).listen(0, '127.0.0.1');
    await once(mortal, 'listening');
    const words = ['conform', `http://127.0.0.1:${mortal.address().port}/brisk/whip`];
    const [code, complaint] = await new Promise((done) => {
      execFile(HELIO, words, (error, _, said) => done([error?.code, said]));
    });
    assert.equal(code, 4);
    assert.match(complaint, /nobody answers any more since row W1: /);
  });

  async function examineBroken(row, stream, more = []) {
    const broken = await BrokenServer.start(server, FAULTS[row]);
    try {
      return await examine(broken.origin, stream, more);
    } finally {
      await broken.close();
    }
  }

  /// What the program finds, row by row.
  async function examine(origin, stream, more = []) {
    const words = ['conform', `${origin}/${stream}/whip`, '--json', '--ca', authority, ...more];
    const env = { ...process.env, HELIO_PUBLISH_TOKEN: codes[stream].publish, HELIO_VIEW_TOKEN: codes[stream].view };
    const [told, complaint] = await new Promise((done) => {
      execFile(HELIO, words, { env }, (_, ...said) => done(said));
    });
    assert.equal(complaint.includes('rows hold') || complaint === '', true, complaint);
    const facts = told.trim().split('\n').map((line) => JSON.parse(line));
    return { rows: facts.filter(({ event }) => event === 'row'), verdict: facts.at(-1) };
  }
});

function named(rows, verdict) {
  return rows.filter((row) => row.verdict === verdict).map(({ row }) => row).join(' ');
}
