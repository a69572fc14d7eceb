// What the layers of a picture are called: by their rank, since their names are the publisher's.

const NAMES: Record<number, readonly string[]> = {
  1: ["High"],
  2: ["High", "Low"],
  3: ["High", "Medium", "Low"],
  4: ["High", "Medium", "Low", "Lowest"],
};

/** The name of the layer of this rank, 0 the highest, among so many. */
export function layerName(rank: number, among: number): string {
  return NAMES[among]?.[rank] ?? `Layer ${rank + 1}`;
}

/** `1280 × 720`, empty where it is not known. */
export function layerSize(width: number | null, height: number | null): string {
  return width === null || height === null ? "" : `${width} × ${height}`;
}
