// Live video between two devices: camera, presets, and changes without renegotiation.
import {
  openMedia,
  openScreen,
  screenConstraints,
  videoConstraints,
  type CameraWish,
  type Facing,
} from "./camera";
import { Emitter } from "./emitter";
import { HelioError } from "./errors";
import { isLayered, layersOf, totalBps } from "./layers";
import type { MediaCarrier, OutgoingMedia } from "./link_media";

export type LivePreset = "low" | "medium" | "high" | "hd";
export type FramesPerSecond = 15 | 24 | 30;
export type VideoSource = "camera" | "screen";
export type VideoCodec = "H264" | "VP8";
export type { Facing };

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

export interface LiveSettings extends PresetFigures, CameraWish {
  fps: FramesPerSecond;
  source: VideoSource;
  microphone: boolean;
  codec: VideoCodec;
  /** Sends a large picture at smaller sizes too, where the carrier passes each viewer one of them. */
  layers: boolean;
}

/** Settings of a preset with the back camera, no microphone, H.264, and layers. */
export function presetSettings(preset: LivePreset): LiveSettings {
  const rest = {
    source: "camera",
    facing: "environment",
    microphone: false,
    codec: "H264",
    layers: true,
  } as const;
  return { ...PRESETS[preset], ...rest };
}

/** Voice needs little; the ceiling keeps it from growing at the picture's cost. */
const VOICE_BPS = 48_000;

function videoEncoding({ bitrateBps, fps }: PresetFigures): RTCRtpEncodingParameters {
  // networkPriority marks the packets (DSCP) for networks that look.
  return { maxBitrate: bitrateBps, maxFramerate: fps, priority: "high", networkPriority: "high" };
}

const LOST: Record<VideoSource, [code: string, message: string, nextStep: string]> = {
  camera: ["camera-lost", "the camera went away", "Connect it again, then start."],
  screen: ["screen-ended", "the screen is no longer shared", "Start again to choose another."],
};

/** The voice goes in the place of the screen's own sound: a section carries one of them. */
async function takeVoice(stream: MediaStream, audio: MediaTrackConstraints): Promise<void> {
  const voice = await openMedia({ audio }).catch((thrown: unknown) => {
    stream.getTracks().forEach((track) => track.stop());
    throw thrown;
  });
  for (const track of stream.getAudioTracks()) {
    track.stop();
    stream.removeTrack(track);
  }
  for (const track of voice.getAudioTracks()) stream.addTrack(track);
}

type TorchTrack = { getCapabilities?: () => { torch?: boolean } };

