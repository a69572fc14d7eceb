// Which of several video sections the figures are about.
interface VideoLike {
  kind: "audio" | "video";
  bitrateBps: number;
}

/** The busiest video section: live video beside stills, or whichever of them runs. */
export function mainVideo<T extends VideoLike>(sections: readonly T[]): T | undefined {
  const videos = sections.filter((section) => section.kind === "video");
  return videos.toSorted((a, b) => b.bitrateBps - a.bitrateBps)[0];
}
