// Which figures are told of a path and of each media section, in words.
import type { InboundStats, LinkStats, OutboundStats } from "../../sdk";
import { bitRate, byteSize, count, millis, percent, UNKNOWN } from "../../ui/format";
import type { Figure } from "./figures";
import { pathWords } from "./pathWords";

/** The path and what runs over it. */
export function pathFigures(now: LinkStats): Figure[] {
  return [
    { id: "path", label: "Kind", value: now.path ? pathWords(now.path) : UNKNOWN },
    { id: "rtt", label: "Round trip", value: millis(now.rttMs ?? undefined) },
    { id: "channel-p50", label: "Channel p50", value: millis(now.channelRttMs?.p50) },
    { id: "channel-p95", label: "Channel p95", value: millis(now.channelRttMs?.p95) },
    { id: "channel-p99", label: "Channel p99", value: millis(now.channelRttMs?.p99) },
    { id: "bytes-in", label: "Received", value: byteSize(now.bytesReceived) },
    { id: "bytes-out", label: "Sent", value: byteSize(now.bytesSent) },
    {
      id: "data-bytes",
      label: "Messages",
      value: byteSize(now.dataBytesReceived + now.dataBytesSent),
    },
    {
      id: "available",
      label: "Estimated room",
      value: bitRate(now.availableOutgoingBps ?? undefined),
    },
  ];
}

function size(media: InboundStats | OutboundStats): string {
  return media.width === null ? UNKNOWN : `${media.width} × ${media.height}`;
}

/** One incoming media section. */
export function inboundFigures(media: InboundStats): Figure[] {
  const { latency } = media;
  return [
    { id: "resolution", label: "Resolution", value: size(media) },
    { id: "fps", label: "Frames per second", value: count(media.fps ?? undefined) },
    { id: "bitrate", label: "Bit rate", value: bitRate(media.bitrateBps) },
    { id: "latency", label: latencyLabel(latency?.source), value: millis(latency?.totalMs) },
    { id: "latency-parts", label: "Network + buffer + decode", value: latencyParts(media) },
    { id: "loss", label: "Loss", value: percent(media.lossRatio) },
    { id: "jitter", label: "Jitter", value: millis(media.jitterMs ?? undefined) },
    { id: "dropped", label: "Frames dropped", value: count(media.framesDropped) },
    { id: "decoded", label: "Frames shown", value: count(media.framesDecoded) },
    { id: "retransmits", label: "Retransmits", value: count(media.retransmits) },
    { id: "keyframes", label: "Key frames", value: count(media.keyFramesDecoded) },
    { id: "freezes", label: "Freezes", value: freezes(media) },
    { id: "bytes", label: "Bytes", value: byteSize(media.bytes) },
    { id: "codec", label: "Codec", value: media.codec ?? UNKNOWN },
  ];
}

function latencyLabel(source: "measured" | "estimate" | undefined): string {
  return source === "measured" ? "Lens to screen, measured" : "Lens to screen, estimate";
}

function latencyParts({ latency }: InboundStats): string {
  if (!latency) return UNKNOWN;
  const parts = [latency.networkMs, latency.jitterBufferMs, latency.decodeMs];
  return `${parts.map((part) => Math.round(part)).join(" + ")} ms`;
}

function freezes(media: InboundStats): string {
  return media.freezes === 0 ? "none" : `${media.freezes}, ${millis(media.freezeMs)} in all`;
}

/** One outgoing media section. */
export function outboundFigures(media: OutboundStats): Figure[] {
  return [
    { id: "out-resolution", label: "Resolution", value: size(media) },
    { id: "out-fps", label: "Frames per second", value: count(media.fps ?? undefined) },
    { id: "out-bitrate", label: "Bit rate", value: bitRate(media.bitrateBps) },
    { id: "out-target", label: "Target", value: bitRate(media.targetBps ?? undefined) },
    { id: "out-loss", label: "Loss", value: percent(media.lossRatio) },
    {
      id: "out-encode",
      label: "Encoding a frame",
      value: millis(media.encodeMsPerFrame ?? undefined),
    },
    { id: "out-retransmits", label: "Retransmits", value: count(media.retransmits) },
    { id: "out-limited", label: "Held down by", value: limitWords(media.limitedBy) },
    { id: "out-bytes", label: "Bytes", value: byteSize(media.bytes) },
    { id: "out-codec", label: "Codec", value: media.codec ?? UNKNOWN },
  ];
}

function limitWords(limit: string | null): string {
  switch (limit) {
    case "none":
      return "nothing";
    case "cpu":
      return "this device's processor";
    case "bandwidth":
      return "the path";
    default:
      return limit ?? UNKNOWN;
  }
}
