// The sender and receiver pages of the register dialect in open rooms: one receiver, two
// receivers, and a foreign script on the other side of each page's socket.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { Device } from '../lib/browser.mjs';
import { keepPeerConnections, statistics } from '../lib/peer_connections.mjs';
import { shownFrames } from '../lib/screen.mjs';
import { Server } from '../lib/server.mjs';

const round = (number) => Math.round(number * 10) / 10;

describe('an open room', { timeout: 240_000 }, () => {
  let server, camera, first, second;

  before(async () => {
    server = await Server.start({ set: { 'signalling.open_rooms': 'true' } });
    [camera, first, second] = await Promise.all(['camera', 'first', 'second'].map((name) => Device.open(name)));
    await camera.context.addInitScript(keepPeerConnections);
  });

  after(async () => {
    await Promise.all([camera, first, second].map((device) => device?.close()));
    await server?.close();
  });

  test('carries a page\'s camera to one receiver', async (t) => {
    await camera.page.goto(`${server.origin}/sender.html?room=studio`);
    await camera.page.getByTestId('preset-low').check();
    await camera.page.getByTestId('start-live').click();
    await camera.page.getByTestId('stop-live').waitFor();
    await first.page.goto(`${server.origin}/receiver.html?room=studio`);
    await watches(t, first, 'the first receiver');
    await watchedBy(camera, 1);
  });

  test('carries it to a second receiver as well, and the first goes on', async (t) => {
    await second.page.goto(`${server.origin}/receiver.html?room=studio`);
    await watches(t, second, 'the second receiver');
    await watchedBy(camera, 2);
    await watches(t, first, 'the first receiver meanwhile');
  });

  test('keeps to the ceiling of the preset, also when it is changed while sending', async (t) => {
    for (const [preset, ceilingBps] of [['low', 300_000], ['medium', 1_000_000]]) {
      await camera.page.getByTestId(`preset-${preset}`).check();
      await camera.page.waitForFunction((bps) => window.__peerConnections
        .filter(({ connectionState }) => connectionState === 'connected')
        .flatMap((pc) => pc.getSenders().filter(({ track }) => track?.kind === 'video'))
        .every((sender) => sender.getParameters().encodings.every(({ maxBitrate }) => maxBitrate === bps)), ceilingBps);
      const sent = (await statistics(camera, 'outbound-rtp')).filter(({ kind }) => kind === 'video');
      assert.equal(sent.length, 2, 'one video to each receiver');
      t.diagnostic(`${preset}: targets ${sent.map(({ targetBitrate }) => targetBitrate)} bit/s`);
      for (const { targetBitrate } of sent) assert.ok(targetBitrate <= ceilingBps, `${targetBitrate} bit/s`);
    }
    await camera.page.getByTestId('preset-low').check();
  });

  test('shows figures and says that nobody is verified, on each page', async (t) => {
    for (const device of [camera, first, second]) {
      const badge = device.page.getByTestId('not-verified');
      assert.equal(await badge.getAttribute('data-verified'), 'false');
      assert.equal((await badge.textContent()).trim(), 'Peer not verified');
      await device.page.getByTestId('chart-rtt').waitFor();
    }
    for (const [device, prefix] of [[first, ''], [second, ''], [camera, 'out-']]) {
      const told = {};
      for (const id of ['resolution', 'fps', 'bitrate']) told[id] = await figure(device, `stat-${prefix}${id}`);
      t.diagnostic(`${device.name}: ${JSON.stringify(told)}`);
    }
  });

  test('notices a receiver that leaves', async (t) => {
    await second.page.goto('about:blank');
    await watchedBy(camera, 1);
    await watches(t, first, 'the first receiver after that');
  });

  test('finds everybody again when the server restarts', async (t) => {
    await server.restart();
    for (const device of [camera, first]) await inRoom(device);
    await watchedBy(camera, 1);
    await watches(t, first, 'the first receiver after the restart');
  });

  test('refuses a second sender and says so on its page', async () => {
    await second.page.goto(`${server.origin}/sender.html?room=studio`);
    await second.page.getByTestId('start-live').click();
    await second.page.getByTestId('room-failure').waitFor();
    assert.match(await second.page.getByTestId('room-failure').textContent(), /sender/);
    await watchedBy(camera, 1);
  });
});

