// Polls a connection's statistics each second (W3C webrtc-stats) and keeps two minutes of them.
import type {
  InboundStats,
  Latency,
  LinkPath,
  LinkStats,
  OutboundStats,
  PathEnd,
  Percentiles,
} from "./link_stats";

const POLL_MS = 1000;
const HISTORY_LIMIT = 120;

/** One entry of an RTCStatsReport; fields differ by type and browser. */
type Entry = Record<string, unknown> & { id: string; type: string };

function number(entry: Entry | undefined, field: string): number | null {
  const value = entry?.[field];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function count(entry: Entry | undefined, field: string): number {
  return number(entry, field) ?? 0;
}

function text(entry: Entry | undefined, field: string): string | null {
  const value = entry?.[field];
  return typeof value === "string" ? value : null;
}

/** A report with the one before it, for rates. */
class Snapshot {
  readonly at: number;
  readonly #entries: Map<string, Entry>;
  readonly #before: Snapshot | null;

  constructor(report: RTCStatsReport, before: Snapshot | null, at: number) {
    this.at = at;
    this.#before = before;
    this.#entries = new Map();
    report.forEach((entry: Entry) => this.#entries.set(entry.id, entry));
  }

  get(id: string | null): Entry | undefined {
    return id === null ? undefined : this.#entries.get(id);
  }

  all(type: string): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.type === type);
  }

  /** How much a counter grew since the report before. */
  growth(entry: Entry, field: string): number {
    const before = this.#before?.get(entry.id);
    return Math.max(0, count(entry, field) - count(before, field));
  }

  /** Growth of one counter per growth of another, null where the other stood still. */
  ratio(entry: Entry, field: string, per: string): number | null {
    const base = this.growth(entry, per);
    return base > 0 && number(entry, field) !== null ? this.growth(entry, field) / base : null;
  }

  get seconds(): number {
    return this.#before === null ? 0 : (this.at - this.#before.at) / 1000;
  }

  rate(entry: Entry, field: string): number {
    return this.seconds > 0 ? this.growth(entry, field) / this.seconds : 0;
  }
}

function selectedPair(snapshot: Snapshot): Entry | undefined {
  const [transport] = snapshot.all("transport");
  const byTransport = snapshot.get(text(transport, "selectedCandidatePairId"));
  if (byTransport !== undefined) return byTransport;
  // Firefox marks the pair itself.
  return snapshot
    .all("candidate-pair")
    .find((pair) => pair["selected"] === true || pair["nominated"] === true);
}

function pathOf(snapshot: Snapshot, pair: Entry | undefined): LinkPath | null {
  const local = snapshot.get(text(pair, "localCandidateId"));
  const remote = snapshot.get(text(pair, "remoteCandidateId"));
  const localType = text(local, "candidateType");
  const remoteType = text(remote, "candidateType");
  if (localType === null || remoteType === null) return null;
  const protocol = text(local, "relayProtocol") ?? text(local, "protocol") ?? "udp";
  return { local: localType as PathEnd, remote: remoteType as PathEnd, protocol };
}

function codecOf(snapshot: Snapshot, entry: Entry): string | null {
  const mime = text(snapshot.get(text(entry, "codecId")), "mimeType");
  return mime?.split("/")[1] ?? null;
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}

function estimateLatency(snapshot: Snapshot, entry: Entry, rttMs: number | null): Latency {
  const buffer = snapshot.ratio(entry, "jitterBufferDelay", "jitterBufferEmittedCount");
  const decode = snapshot.ratio(entry, "totalDecodeTime", "framesDecoded");
  const networkMs = (rttMs ?? 0) / 2;
  const jitterBufferMs = milliseconds(buffer) ?? 0;
  const decodeMs = milliseconds(decode) ?? 0;
  const totalMs = networkMs + jitterBufferMs + decodeMs;
  return { totalMs, source: "estimate", networkMs, jitterBufferMs, decodeMs };
}

function inboundOf(snapshot: Snapshot, entry: Entry, rttMs: number | null): InboundStats {
  const lost = snapshot.growth(entry, "packetsLost");
  const received = snapshot.growth(entry, "packetsReceived");
  return {
    mid: text(entry, "mid") ?? "",
    kind: text(entry, "kind") === "audio" ? "audio" : "video",
    codec: codecOf(snapshot, entry),
    width: number(entry, "frameWidth"),
    height: number(entry, "frameHeight"),
    fps: number(entry, "framesPerSecond"),
    bitrateBps: snapshot.rate(entry, "bytesReceived") * 8,
    bytes: count(entry, "bytesReceived"),
    packets: count(entry, "packetsReceived"),
    lossRatio: lost + received > 0 ? lost / (lost + received) : 0,
    jitterMs: milliseconds(number(entry, "jitter")),
    retransmits: count(entry, "retransmittedPacketsReceived"),
    nacks: count(entry, "nackCount"),
    plis: count(entry, "pliCount"),
    framesDecoded: count(entry, "framesDecoded"),
    framesDropped: count(entry, "framesDropped"),
    keyFramesDecoded: count(entry, "keyFramesDecoded"),
    freezes: count(entry, "freezeCount"),
    freezeMs: count(entry, "totalFreezesDuration") * 1000,
    latency: entry["kind"] === "video" ? estimateLatency(snapshot, entry, rttMs) : null,
  };
}

