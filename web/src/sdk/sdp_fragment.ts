// Fragments of descriptions that carry candidates after an offer (`application/trickle-ice-sdpfrag`,
// RFC 8840 §9), as WHIP uses them: one media section, the one that the others are bundled with
// (RFC 9725 §4.3).

/** The media type of a fragment. */
export const SDP_FRAGMENT = "application/trickle-ice-sdpfrag";

/** What the other side tells when ICE restarts: its name, its password, where it can be reached. */
export interface IceFragment {
  ufrag: string;
  password: string;
  /** Lines without `a=`, for example `candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host`. */
  candidates: string[];
}

/** Candidates of ours that travel together. */
export interface CandidateBatch {
  /** As `RTCIceCandidate.candidate`. */
  candidates: readonly string[];
  /** Whether no more come. */
  isLast: boolean;
}

function lines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/** The value of the first line that begins so. */
function valueOf(all: readonly string[], marker: string): string | null {
  const line = all.find((each) => each.startsWith(marker));
  return line === undefined ? null : line.slice(marker.length).trim();
}

/** The fragment that belongs to an offer; without candidates it asks for a restart. */
export function writeFragment(offerSdp: string, batch: CandidateBatch): string {
  const offer = lines(offerSdp);
  const begin = offer.findIndex((line) => line.startsWith("m="));
  const section = offer.slice(begin);
  // A rejected or bundle-only section has port 0; a fragment's says nothing, so it is always 9.
  const media = section[0]?.replace(/^(m=\S+) \d+/, "$1 9");
  const of = (marker: string): string[] => {
    const value = valueOf(section, marker) ?? valueOf(offer, marker);
    return value === null ? [] : [`${marker}${value}`];
  };
  const fragment = [
    ...of("a=group:BUNDLE "),
    ...of("a=ice-options:"),
    ...(media === undefined ? [] : [media]),
    ...of("a=mid:"),
    ...of("a=ice-ufrag:"),
    ...of("a=ice-pwd:"),
    ...batch.candidates.map((candidate) => `a=${candidate}`),
    ...(batch.isLast ? ["a=end-of-candidates"] : []),
  ];
  return fragment.map((line) => `${line}\r\n`).join("");
}

/** Reads the answer to a restart; null when it names no credentials. */
export function readFragment(text: string): IceFragment | null {
  const all = lines(text);
  const ufrag = valueOf(all, "a=ice-ufrag:");
  const password = valueOf(all, "a=ice-pwd:");
  if (ufrag === null || password === null) return null;
  const marked = all.filter((line) => line.startsWith("a=candidate:"));
  return { ufrag, password, candidates: marked.map((line) => line.slice("a=".length).trim()) };
}

/**
 * The answer that stands after a restart: all that was agreed before, with the fragment's
 * credentials, and its candidates in the place of the old ones (RFC 9725 §4.3.3).
 */
export function answerAfterRestart(answerSdp: string, fragment: IceFragment): string {
  const kept = lines(answerSdp)
    .filter((line) => !/^a=(candidate:|end-of-candidates)/.test(line))
    .map((line) => {
      if (line.startsWith("a=ice-ufrag:")) return `a=ice-ufrag:${fragment.ufrag}`;
      if (line.startsWith("a=ice-pwd:")) return `a=ice-pwd:${fragment.password}`;
      return line;
    });
  // The candidates close the first section, so before the second.
  const sections = kept.flatMap((line, index) => (line.startsWith("m=") ? [index] : []));
  const end = sections[1] ?? kept.length;
  const candidates = fragment.candidates.map((candidate) => `a=${candidate}`);
  return kept
    .toSpliced(end, 0, ...candidates)
    .map((line) => `${line}\r\n`)
    .join("");
}
