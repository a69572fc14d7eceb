// The four words that both people compare (docs/protocol.md, Pairing).
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { sha256, utf8, type Bytes } from "./bytes";

/** Four words of the BIP-39 English list. */
export type Words = [string, string, string, string];

function word(index: number): string {
  const found = wordlist[index];
  if (found === undefined) throw new RangeError(`word ${index} of 2048`);
  return found;
}

/** The words of the first 44 bits, most significant first. */
export function wordsOfBits(bytes: Uint8Array): Words {
  let bits = 0n;
  for (const byte of bytes.subarray(0, 6)) bits = (bits << 8n) | BigInt(byte);
  bits >>= 4n;
  const at = (position: bigint): string => word(Number((bits >> (33n - position * 11n)) & 0x7ffn));
  return [at(0n), at(1n), at(2n), at(3n)];
}

/** The words of a handshake hash: equal on both screens only if nobody sits in between. */
export async function wordsOfHandshake(hash: Bytes): Promise<Words> {
  return wordsOfBits(await sha256(utf8("heliograph-words-v1"), hash));
}

/**
 * Three sets for the inviter to choose from, the right one at a random place.
 * No set shares a word with another, so that a glance at one word is not enough to err.
 */
export function wordSets(right: Words): { sets: Words[]; rightIndex: number } {
  const used = new Set<string>(right);
  const wrong: Words[] = [];
  while (wrong.length < 2) {
    const set = wordsOfBits(crypto.getRandomValues(new Uint8Array(6)));
    if (new Set(set).size < 4 || set.some((each) => used.has(each))) continue;
    for (const each of set) used.add(each);
    wrong.push(set);
  }
  const rightIndex = randomBelow3();
  const sets = wrong.toSpliced(rightIndex, 0, right);
  return { sets, rightIndex };
}

function randomBelow3(): number {
  // 255 = 3 × 85: rejecting it keeps the three places equally likely.
  for (;;) {
    const byte = crypto.getRandomValues(new Uint8Array(1))[0] ?? 255;
    if (byte < 255) return byte % 3;
  }
}
