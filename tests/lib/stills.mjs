// What a page says of the stills that it sends, and what its browser has decoded of them.
import { statistics } from './peer_connections.mjs';

/// Runs in the page: notes what the line under the stills button says of each still.
export function watchSentStills() {
  const stills = [];
  window.__stills = stills;
  const find = () => document.querySelector('[data-testid=still-sent]');
  // What stands there from an earlier run is none of this one's.
  const old = find()?.textContent;
  const note = () => {
    const line = find();
    if (!line || (stills.length === 0 && line.textContent === old)) return;
    const seq = Number(line.dataset.seq);
    const entry = { seq, bytes: Number(line.dataset.bytes), text: line.textContent };
    if (stills.at(-1)?.seq === seq) stills[stills.length - 1] = entry;
    else stills.push(entry);
  };
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}

/// Frames that a device has decoded of the stills' track, and how many were key frames.
export async function decoded(device) {
  const inbound = (await statistics(device, 'inbound-rtp')).filter(({ kind }) => kind === 'video');
  const codecs = await statistics(device, 'codec');
  const [newest] = inbound.sort((a, b) => b.lastPacketReceivedTimestamp - a.lastPacketReceivedTimestamp);
  const sum = (name) => inbound.reduce((total, entry) => total + (entry[name] ?? 0), 0);
  return {
    frames: sum('framesDecoded'),
    keyFrames: sum('keyFramesDecoded'),
    codec: codecs.find(({ id }) => id === newest?.codecId)?.mimeType,
  };
}
