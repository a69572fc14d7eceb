// A first guess at what this device is called and what kind it is; the person corrects it.
import type { DeviceKind } from "../../sdk";

/** What a browser tells about its device. */
export interface BrowserHints {
  userAgent: string;
  maxTouchPoints: number;
}

/** A name and kind to start from. */
export interface DeviceGuess {
  name: string;
  kind: DeviceKind;
}

/** Guesses from the user agent; iPads call themselves Macs, but have touch points. */
export function guessDevice({ userAgent, maxTouchPoints }: BrowserHints): DeviceGuess {
  if (/iPhone/.test(userAgent)) return { name: "iPhone", kind: "phone" };
  if (/iPad/.test(userAgent)) return { name: "iPad", kind: "tablet" };
  if (/Macintosh/.test(userAgent)) {
    return maxTouchPoints > 1 ? { name: "iPad", kind: "tablet" } : { name: "Mac", kind: "laptop" };
  }
  if (/Android/.test(userAgent)) {
    return /Mobile/.test(userAgent)
      ? { name: "Android phone", kind: "phone" }
      : { name: "Android tablet", kind: "tablet" };
  }
  if (/Windows/.test(userAgent)) return { name: "Windows laptop", kind: "laptop" };
  if (/CrOS/.test(userAgent)) return { name: "Chromebook", kind: "laptop" };
  if (/Linux/.test(userAgent)) return { name: "Linux laptop", kind: "laptop" };
  return { name: "This device", kind: "laptop" };
}
