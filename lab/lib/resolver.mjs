// The resolver of a device: answers for the names of the file `hosts`, and that there is no other.
// It stands on the device itself, since every network has one, however little else it lets out.
// (Chromium's ICE asks a resolver even for a name that stands in /etc/hosts.)
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';

const A = 1;
const AAAA = 28;
/// RFC 1035 section 4.1.1: a response, authoritative, recursion asked for and available.
const ANSWERED = 0x8580;
const NO_SUCH_NAME = 3;
const HEADER_BYTES = 12;

const lines = readFileSync('/etc/hosts', 'utf8').split('\n').filter((line) => /^[0-9a-f]/.test(line));
const known = lines.map((line) => line.split(/\s+/)).map(([address, name]) => ({ address, name }));

/// The first question: its name, its type and where it ends.
function questionOf(query) {
  const labels = [];
  let at = HEADER_BYTES;
  for (; query[at] !== 0; at += query[at] + 1) labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function bytesOf(address) {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head, tail] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const groups = [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/// One address as a resource record that names the question's name; it may be kept for a minute.
function record(type, address) {
  const fixed = Buffer.from('c00c00000001' + '0000003c' + '0000', 'hex');
  const data = bytesOf(address);
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

export function answer(query) {
  const { name, type, end } = questionOf(query);
  const ofName = known.filter((each) => each.name === name);
  const isOfType = { [A]: isIPv4, [AAAA]: isIPv6 }[type] ?? (() => false);
  const records = ofName.filter(({ address }) => isOfType(address)).map(({ address }) => record(type, address));
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(ANSWERED | (ofName.length === 0 ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...records]);
}

const socket = createSocket('udp4');
socket.on('message', (query, { address, port }) => socket.send(answer(query), port, address));
socket.bind(53, '127.0.0.1', () => console.log('ready'));
