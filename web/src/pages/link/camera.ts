// The person's cameras: which there are, and opening one.
import { signal } from "@preact/signals";
import { HelioError, type Facing } from "../../sdk";

/** Cameras by name; names are empty until the browser may use one. */
export const cameras = signal<readonly MediaDeviceInfo[]>([]);

/** Looks which cameras there are. */
export async function listCameras(): Promise<void> {
  const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []);
  cameras.value = (devices ?? []).filter((device) => device.kind === "videoinput");
}

/** What to open. */
export interface CameraWish {
  facing: Facing;
  /** Overrides `facing` when not empty. */
  deviceId: string;
  width: number;
  height: number;
  fps: number;
  microphone: boolean;
}

/** Opens a camera. @throws HelioError `camera-denied`, `camera-missing`, `camera-busy`. */
export async function openVideo(wish: CameraWish): Promise<MediaStream> {
  const { facing, deviceId, width, height, fps, microphone } = wish;
  const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: facing };
  const size = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
  try {
    const video = { ...which, ...size };
    return await navigator.mediaDevices.getUserMedia({ video, audio: microphone });
  } catch (thrown) {
    throw cameraError(thrown);
  }
}

function cameraError(thrown: unknown): HelioError {
  const name = thrown instanceof DOMException ? thrown.name : "";
  switch (name) {
    case "NotAllowedError":
      return new HelioError(
        "camera-denied",
        "this page may not use the camera",
        "Allow the camera for this site beside the address, then try again.",
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return new HelioError(
        "camera-missing",
        "this device has no such camera",
        "Choose another camera, or connect one.",
      );
    case "NotReadableError":
      return new HelioError(
        "camera-busy",
        "another program uses the camera",
        "Close the other program, then try again.",
      );
    default:
      return new HelioError(
        "camera-failed",
        String(thrown),
        "Try again, or choose another camera.",
      );
  }
}
