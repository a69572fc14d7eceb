// Live video between two devices: camera, presets, changes without renegotiation.
import type { Link } from "./link";

export type LivePreset = "low" | "medium" | "high" | "hd";
export type FramesPerSecond = 15 | 24 | 30;
export type VideoCodec = "H264" | "VP8";
export type Facing = "user" | "environment";

/** A preset's picture and bitrate ceiling. */
export interface PresetFigures {
  width: number;
  height: number;
  fps: FramesPerSecond;
  bitrateBps: number;
}

/** low 640×480@15 300 kbit/s · medium 720p@24 1 Mbit/s · high 720p@30 1.5 · hd 1080p@30 4. */
export const PRESETS: Record<LivePreset, PresetFigures> = {
  low: { width: 640, height: 480, fps: 15, bitrateBps: 300_000 },
  medium: { width: 1280, height: 720, fps: 24, bitrateBps: 1_000_000 },
  high: { width: 1280, height: 720, fps: 30, bitrateBps: 1_500_000 },
  hd: { width: 1920, height: 1080, fps: 30, bitrateBps: 4_000_000 },
};

export interface LiveSettings extends PresetFigures {
  facing: Facing;
  /** Overrides `facing`. */
  deviceId?: string;
  microphone: boolean;
  codec: VideoCodec;
}

/** Settings of a preset with the back camera, no microphone, H.264. */
export function presetSettings(preset: LivePreset): LiveSettings {
  return { ...PRESETS[preset], facing: "environment", microphone: false, codec: "H264" };
}

/** Sends camera and microphone over a link. */
declare class LiveSenderShape {
  constructor(link: Link);
  readonly settings: LiveSettings | null;
  /** What the camera really gives, for the preview; null before `start`. */
  readonly stream: MediaStream | null;
  /** Opens the camera and sends. @throws HelioError `camera-denied`, `camera-missing`, `camera-busy`. */
  start(settings: LiveSettings): Promise<MediaStream>;
  /** Changes settings while sending; the codec only takes effect at the next start. */
  update(change: Partial<LiveSettings>): Promise<MediaStream>;
  /** Whether the camera has a torch. */
  readonly hasTorch: boolean;
  setTorch(on: boolean): Promise<void>;
  stop(): void;
}

export type LiveSender = LiveSenderShape;
export const LiveSender = class {
  constructor() {
    throw new Error("LiveSender is under construction");
  }
} as unknown as typeof LiveSenderShape;
