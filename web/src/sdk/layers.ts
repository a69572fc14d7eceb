// The layers of a simulcast (RFC 8853): one picture, encoded at several sizes at once, of which a
// gateway passes one on to each viewer.

/** A picture whose longer side has fewer pixels than this is sent at its own size alone. */
export const LAYERED_FROM_PIXELS = 960;

/** The names of the layers, the smallest first, as browsers want them. */
export type LayerId = "q" | "h" | "f";

interface Layer {
  rid: LayerId;
  /** Of each side of the picture. */
  dividedBy: number;
  /** Of the whole picture's ceiling. */
  share: number;
  leastBps: number;
}

/** A quarter of the sides is a sixteenth of the pixels, of which each then needs more bits. */
const LAYERS: readonly Layer[] = [
  { rid: "q", dividedBy: 4, share: 0.08, leastBps: 100_000 },
  { rid: "h", dividedBy: 2, share: 0.3, leastBps: 250_000 },
  { rid: "f", dividedBy: 1, share: 1, leastBps: 0 },
];

/** Whether a picture of this size is worth several. */
export function isLayered({ width = 0, height = 0 }: MediaTrackSettings): boolean {
  return Math.max(width, height) >= LAYERED_FROM_PIXELS;
}

/** Said of all of a picture's encodings by the first; Chromium refuses them on any other. */
const PER_PICTURE = ["priority", "networkPriority"] as const;

/** The layers of a picture that is sent with this encoding at its full size. */
export function layersOf(encoding: RTCRtpEncodingParameters): RTCRtpEncodingParameters[] {
  const ceilingBps = encoding.maxBitrate ?? 0;
  const layers = LAYERS.map(({ rid, dividedBy, share, leastBps }) => ({
    ...encoding,
    rid,
    scaleResolutionDownBy: dividedBy,
    maxBitrate: Math.round(Math.max(leastBps, ceilingBps * share)),
  }));
  for (const layer of layers.slice(1)) for (const name of PER_PICTURE) delete layer[name];
  return layers;
}

/** What encodings may take together, in bits a second. */
export function totalBps(encodings: readonly RTCRtpEncodingParameters[]): number {
  return encodings.reduce((sum, { maxBitrate = 0 }) => sum + maxBitrate, 0);
}
