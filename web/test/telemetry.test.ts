// What a link reports to its server: each figure once, however long the link lasts.
import { describe, expect, test } from "vitest";
import type { Api } from "../src/sdk/api";
import type { LinkStats } from "../src/sdk/link_stats";
import { LinkReports } from "../src/sdk/telemetry";

const PERIOD_MS = 30_000;

/** Figures of a link that has sent so much since its connection began. */
function sent(at: number, bytes: number): LinkStats {
  const stream = { bytes, retransmits: bytes / 100, jitterMs: 1, lossRatio: 0 };
  const figures = {
    at,
    path: { local: "host", remote: "host" },
    rttMs: 1,
    channelRttMs: null,
    availableOutgoingBps: null,
    inbound: [{ ...stream, bytes: 777_777, retransmits: 77 }],
    outbound: [stream],
    bytesSent: 0,
    bytesReceived: 0,
    dataBytesSent: bytes * 2,
    dataBytesReceived: 555_555,
  };
  return figures as unknown as LinkStats;
}

function posting(): { reports: LinkReports; posted: { stats: Record<string, number> }[] } {
  const posted: { stats: Record<string, number> }[] = [];
  const api = {
    telemetry: async (_pair: string, body: { stats: Record<string, number> }) => {
      posted.push(body);
    },
  };
  return { reports: new LinkReports(api as unknown as Api, "pair"), posted };
}

describe("the statistics that a server gets", () => {
  test("are what this device sent since the last report, in all what it sent", () => {
    const { reports, posted } = posting();
    for (const [period, bytes] of [1000, 3000, 3000, 7000].entries()) {
      reports.take(sent((period + 1) * PERIOD_MS, bytes));
    }
    const sums = (name: string): number[] => posted.map(({ stats }) => stats[name] ?? NaN);
    expect(sums("mediaBytes")).toEqual([1000, 2000, 0, 4000]);
    expect(sums("dataBytes")).toEqual([2000, 4000, 0, 8000]);
    expect(sums("retransmits")).toEqual([10, 20, 0, 40]);
  });

  test("count from 0 on a new connection", () => {
    const { reports, posted } = posting();
    for (const [period, bytes] of [5000, 2000].entries()) {
      reports.take(sent((period + 1) * PERIOD_MS, bytes));
    }
    expect(posted.map(({ stats }) => stats.mediaBytes)).toEqual([5000, 2000]);
  });
});
