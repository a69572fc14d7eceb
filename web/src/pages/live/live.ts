// Sending live video: settings, the sender, and the lock that keeps the screen awake.
import { computed, effect, signal } from "@preact/signals";
import {
  LiveSender,
  PRESETS,
  presetSettings,
  type LivePreset,
  type LiveSettings,
  type MediaCarrier,
} from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { prefer, preferences } from "../shared/preferences";
import { listCameras } from "./camera";

/** Whether live video is going out. */
export const liveState = signal<"off" | "starting" | "on">("off");
export const liveFailure = signal<Failure | null>(null);
/** The camera's picture, for the preview. */
export const preview = signal<MediaStream | null>(null);
export const hasTorch = signal(false);
export const isTorchOn = signal(false);
export const liveSettings = signal<LiveSettings>(initialSettings());

/** The preset that the settings equal, if any. */
export const presetOfSettings = computed(() => {
  const { width, height, fps, bitrateBps } = liveSettings.value;
  const names = Object.keys(PRESETS) as LivePreset[];
  return names.find((name) => {
    const preset = PRESETS[name];
    const sameSize = preset.width === width && preset.height === height;
    return sameSize && preset.fps === fps && preset.bitrateBps === bitrateBps;
  });
});

let sender: LiveSender | null = null;

/** Sends over `carrier` from here on: a link, or a session that publishes. */
export function sendOver(carrier: MediaCarrier): void {
  const made = new LiveSender(carrier);
  sender = made;
  made.on("stream", (stream) => (preview.value = stream));
  made.on("lost", (error) => {
    stopLive();
    liveFailure.value = failureOf("The camera", error);
  });
}

function initialSettings(): LiveSettings {
  const { preset, facing, microphone, codec, layers } = preferences.value;
  return { ...presetSettings(preset), facing, microphone, codec, layers };
}

/** Opens the camera and sends it. */
export async function startLive(): Promise<void> {
  if (!sender || liveState.value !== "off") return;
  liveState.value = "starting";
  liveFailure.value = null;
  try {
    preview.value = await sender.start(liveSettings.value);
    hasTorch.value = sender.hasTorch;
    liveState.value = "on";
    void listCameras();
  } catch (thrown) {
    liveState.value = "off";
    liveFailure.value = failureOf("Starting the camera", thrown);
  }
}

/** Stops sending and lets the camera go. */
export function stopLive(): void {
  sender?.stop();
  liveState.value = "off";
  preview.value = null;
  hasTorch.value = false;
  isTorchOn.value = false;
}

/** Changes settings, while sending or before. */
export async function changeLive(change: Partial<LiveSettings>): Promise<void> {
  liveSettings.value = { ...liveSettings.value, ...change };
  const { facing, microphone, layers } = liveSettings.value;
  prefer({
    facing,
    microphone,
    layers,
    ...(presetOfSettings.value && { preset: presetOfSettings.value }),
  });
  if (!sender || liveState.value !== "on") return;
  liveFailure.value = null;
  try {
    preview.value = await sender.update(change);
    hasTorch.value = sender.hasTorch;
  } catch (thrown) {
    liveSettings.value = sender.settings ?? liveSettings.value;
    liveFailure.value = failureOf("Changing the camera", thrown);
  }
}

/** Switches the camera's light. */
export async function switchTorch(on: boolean): Promise<void> {
  try {
    await sender?.setTorch(on);
    isTorchOn.value = on;
  } catch (thrown) {
    liveFailure.value = failureOf("Switching the light", thrown);
  }
}

/** Keeps the screen awake while pictures go out, or while `isNeeded`; returns how to stop. */
export function keepAwake(isNeeded: () => boolean = () => false): () => void {
  let lock: WakeLockSentinel | null = null;
  const settle = async (isWanted: boolean) => {
    if (!isWanted || document.visibilityState !== "visible") {
      await lock?.release();
      lock = null;
    } else if (!lock || lock.released) {
      // Refused in battery saving: the screen then dims as the system likes.
      lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    }
  };
  const isWanted = computed(() => liveState.value === "on" || isNeeded());
  const stop = effect(() => void settle(isWanted.value));
  const onVisible = () => void settle(isWanted.value);
  document.addEventListener("visibilitychange", onVisible);
  return () => {
    stop();
    document.removeEventListener("visibilitychange", onVisible);
    void lock?.release();
  };
}
