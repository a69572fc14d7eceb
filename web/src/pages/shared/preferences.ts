// What this browser remembers of its person's choices. Read with care: the text may be old or edited.
import { signal } from "@preact/signals";
import { PRESETS, type Facing, type LivePreset, type VideoCodec } from "../../sdk";

/** A relay named by the person, beside those of the server (for example their own coturn). */
export interface ExtraRelay {
  url: string;
  username: string;
  credential: string;
}

/** The choices kept. */
export interface Preferences {
  preset: LivePreset;
  facing: Facing;
  microphone: boolean;
  mirror: boolean;
  codec: VideoCodec;
  layers: boolean;
  policy: RTCIceTransportPolicy;
  stillsIntervalMs: number;
  relay: ExtraRelay | null;
}

/** The stills interval's bounds in milliseconds. */
export const STILLS_INTERVAL_MS = { min: 1000, max: 60_000, standard: 3000 } as const;

const KEY = "heliograph.preferences";

const DEFAULTS: Preferences = {
  preset: "medium",
  facing: "environment",
  microphone: false,
  mirror: false,
  codec: "H264",
  layers: true,
  policy: "all",
  stillsIntervalMs: STILLS_INTERVAL_MS.standard,
  relay: null,
};

/** The choices; change them by `prefer`. */
export const preferences = signal<Preferences>(read());

/** Changes some choices and keeps them. */
export function prefer(change: Partial<Preferences>): void {
  preferences.value = { ...preferences.value, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences.value));
  } catch {
    // Storage is full or forbidden: the choice then lasts as long as the page.
  }
}

function read(): Preferences {
  let kept: Partial<Record<keyof Preferences, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof parsed === "object" && parsed !== null) kept = parsed;
  } catch {
    // Unreadable: start from the defaults.
  }
  const interval = Number(kept.stillsIntervalMs);
  const { min, max } = STILLS_INTERVAL_MS;
  return {
    preset: oneOf(kept.preset, Object.keys(PRESETS) as LivePreset[], DEFAULTS.preset),
    facing: oneOf(kept.facing, ["user", "environment"], DEFAULTS.facing),
    microphone: kept.microphone === true,
    mirror: kept.mirror === true,
    codec: oneOf(kept.codec, ["H264", "VP8"], DEFAULTS.codec),
    layers: kept.layers !== false,
    policy: oneOf(kept.policy, ["all", "relay"], DEFAULTS.policy),
    stillsIntervalMs: interval >= min && interval <= max ? interval : DEFAULTS.stillsIntervalMs,
    relay: readRelay(kept.relay),
  };
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], standard: T): T {
  return allowed.find((each) => each === value) ?? standard;
}

function readRelay(value: unknown): ExtraRelay | null {
  const { url, username, credential } = (value ?? {}) as Partial<ExtraRelay>;
  if (typeof url !== "string" || !isRelayUrl(url)) return null;
  return { url, username: String(username ?? ""), credential: String(credential ?? "") };
}

/** Whether an address names a TURN server (RFC 7065). */
export function isRelayUrl(url: string): boolean {
  return /^turns?:[^\s/?]+(\?transport=(udp|tcp))?$/.test(url);
}
