// Figures as people read them: few digits, a unit, a dash when unknown.

/** Shown where a figure is not known. */
export const UNKNOWN = "–";

/** `1.4 Mbps`, `300 kbps`. */
export function bitRate(bps: number | undefined): string {
  if (bps === undefined || !Number.isFinite(bps)) return UNKNOWN;
  if (bps >= 1e6) return `${(bps / 1e6).toFixed(bps >= 1e7 ? 0 : 1)} Mbps`;
  return `${Math.round(bps / 1e3)} kbps`;
}

/** `812 B`, `64 KB`, `1.2 MB`, in units of 1000 as file managers of phones do. */
export function byteSize(bytes: number | undefined): string {
  if (bytes === undefined || !Number.isFinite(bytes)) return UNKNOWN;
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} KB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** `23 ms`, `0.8 ms`, `1.2 s`. */
export function millis(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return UNKNOWN;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms > 0 && ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** `0.4 %` of a ratio. */
export function percent(ratio: number | undefined): string {
  if (ratio === undefined || !Number.isFinite(ratio)) return UNKNOWN;
  const value = ratio * 100;
  if (value > 0 && value < 0.05) return "< 0.1 %";
  return `${value === 0 ? "0" : value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

/** A plain count. */
export function count(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? UNKNOWN : value.toLocaleString("en");
}

/** `now`, `12 s ago`, `4 min ago`, `3 h ago`, then the date. */
export function ago(thenMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - thenMs) / 1000));
  if (seconds < 2) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return day(thenMs);
}

/** `21 Nov 2026`. */
export function day(timeMs: number): string {
  return new Date(timeMs).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

/** `14:05`. */
export function clock(timeMs: number): string {
  return new Date(timeMs).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}
