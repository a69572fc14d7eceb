// What the layers of a picture are called: by their rank, since their names are the publisher's.
import type { Layers, StreamLayer } from "../../sdk/viewer_layers";

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

/** One line of the menu of sizes; an empty value stands for the best that arrives. */
export interface Quality {
  value: string;
  label: string;
  isOffered: boolean;
}

/** The menu of sizes; empty where there is nothing to choose. */
export function qualities({ all, current, pinned }: Layers): Quality[] {
  if (all.length < 2) return [];
  const size = ({ width, height }: StreamLayer): string => layerSize(width, height);
  const joined = (...words: string[]): string => words.filter((word) => word !== "").join(" · ");
  const sent = all.find(({ id }) => id === current);
  const named = all.map((layer, rank) => ({
    value: layer.id,
    label: joined(layerName(rank, all.length), layer.isActive ? size(layer) : "not sent now"),
    isOffered: layer.isActive || layer.id === pinned,
  }));
  const automatic = pinned === null && sent !== undefined ? size(sent) : "";
  return [{ value: "", label: joined("Auto", automatic), isOffered: true }, ...named];
}