function outboundOf(snapshot: Snapshot, entry: Entry): OutboundStats {
  const remote = snapshot.get(text(entry, "remoteId"));
  return {
    mid: text(entry, "mid") ?? "",
    kind: text(entry, "kind") === "audio" ? "audio" : "video",
    codec: codecOf(snapshot, entry),
    width: number(entry, "frameWidth"),
    height: number(entry, "frameHeight"),
    fps: number(entry, "framesPerSecond"),
    bitrateBps: snapshot.rate(entry, "bytesSent") * 8,
    bytes: count(entry, "bytesSent"),
    packets: count(entry, "packetsSent"),
    lossRatio: number(remote, "fractionLost") ?? 0,
    jitterMs: milliseconds(number(remote, "jitter")),
    retransmits: count(entry, "retransmittedPacketsSent"),
    nacks: count(entry, "nackCount"),
    plis: count(entry, "pliCount"),
    rid: text(entry, "rid"),
    framesEncoded: count(entry, "framesEncoded"),
    keyFramesEncoded: count(entry, "keyFramesEncoded"),
    limitedBy: text(entry, "qualityLimitationReason"),
    encodeMsPerFrame: milliseconds(snapshot.ratio(entry, "totalEncodeTime", "framesEncoded")),
    targetBps: number(entry, "targetBitrate"),
  };
}

function summarize(snapshot: Snapshot, channelRttMs: Percentiles | null): LinkStats {
  const pair = selectedPair(snapshot);
  const rttMs = milliseconds(number(pair, "currentRoundTripTime"));
  const channels = snapshot.all("data-channel");
  const sum = (field: string): number =>
    channels.reduce((total, channel) => total + count(channel, field), 0);
  return {
    at: snapshot.at,
    path: pathOf(snapshot, pair),
    rttMs,
    channelRttMs,
    availableOutgoingBps: number(pair, "availableOutgoingBitrate"),
    inbound: snapshot.all("inbound-rtp").map((entry) => inboundOf(snapshot, entry, rttMs)),
    outbound: snapshot.all("outbound-rtp").map((entry) => outboundOf(snapshot, entry)),
    bytesSent: count(pair, "bytesSent"),
    bytesReceived: count(pair, "bytesReceived"),
    dataBytesSent: sum("bytesSent"),
    dataBytesReceived: sum("bytesReceived"),
  };
}

/** Watches one connection after another. */
export class StatsPoller {
  readonly history: LinkStats[] = [];
  readonly #onStats: (stats: LinkStats) => void;
  readonly #measuredMs = new Map<string, number>();
  #pc: RTCPeerConnection | null = null;
  #channelRtt: () => Percentiles | null = () => null;
  #before: Snapshot | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(onStats: (stats: LinkStats) => void) {
    this.#onStats = onStats;
  }

  watch(pc: RTCPeerConnection, channelRtt: () => Percentiles | null = () => null): void {
    this.stop();
    this.#pc = pc;
    this.#channelRtt = channelRtt;
    this.#timer = setInterval(() => void this.poll(), POLL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#pc = null;
    this.#before = null;
    this.#measuredMs.clear();
  }

  /** A view measured capture to screen (requestVideoFrameCallback's captureTime). */
  noteLatency(mid: string, totalMs: number): void {
    this.#measuredMs.set(mid, totalMs);
  }

  /** Takes figures now; null without a connection. */
  async poll(): Promise<LinkStats | null> {
    const pc = this.#pc;
    if (pc === null) return null;
    const report = await pc.getStats();
    // Between the question and the answer the link may have moved to another connection.
    if (this.#pc !== pc || pc.connectionState !== "connected") return null;
    const snapshot = new Snapshot(report, this.#before, Date.now());
    const stats = this.#withMeasured(summarize(snapshot, this.#channelRtt()));
    // Each report keeps only the one before it.
    this.#before = new Snapshot(report, null, snapshot.at);
    this.history.push(stats);
    if (this.history.length > HISTORY_LIMIT) this.history.shift();
    this.#onStats(stats);
    return stats;
  }

  #withMeasured(stats: LinkStats): LinkStats {
    for (const inbound of stats.inbound) {
      const totalMs = this.#measuredMs.get(inbound.mid);
      if (totalMs === undefined || inbound.latency === null) continue;
      inbound.latency = { ...inbound.latency, totalMs, source: "measured" };
    }
    return stats;
  }
}