describe('a script of another hand', { timeout: 120_000 }, () => {
  let server, page;

  before(async () => {
    server = await Server.start({ set: { 'signalling.open_rooms': 'true' } });
    page = await Device.open('page');
    await page.context.addInitScript(keepPeerConnections);
  });

  after(async () => {
    await page?.close();
    await server?.close();
  });

  test('is offered the page\'s camera as a receiver, with candidates after it', async (t) => {
    const script = await Script.register(server, 'porch', 'receiver');
    await script.hears('registered');
    await page.page.goto(`${server.origin}/sender.html?room=porch`);
    await page.page.getByTestId('start-live').click();
    await script.hears('peer-connected', ({ peer }) => peer === 'sender');
    const { sdp } = await script.hears('offer');
    assert.match(sdp, /^m=video [1-9]/m);
    assert.match(sdp, /^a=sendrecv|^a=sendonly/m);
    const { candidate } = await script.hears('ice-candidate');
    assert.match(candidate.candidate, /^candidate:/);
    t.diagnostic(`offered ${sdp.length} characters of SDP, then ${candidate.candidate}`);
    script.say({ type: 'answer', sdp: answerTo(sdp) });
    await page.page.waitForFunction(() => window.__peerConnections.some((pc) => pc.currentRemoteDescription?.type === 'answer'));
    script.close();
  });

  test('joins two pages of two rooms by passing their messages on', async (t) => {
    // The script carries every message itself: between two rooms, whose pages know nothing of it.
    const other = await Device.open('other');
    try {
      const [asReceiver, asSender] = await Promise.all([Script.register(server, 'left', 'receiver'), Script.register(server, 'right', 'sender')]);
      for (const [from, to] of [[asReceiver, asSender], [asSender, asReceiver]]) from.passOn(to);
      await other.page.goto(`${server.origin}/receiver.html?room=right`);
      await asSender.hears('peer-connected');
      await page.page.goto(`${server.origin}/sender.html?room=left`);
      await page.page.getByTestId('preset-low').check();
      await page.page.getByTestId('start-live').click();
      await watches(t, other, 'the page behind the script');
      await watchedBy(page, 1);
      assert.ok(asReceiver.passed.includes('offer') && asSender.passed.includes('answer'), `${asReceiver.passed} / ${asSender.passed}`);
      asReceiver.close();
      asSender.close();
    } finally {
      await other.close();
    }
  });
});

test('without open rooms the pages say that they are refused', { timeout: 60_000 }, async () => {
  const server = await Server.start();
  const page = await Device.open('page');
  try {
    await page.page.goto(`${server.origin}/receiver.html`);
    await page.page.locator('[data-testid=room-state][data-phase=refused]').waitFor();
    await page.page.getByTestId('room-failure').waitFor();
  } finally {
    await page.close();
    await server.close();
  }
});

/// Waits until a receiver's page shows a moving picture, and tells its rate.
async function watches(t, device, who) {
  await inRoom(device);
  const shown = await device.page.evaluate(shownFrames, 45);
  t.diagnostic(`${who}: ${shown.count} frames on the screen at ${round(shown.perSecond)} a second, ${shown.size}`);
  assert.equal(shown.count, 45, 'frames that reached the screen in 30 s');
}

async function inRoom(device) {
  await device.page.locator('[data-testid=room-state][data-phase=registered]').waitFor();
}

async function watchedBy(device, count) {
  await device.page.locator(`[data-testid=receiver-count][data-count="${count}"]`).waitFor();
}

/// A figure's value, once it is known.
async function figure(device, testId) {
  const known = device.page.getByTestId(testId).filter({ hasText: /[0-9]/ });
  await known.waitFor();
  return known.textContent();
}

/// A client of /ws by `ws` alone.
class Script {
  #heard = [];
  #waiting = [];
  passed = [];

  static async register(server, room, role) {
    const script = new Script();
    script.socket = new WebSocket(`${server.origin.replace('https', 'wss')}/ws?room=${room}`, { rejectUnauthorized: false });
    script.socket.on('message', (data) => script.#hear(JSON.parse(data)));
    await new Promise((done, fail) => script.socket.once('open', done).once('error', fail));
    script.say({ type: 'register', role });
    return script;
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  /// The next message of a type that is as wanted; others are skipped.
  hears(type, isWanted = () => true) {
    const matches = (message) => message.type === type && isWanted(message);
    const index = this.#heard.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#heard.splice(0, index + 1).at(-1));
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`no ${type} in 30 s`)), 30_000);
      this.#waiting.push({ matches, done: (message) => { clearTimeout(timer); done(message); } });
    });
  }

  /// Says to another room what this one hears.
  passOn(to) {
    this.socket.on('message', (data) => {
      const { type, sdp, candidate } = JSON.parse(data);
      if (!['offer', 'answer', 'ice-candidate'].includes(type)) return;
      this.passed.push(type);
      to.say({ type, ...(sdp && { sdp }), ...(candidate && { candidate }) });
    });
  }

  #hear(message) {
    const index = this.#waiting.findIndex(({ matches }) => matches(message));
    if (index < 0) this.#heard.push(message);
    else this.#waiting.splice(index, 1)[0].done(message);
  }

  close() {
    this.socket.close();
  }
}

/// An answer that takes every section of an offer and has no candidate of its own.
function answerTo(offer) {
  return offer
    .split('\r\n')
    .filter((line) => !/^a=(candidate|ssrc|ssrc-group|msid|end-of-candidates)/.test(line))
    .map((line) => line.replace(/^a=setup:.*/, 'a=setup:active').replace(/^a=(sendrecv|sendonly)/, 'a=recvonly'))
    .join('\r\n');
}
