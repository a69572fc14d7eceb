// Opens cameras and microphones and says in words why it could not.
import { HelioError } from "./errors";

export type Facing = "user" | "environment";

/** What to ask of a camera. */
export interface CameraWish {
  width: number;
  height: number;
  fps: number;
  facing: Facing;
  /** Overrides `facing`. */
  deviceId?: string;
}

/** Ideals, not demands: a camera that has less still gives its best. */
export function videoConstraints(wish: CameraWish): MediaTrackConstraints {
  const { width, height, fps, facing, deviceId } = wish;
  const which = deviceId === undefined ? { facingMode: facing } : { deviceId: { exact: deviceId } };
  return {
    ...which,
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: fps, max: fps },
  };
}

const REFUSALS: Record<string, [code: string, message: string, nextStep: string]> = {
  NotAllowedError: [
    "camera-denied",
    "the browser may not use the camera or microphone",
    "Allow it in the browser's site settings, then try again.",
  ],
  NotFoundError: [
    "camera-missing",
    "no such camera or microphone was found",
    "Connect one, or choose another in the settings.",
  ],
  OverconstrainedError: [
    "camera-missing",
    "the chosen camera is not there",
    "Choose another in the settings.",
  ],
  NotReadableError: [
    "camera-busy",
    "another program is using the camera",
    "Close it, then try again.",
  ],
};

/** A screen has its own size and no side: it is only held to a ceiling. */
export function screenConstraints({ width, height, fps }: CameraWish): MediaTrackConstraints {
  return { width: { max: width }, height: { max: height }, frameRate: { max: fps } };
}

/** Whether this browser can show its screen to others; phones cannot. */
export function canShareScreen(): boolean {
  return typeof globalThis.navigator?.mediaDevices?.getDisplayMedia === "function";
}

/** Has the person choose a screen or window, with its sound where there is one. @throws HelioError `screen-denied`. */
export async function openScreen(wish: CameraWish): Promise<MediaStream> {
  try {
    const video = screenConstraints(wish);
    return await navigator.mediaDevices.getDisplayMedia({ video, audio: true });
  } catch {
    const step = "Choose a screen or window when the browser asks, or send the camera.";
    throw new HelioError("screen-denied", "no screen was chosen", step);
  }
}

/** Opens what is asked for. @throws HelioError `camera-denied`, `camera-missing`, `camera-busy`. */
export async function openMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
  const devices = globalThis.navigator?.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) {
    const step = "Open this page by its https:// address.";
    throw new HelioError("insecure-context", "this page may not use cameras", step);
  }
  try {
    return await devices.getUserMedia(constraints);
  } catch (thrown) {
    const name = thrown instanceof Error ? thrown.name : "";
    const [code, message, nextStep] = REFUSALS[name] ?? [
      "camera-failed",
      "the camera did not start",
      "Try again, or choose another camera.",
    ];
    throw new HelioError(code, message, nextStep);
  }
}
