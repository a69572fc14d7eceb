// What a data channel costs with nothing of ours around it: str0m in a loop (bare_channel), and a
// page that counts. The least that a link on the same two libraries can come to.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Device } from '../../tests/lib/browser.mjs';
import { Run } from '../../tests/lib/native.mjs';
import { LAN } from '../../tests/lib/server.mjs';
import { family } from './processes.mjs';
import { LOAD } from './servers.mjs';

/** As the file channel has them. */
const MESSAGE_BYTES = 15 * 1024;

/** Runs in a page: a connection with one channel, which sends or takes. */
function openInPage({ isOfferer, send, take, messageBytes }) {
  const connection = new RTCPeerConnection();
  const gathered = async () => {
    await connection.setLocalDescription();
    if (connection.iceGatheringState !== 'complete') {
      await new Promise((done) => {
        connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && done();
      });
    }
    return connection.localDescription.sdp;
  };
  let finish;
  const done = new Promise((resolve) => (finish = resolve));
  const pump = async (channel) => {
    const message = new Uint8Array(messageBytes);
    channel.bufferedAmountLowThreshold = 256 * 1024;
    for (let sent = 0; sent < send; sent += messageBytes) {
      if (channel.bufferedAmount > 1024 * 1024) await new Promise((low) => (channel.onbufferedamountlow = low));
      channel.send(message);
    }
  };
  const use = (channel) => {
    channel.binaryType = 'arraybuffer';
    let missing = take;
    channel.onmessage = ({ data }) => {
      if (take === 0) return finish();
      missing -= data.byteLength;
      if (missing <= 0) channel.send('all here');
    };
    if (channel.readyState === 'open') void pump(channel);
    else channel.onopen = () => void pump(channel);
  };
  if (isOfferer) use(connection.createDataChannel('bulk'));
  else connection.ondatachannel = ({ channel }) => use(channel);
  globalThis.bare = {
    offer: gathered,
    answer: async (sdp) => {
      await connection.setRemoteDescription({ type: 'offer', sdp });
      return gathered();
    },
    accept: (sdp) => connection.setRemoteDescription({ type: 'answer', sdp }),
    done,
  };
}

/** An end in a page of its own. */
class PageEnd {
  static async open(device, options) {
    const end = new PageEnd();
    end.page = await device.context.newPage();
    await end.page.evaluate(openInPage, { ...options, messageBytes: MESSAGE_BYTES });
    end.pids = () => family(`--user-data-dir=${device.profile}`);
    return end;
  }

  offer = () => this.page.evaluate(() => globalThis.bare.offer());

  answer = (sdp) => this.page.evaluate((text) => globalThis.bare.answer(text), sdp);

  accept = (sdp) => this.page.evaluate((text) => globalThis.bare.accept(text), sdp);

  done = () => this.page.evaluate(() => globalThis.bare.done);

  close = () => this.page.close();
}

/** An end on str0m. */
class NativeEnd {
  constructor({ isOfferer, send, take }) {
    const words = [`role=${isOfferer ? 'offer' : 'answer'}`, `address=${LAN}`, `send=${send}`, `take=${take}`];
    this.run = new Run(spawn(join(LOAD, 'bare_channel'), words, { stdio: 'pipe' }));
    this.pids = () => [this.run.child.pid];
  }

  async offer() {
    return (await this.run.fact('description')).sdp;
  }

  async answer(sdp) {
    this.run.type(JSON.stringify({ sdp }));
    return this.offer();
  }

  accept = async (sdp) => this.run.type(JSON.stringify({ sdp }));

  done = () => this.run.fact('done');

  close = () => this.run.kill();
}

/** Chromium that tells its own addresses: nobody here resolves mDNS names. */
export function openBrowser() {
  return Device.open('bare', { arguments: ['--disable-features=WebRtcHideLocalIpsWithMdns'] });
}

/** Sends `bytes` from one end to the other, each a browser or (without one) native; `timed` measures. */
export async function sendBare(bytes, from, to, timed) {
  const open = (device, options) => (device ? PageEnd.open(device, options) : new NativeEnd(options));
  const sender = await open(from, { isOfferer: true, send: bytes, take: 0 });
  const taker = await open(to, { isOfferer: false, send: 0, take: bytes });
  try {
    return await timed(sender.pids, taker.pids, bytes, async () => {
      await sender.accept(await taker.answer(await sender.offer()));
      await sender.done();
    });
  } finally {
    await sender.close();
    await taker.close();
  }
}
