// Renders every page of the real product in its interesting states into ./screenshots:
// phone and laptop, light and dark, two browsers and a server of its own. CHAPTERS='setUp recordings'
// takes these alone.
import { mkdirSync, rmSync } from 'node:fs';
import { Device } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';
import { sceneryFile } from './scenery.mjs';
import { Album } from './album.mjs';
import { beforeSetup, setUp } from './chapters/setup.mjs';
import { pairing } from './chapters/pairing.mjs';
import { home } from './chapters/home.mjs';
import { link } from './chapters/link.mjs';
import { chat } from './chapters/chat.mjs';
import { recordings } from './chapters/recordings.mjs';
import { streams } from './chapters/streams.mjs';
import { rest } from './chapters/rest.mjs';

const OUT = new URL('../../screenshots/', import.meta.url).pathname;

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const set = {
  'signalling.open_rooms': 'true',
  'recording.segment_seconds': 4,
  'recording.min_free_bytes': 0,
  'recording.max_age': '30d',
};
const server = await Server.start({ set });
const camera = [`--use-file-for-fake-video-capture=${sceneryFile()}`];
const laptop = await Device.open('laptop', { arguments: camera });
const phone = await Device.open('phone', { phone: true, arguments: camera });
const album = new Album(OUT);
try {
  const chapters = { beforeSetup, setUp, pairing, home, link, chat, streams, recordings, rest };
  const wanted = process.env.CHAPTERS?.split(' ') ?? Object.keys(chapters);
  for (const [name, chapter] of Object.entries(chapters).filter(([each]) => wanted.includes(each))) {
    console.log(`${name}`);
    await chapter({ server, laptop, phone, album });
  }
} catch (error) {
  for (const { name, page } of [laptop, phone]) await page.screenshot({ path: `${OUT}failed-${name}.png` });
  console.error([...laptop.problems, ...phone.problems].join('\n'));
  throw error;
} finally {
  await Promise.all([laptop.close(), phone.close()]);
  await server.close();
}
console.log(`${album.count} pictures in ${OUT}`);
for (const fault of album.faults) console.log(`  ${fault}`);
if (album.faults.length > 0) process.exitCode = 1;
