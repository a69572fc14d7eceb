// The sender's camera: opening it, changing it, and handing it to the room.
import { signal } from "@preact/signals";
import { PRESETS, type Facing, type LivePreset } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { openMedia, videoConstraints } from "../../sdk/camera";
import { failureOf } from "../shared/failure";
import { prefer, preferences } from "../shared/preferences";
import { enter, leave, phase, replaceSending, type Sending } from "./model";

export const stream = signal<MediaStream | null>(null);
export const cameraState = signal<"off" | "starting" | "on">("off");
export const cameraFailure = signal<Failure | null>(null);

/** Opens the camera and enters the room with it. */
export async function startSending(): Promise<void> {
  if (cameraState.value !== "off") return;
  cameraState.value = "starting";
  cameraFailure.value = null;
  try {
    stream.value = await open();
    cameraState.value = "on";
    enter("sender", sending(stream.value));
  } catch (thrown) {
    cameraState.value = "off";
    cameraFailure.value = failureOf("Starting the camera", thrown);
  }
}

/** Changes a choice; while sending the camera is opened anew and swapped in. */
export async function changeSending(change: {
  preset?: LivePreset;
  facing?: Facing;
  microphone?: boolean;
}): Promise<void> {
  prefer(change);
  if (cameraState.value !== "on") return;
  cameraFailure.value = null;
  try {
    // Phones lend a camera once: the old stream goes before the new one comes.
    stopTracks();
    stream.value = await open();
    if (phase.value === "idle") enter("sender", sending(stream.value));
    else await replaceSending(sending(stream.value));
  } catch (thrown) {
    stopSending();
    cameraFailure.value = failureOf("Changing the camera", thrown);
  }
}

/** Leaves the room and lets the camera go. */
export function stopSending(): void {
  leave();
  stopTracks();
  stream.value = null;
  cameraState.value = "off";
}

function sending(opened: MediaStream): Sending {
  const { bitrateBps, fps } = PRESETS[preferences.value.preset];
  return { stream: opened, encoding: { maxBitrate: bitrateBps, maxFramerate: fps } };
}

function open(): Promise<MediaStream> {
  const { preset, facing, microphone } = preferences.value;
  const video = videoConstraints({ ...PRESETS[preset], facing });
  return openMedia({ video, audio: microphone });
}

function stopTracks(): void {
  for (const track of stream.value?.getTracks() ?? []) track.stop();
}