/** Sends camera and microphone over a link or to a gateway. */
export class LiveSender extends Emitter<{
  /** The preview changed: another camera was opened. */
  stream: MediaStream;
  /** The camera was unplugged or taken away, or the screen is no longer shared. */
  lost: HelioError;
}> {
  readonly #carrier: MediaCarrier;
  #settings: LiveSettings | null = null;
  #stream: MediaStream | null = null;
  #video: OutgoingMedia | null = null;
  #audio: OutgoingMedia | null = null;

  constructor(carrier: MediaCarrier) {
    super();
    this.#carrier = carrier;
  }

  get settings(): LiveSettings | null {
    return this.#settings;
  }

  /** What the camera gives, for the preview; null before `start` and after `stop`. */
  get stream(): MediaStream | null {
    return this.#stream;
  }

  /** Whether the camera has a torch. */
  get hasTorch(): boolean {
    const [track] = (this.#stream?.getVideoTracks() ?? []) as TorchTrack[];
    return track?.getCapabilities?.().torch === true;
  }

  async setTorch(on: boolean): Promise<void> {
    const [track] = this.#stream?.getVideoTracks() ?? [];
    await track?.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] });
  }

  /**
   * Opens the camera and sends.
   * @throws HelioError `camera-denied`, `camera-missing`, `camera-busy`.
   */
  async start(settings: LiveSettings): Promise<MediaStream> {
    this.stop();
    const stream = await this.#open(settings);
    this.#settings = settings;
    await this.#send(stream, settings);
    return stream;
  }

  /** Changes settings while sending; returns the stream to preview, which may be another one. */
  async update(change: Partial<LiveSettings>): Promise<MediaStream> {
    const before = this.#settings;
    const current = this.#stream;
    if (before === null || current === null) {
      throw new HelioError("not-sending", "the camera is not on", "Start it first.");
    }
    const settings = { ...before, ...change };
    const isOther = (["source", "facing", "deviceId", "microphone"] as const).some(
      (name) => settings[name] !== before[name],
    );
    if (isOther) return this.#reopen(settings, before);
    this.#settings = settings;
    const [track] = current.getVideoTracks();
    const constraints = settings.source === "screen" ? screenConstraints : videoConstraints;
    await track?.applyConstraints(constraints(settings));
    await this.#encode(settings);
    return current;
  }

  stop(): void {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#settings = null;
    for (const media of [this.#video, this.#audio]) {
      if (media === null) continue;
      media.setMode("off");
      void media.replaceTrack(null);
    }
  }

  /** Phones open one camera at a time: the old one stops first, and comes back if that fails. */
  async #reopen(settings: LiveSettings, before: LiveSettings): Promise<MediaStream> {
    this.#stream?.getTracks().forEach((track) => track.stop());
    let stream: MediaStream;
    let taken = settings;
    let failed: unknown = null;
    try {
      stream = await this.#open(settings);
    } catch (thrown) {
      failed = thrown;
      taken = before;
      stream = await this.#open(before);
    }
    this.#settings = taken;
    await this.#send(stream, taken);
    this.emit("stream", stream);
    if (failed !== null) throw failed;
    return stream;
  }

  async #open(settings: LiveSettings): Promise<MediaStream> {
    const audio = settings.microphone && { echoCancellation: true, noiseSuppression: true };
    const isScreen = settings.source === "screen";
    const stream = isScreen
      ? await openScreen(settings)
      : await openMedia({ video: videoConstraints(settings), audio });
    if (isScreen && audio !== false) await takeVoice(stream, audio);
    const [track] = stream.getVideoTracks();
    if (track !== undefined) {
      // Letters want sharpness, faces want movement.
      track.contentHint = isScreen ? "detail" : "motion";
      track.onended = () => this.#lost(stream, settings.source);
    }
    this.#stream = stream;
    return stream;
  }

  #lost(stream: MediaStream, source: VideoSource): void {
    if (this.#stream !== stream) return;
    this.stop();
    this.emit("lost", new HelioError(...LOST[source]));
  }

  async #send(stream: MediaStream, settings: LiveSettings): Promise<void> {
    const [video] = stream.getVideoTracks();
    const audio = stream.getAudioTracks()[0] ?? null;
    const sendEncodings = this.#encodings(video, settings);
    this.#video ??= this.#carrier.addMedia("video", {
      mode: "live",
      codec: settings.codec,
      sendEncodings,
      // Below this Chromium begins with a smaller picture and grows it only after a while.
      startBitrateKbps: Math.min(2000, Math.round(totalBps(sendEncodings) / 1250)),
    });
    // The section for sound is there from the start: turning it on later changes nothing else.
    this.#audio ??= this.#carrier.addMedia("audio", {
      mode: "off",
      sendEncodings: [{ maxBitrate: VOICE_BPS, priority: "high", networkPriority: "high" }],
    });
    await this.#video.replaceTrack(video ?? null);
    await this.#audio.replaceTrack(audio);
    this.#video.setMode("live");
    this.#audio.setMode(audio === null ? "off" : "live");
    await this.#encode(settings);
  }

  #encodings(
    track: MediaStreamTrack | undefined,
    settings: LiveSettings,
  ): RTCRtpEncodingParameters[] {
    const whole = videoEncoding(settings);
    const takesLayers = settings.layers && this.#carrier.renew !== undefined;
    const isLarge = takesLayers && track !== undefined && isLayered(track.getSettings());
    return isLarge ? layersOf(whole) : [whole];
  }

  async #encode(settings: LiveSettings): Promise<void> {
    const [track] = this.#stream?.getVideoTracks() ?? [];
    const isTaken = await this.#video?.setEncodings(this.#encodings(track, settings));
    if (isTaken === false) return this.#carrier.renew?.();
    await this.#video?.useCodec(settings.codec);
  }
}
