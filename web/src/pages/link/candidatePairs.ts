// The candidate pairs of an attempt, for the table under a failure.
import { signal } from "@preact/signals";
import { onLink } from "./model";

/** One pair of addresses that was tried. */
export interface TriedPair {
  id: string;
  local: string;
  remote: string;
  /** `succeeded`, `failed`, `in-progress`, `waiting`, `frozen`. */
  state: string;
  requests: number;
  responses: number;
}

/** Tables grow with the square of the addresses; people read the first rows. */
const ROWS = 24;
const SAMPLE_MS = 1000;

/** What was tried last; stays when the attempt is over. */
export const triedPairs = signal<readonly TriedPair[]>([]);

onLink((link) => {
  const timer = setInterval(() => {
    const { phase } = link.state;
    if (phase === "ended") clearInterval(timer);
    const connection = link.peerConnection;
    if (connection && (phase === "connecting" || phase === "reconnecting")) void sample(connection);
  }, SAMPLE_MS);
});

async function sample(connection: RTCPeerConnection): Promise<void> {
  const report = await connection.getStats();
  const rows: TriedPair[] = [];
  report.forEach((entry: RTCIceCandidatePairStats) => {
    if (entry.type !== "candidate-pair") return;
    rows.push({
      id: entry.id,
      local: address(report.get(entry.localCandidateId)),
      remote: address(report.get(entry.remoteCandidateId)),
      state: entry.state,
      requests: entry.requestsSent ?? 0,
      responses: entry.responsesReceived ?? 0,
    });
  });
  if (rows.length > 0) triedPairs.value = rows.slice(0, ROWS);
}

interface CandidateEntry {
  candidateType?: string;
  address?: string;
  port?: number;
  protocol?: string;
}

/** `host 192.168.1.20:50000 udp`; browsers hide some addresses. */
function address(candidate: CandidateEntry | undefined): string {
  if (!candidate) return "gone";
  const { candidateType = "", address: ip, port, protocol = "" } = candidate;
  const host = ip?.includes(":") ? `[${ip}]` : (ip ?? "hidden");
  return `${candidateType} ${host}:${port ?? 0} ${protocol}`;
}
