// What a link reports: to its peer every 2 s, to its server at each turn of its life and every
// 30 s (docs/protocol.md, Telemetry). No names, addresses or contents.
import type { Api } from "./api";
import type { ConnectionPhases } from "./connection";
import type { FrameMap } from "./control";
import type { FailureCause } from "./failures";
import type { LinkStats } from "./link_stats";

const TO_PEER_MS = 2000;
const TO_SERVER_MS = 30_000;
const STILLS_LIMIT = 64;

function rounded(value: number | null | undefined): number {
  return Math.round((value ?? 0) * 10) / 10;
}

/** Only while there is a path: it says that the link is up. */
function pathEnds(stats: LinkStats | null): object {
  const path = stats?.path;
  return path ? { path: { local: path.local, remote: path.remote } } : {};
}

/** The figures both kinds of report share. What was sent is of this device alone: the other one
 *  reports the other half. */
function figures(stats: LinkStats) {
  const { inbound, outbound, channelRttMs } = stats;
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    rttMs: rounded(stats.rttMs),
    jitterMs: rounded(Math.max(0, ...inbound.map((each) => each.jitterMs ?? 0))),
    lossRatio: Math.round(Math.max(0, ...inbound.map((each) => each.lossRatio)) * 1e4) / 1e4,
    retransmits: sum(outbound.map((each) => each.retransmits)),
    mediaBytes: sum(outbound.map((each) => each.bytes)),
    dataBytes: stats.dataBytesSent,
    channelRttMs: {
      p50: rounded(channelRttMs?.p50),
      p95: rounded(channelRttMs?.p95),
      p99: rounded(channelRttMs?.p99),
    },
  };
}

type Totals = Pick<ReturnType<typeof figures>, "retransmits" | "mediaBytes" | "dataBytes">;

/** What came since the last report. A new connection counts from 0. */
function since({ retransmits, mediaBytes, dataBytes }: Totals, last: Totals): Totals {
  const grown = (total: number, before: number): number =>
    total >= before ? total - before : total;
  return {
    retransmits: grown(retransmits, last.retransmits),
    mediaBytes: grown(mediaBytes, last.mediaBytes),
    dataBytes: grown(dataBytes, last.dataBytes),
  };
}

/** The reports of one link. */
export class LinkReports {
  readonly #api: Api;
  readonly #pairId: string;
  #toPeerMs = 0;
  #toServerMs = 0;
  #stillBytes: number[] = [];
  #posted: Totals = { retransmits: 0, mediaBytes: 0, dataBytes: 0 };

  constructor(api: Api, pairId: string) {
    this.#api = api;
    this.#pairId = pairId;
  }

  connected(stats: LinkStats | null, phasesMs: ConnectionPhases): void {
    this.#post({ link: { event: "connected", ...pathEnds(stats), phasesMs } });
  }

  failed(cause: FailureCause): void {
    this.#post({ link: { event: "failed", cause } });
  }

  restarted(): void {
    this.#post({ link: { event: "restarted" } });
  }

  closed(): void {
    this.#post({ link: { event: "closed" } });
  }

  /** A still was sent. */
  still(bytes: number): void {
    if (this.#stillBytes.length < STILLS_LIMIT) this.#stillBytes.push(bytes);
  }

  /** Takes a second's figures; returns what to send to the peer, when it is time. */
  take(stats: LinkStats): FrameMap | null {
    const now = figures(stats);
    if (stats.at - this.#toServerMs >= TO_SERVER_MS) {
      this.#toServerMs = stats.at;
      const stillBytes = this.#stillBytes.splice(0);
      const grown = since(now, this.#posted);
      this.#posted = now;
      this.#post({ stats: { ...pathEnds(stats), ...now, ...grown, stillBytes } });
    }
    if (stats.at - this.#toPeerMs < TO_PEER_MS) return null;
    this.#toPeerMs = stats.at;
    return now;
  }

  #post(body: object): void {
    // Telemetry must never hurt a link: a lost report is lost.
    this.#api.telemetry(this.#pairId, body).catch(() => undefined);
  }
}
