// The figures of a link at one moment, as views and charts read them.

/** Kind of a candidate: how one end of the path runs. */
export type PathEnd = "host" | "srflx" | "prflx" | "relay";

/** The path that carries the link. */
export interface LinkPath {
  local: PathEnd;
  remote: PathEnd;
  /** `udp`, `tcp`; for a relay what leads to it (`udp`, `tcp`, `tls`). */
  protocol: string;
}

/** Round trips of the control channel over the last pings. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** From the lens to the screen, and what it is made of. */
export interface Latency {
  totalMs: number;
  /** `measured` by capture times in the stream; `estimate` is the sum of its parts. */
  source: "measured" | "estimate";
  networkMs: number;
  jitterBufferMs: number;
  decodeMs: number;
}

interface MediaStats {
  mid: string;
  kind: "audio" | "video";
  codec: string | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  bitrateBps: number;
  bytes: number;
  packets: number;
  lossRatio: number;
  jitterMs: number | null;
  retransmits: number;
  nacks: number;
  plis: number;
}

export interface InboundStats extends MediaStats {
  framesDecoded: number;
  framesDropped: number;
  keyFramesDecoded: number;
  freezes: number;
  freezeMs: number;
  latency: Latency | null;
}

export interface OutboundStats extends MediaStats {
  /** The layer of a simulcast; null where the picture is sent once. */
  rid: string | null;
  framesEncoded: number;
  keyFramesEncoded: number;
  /** What holds the quality down: `none`, `cpu`, `bandwidth`, `other`. */
  limitedBy: string | null;
  encodeMsPerFrame: number | null;
  targetBps: number | null;
}

/** One second of a link. */
export interface LinkStats {
  /** Unix milliseconds. */
  at: number;
  path: LinkPath | null;
  /** Round trip of the network path (ICE). */
  rttMs: number | null;
  /** Round trip of the control channel. */
  channelRttMs: Percentiles | null;
  availableOutgoingBps: number | null;
  inbound: InboundStats[];
  outbound: OutboundStats[];
  bytesSent: number;
  bytesReceived: number;
  dataBytesSent: number;
  dataBytesReceived: number;
}
