// Reads and (for the local engine only) changes session descriptions (RFC 8866, RFC 8839).

/** Lines without their line ends. */
function lines(sdp: string): string[] {
  return sdp.split(/\r?\n/);
}

/** Every fingerprint as `sha-256 AB:CD:…`, without doubles, sorted (docs/protocol.md). */
export function fingerprintsOf(sdp: string): string[] {
  const found = new Set<string>();
  for (const line of lines(sdp)) {
    const match = /^a=fingerprint:(\S+) +([0-9A-Fa-f:]+)\s*$/.exec(line);
    if (match?.[1] && match[2]) found.add(`${match[1].toLowerCase()} ${match[2].toUpperCase()}`);
  }
  return [...found].toSorted();
}

/** The first `a=ice-ufrag`, or empty. */
export function iceUfragOf(sdp: string): string {
  for (const line of lines(sdp)) {
    if (line.startsWith("a=ice-ufrag:")) return line.slice("a=ice-ufrag:".length).trim();
  }
  return "";
}

/** All ufrags: the candidates of a description name one of them. */
export function iceUfragsOf(sdp: string): Set<string> {
  const marker = "a=ice-ufrag:";
  const marked = lines(sdp).filter((line) => line.startsWith(marker));
  return new Set(marked.map((line) => line.slice(marker.length).trim()));
}

/** The SHA-256 of the one certificate a description fixes, or null if it fixes none or several. */
export function certificateHashOf(sdp: string): Uint8Array<ArrayBuffer> | null {
  const sha256 = fingerprintsOf(sdp).filter((fingerprint) => fingerprint.startsWith("sha-256 "));
  const [only, ...more] = sha256;
  const bytes = only?.slice("sha-256 ".length).split(":") ?? [];
  if (more.length > 0 || bytes.length !== 32) return null;
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16));
}

const START_BITRATE_CODECS = /^a=rtpmap:(\d+) (H264|VP8|VP9|AV1)\//;

/**
 * Lets Chromium begin a video at `kbps` instead of 300: the first still is else lost or small.
 * For a remote description, after its signature was verified: the change stays local.
 */
export function withStartBitrate(sdp: string, kbps: number): string {
  const all = lines(sdp);
  const parameter = `x-google-start-bitrate=${kbps}`;
  const payloads = all.flatMap((line) => START_BITRATE_CODECS.exec(line)?.[1] ?? []);
  const described = new Set<string>();
  const changed = all.map((line) => {
    const payload = /^a=fmtp:(\d+) /.exec(line)?.[1];
    if (payload === undefined || !payloads.includes(payload)) return line;
    described.add(payload);
    return `${line};${parameter}`;
  });
  const result = changed.flatMap((line) => {
    const payload = START_BITRATE_CODECS.exec(line)?.[1];
    if (payload === undefined || described.has(payload)) return [line];
    return [line, `a=fmtp:${payload} ${parameter}`];
  });
  return result.join("\r\n");
}
