// Stills both ways: the camera drawn on a canvas and sent every few seconds, and the peer's gallery.
import { signal } from "@preact/signals";
import {
  StillsReceiver,
  StillsSender,
  type Link,
  type PeerMedia,
  type ReceivedStill,
  type SentStill,
} from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { preferences } from "../shared/preferences";
import { openMedia, videoConstraints } from "../../sdk/camera";
import { liveSettings } from "../live/live";
import { onLink } from "./model";

/** A received still with the address of its picture. */
export interface GalleryStill extends ReceivedStill {
  url: string;
}

/** How many stills are remembered, of those sent and of those received. */
const KEPT = 20;

/** What the camera gives is scaled down to a still: 720p is enough for 600×400. */
const CAMERA = { width: 1280, height: 720, fps: 15 };

export const stillsState = signal<"off" | "starting" | "on">("off");
export const stillsFailure = signal<Failure | null>(null);
/** Newest first. */
export const gallery = signal<readonly GalleryStill[]>([]);
/** Newest first. */
export const sentStills = signal<readonly SentStill[]>([]);
/** The canvas on which the peer's stills are drawn as they arrive. */
export const peerCanvas = document.createElement("canvas");

let link: Link | null = null;
let sender: StillsSender | null = null;
let camera: MediaStream | null = null;
let receiver: { track: MediaStreamTrack; machine: StillsReceiver } | null = null;

onLink((opened) => {
  link = opened;
  opened.on("media", follow);
});

/** Starts or stops receiving as the peer says. */
function follow(media: PeerMedia): void {
  if (media.kind !== "video" || !link) return;
  const isOurs = receiver?.track === media.track;
  if (media.mode !== "stills") {
    if (isOurs) {
      receiver?.machine.stop();
      receiver = null;
    }
    return;
  }
  if (isOurs) return;
  receiver?.machine.stop();
  const machine = new StillsReceiver({ link, media, canvas: peerCanvas });
  receiver = { track: media.track, machine };
  const older = gallery.value;
  machine.on("still", () => showGallery([...machine.gallery, ...older].slice(0, KEPT)));
  machine.start();
}

/** Gives each new still an address and takes back those of dropped ones. */
function showGallery(stills: readonly ReceivedStill[]): void {
  const known = new Map(gallery.value.map((still) => [still.jpeg, still.url]));
  const next = stills.map((still) => ({
    ...still,
    url: known.get(still.jpeg) ?? URL.createObjectURL(still.jpeg),
  }));
  const kept = new Set(next.map((still) => still.url));
  for (const url of known.values()) if (!kept.has(url)) URL.revokeObjectURL(url);
  gallery.value = next;
}

/** Opens the camera and sends a still at each interval. */
export async function startStills(): Promise<void> {
  if (!link || stillsState.value !== "off") return;
  stillsState.value = "starting";
  stillsFailure.value = null;
  try {
    const { facing, deviceId } = liveSettings.value;
    camera = await openMedia({ video: videoConstraints({ ...CAMERA, facing, deviceId }) });
    const source = await playing(camera);
    const { stillsIntervalMs: intervalMs, codec } = preferences.value;
    const canvas = document.createElement("canvas");
    sender = new StillsSender({ link, canvas, intervalMs, codec, draw: (to) => cover(to, source) });
    sender.on("sent", (still) => {
      sentStills.value = [still, ...sentStills.value].slice(0, KEPT);
    });
    await sender.start();
    stillsState.value = "on";
  } catch (thrown) {
    stopStills();
    stillsFailure.value = failureOf("Starting stills", thrown);
  }
}

/** Sends one still at once. */
export function stillNow(): void {
  sender?.now();
}

/** Changes the interval while sending. */
export function setStillsInterval(intervalMs: number): void {
  if (sender) sender.intervalMs = intervalMs;
}

/** Stops sending and lets the camera go. */
export function stopStills(): void {
  sender?.stop();
  sender = null;
  for (const track of camera?.getTracks() ?? []) track.stop();
  camera = null;
  stillsState.value = "off";
}

async function playing(stream: MediaStream): Promise<HTMLVideoElement> {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  await video.play();
  return video;
}

/** Draws the camera over the whole canvas, cut at the longer sides. */
function cover(context: CanvasRenderingContext2D, source: HTMLVideoElement): void {
  const { width, height } = context.canvas;
  const { videoWidth, videoHeight } = source;
  if (videoWidth === 0 || videoHeight === 0) return;
  const scale = Math.max(width / videoWidth, height / videoHeight);
  const drawnWidth = videoWidth * scale;
  const drawnHeight = videoHeight * scale;
  const left = (width - drawnWidth) / 2;
  const top = (height - drawnHeight) / 2;
  context.drawImage(source, left, top, drawnWidth, drawnHeight);
}
