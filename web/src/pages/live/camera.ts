// The cameras of this device, for the person to choose from.
import { signal } from "@preact/signals";

/** Cameras by name; names are empty until the browser may use one. */
export const cameras = signal<readonly MediaDeviceInfo[]>([]);

/** Looks which cameras there are. */
export async function listCameras(): Promise<void> {
  const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []);
  cameras.value = (devices ?? []).filter((device) => device.kind === "videoinput");
}
