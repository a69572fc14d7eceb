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
