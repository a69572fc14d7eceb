// The files of this link as signals that views read.
import { computed, signal } from "@preact/signals";
import type { Files, FilesView } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { onLink } from "./model";

/** Null where the two devices exchange no files. */
export const filesView = signal<FilesView | null>(null);
/** Why the last choice of files was not taken. */
export const filesFailure = signal<Failure | null>(null);
/** Offers of the peer that wait for an answer. */
export const offers = computed(
  () => filesView.value?.received.filter(({ state }) => state === "offered").length ?? 0,
);

let files: Files | null = null;

onLink((link) => {
  files = link.files;
  filesView.value = files?.view ?? null;
  files?.on("change", (view) => {
    filesView.value = view;
  });
});

/** Queues what the person chose or dropped. */
export async function sendFiles(chosen: Iterable<File>): Promise<void> {
  filesFailure.value = null;
  // The list empties itself once the event is over.
  const all = Array.from(chosen);
  for (const file of all) {
    try {
      await files?.add(file);
    } catch (thrown) {
      filesFailure.value = failureOf("Sending a file", thrown);
    }
  }
}

/** Takes an own file back, or out of the list. */
export function cancelFile(id: number): void {
  files?.cancel(id);
}

/** Takes an offered file. */
export function acceptFile(key: string): void {
  void files?.accept(key);
}

/** Refuses an offer, stops a file, or removes one from this browser. */
export function removeFile(key: string): void {
  void files?.remove(key);
}

/** Hands a received file to the browser's downloads. */
export async function saveFile(key: string, name: string): Promise<void> {
  try {
    const contents = await files?.contents(key);
    if (!contents) return;
    const url = URL.createObjectURL(contents);
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.download = name;
    anchor.click();
    // The download has begun when the next minute is over.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (thrown) {
    filesFailure.value = failureOf("Saving a file", thrown);
  }
}
