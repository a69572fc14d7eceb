// File names of strangers, made fit for a disk; the native side keeps the same rules.

const LIMIT_BYTES = 255;
const ENDING_LIMIT = 32;
/** Control characters, and those that are invisible or change the direction of what follows. */
const UNWANTED =
  /[\p{Cc}\p{Cs}\u{ad}\u{61c}\u{180e}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e007f}]/gu;
/** Names that open a device on Windows, with whatever ending. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)/iu;

const encoder = new TextEncoder();

function cut(text: string, limit: number): string {
  let kept = "";
  let bytes = 0;
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > limit) break;
    kept += character;
  }
  return kept.trimEnd();
}

/** The name as one harmless component of a path, never empty, at most 255 bytes. */
export function sanitiseFileName(name: string): string {
  const last = name.split(/[/\\]/).findLast((part) => part.trim() !== "") ?? "";
  const plain = last.replaceAll(UNWANTED, "").replaceAll(/[<>:"|?*]/g, "_");
  const trimmed = plain.replace(/^[.\s]+/u, "").replace(/[.\s]+$/u, "") || "file";
  const named = DEVICE.test(trimmed) ? `_${trimmed}` : trimmed;
  if (encoder.encode(named).length <= LIMIT_BYTES) return named;
  const dot = named.lastIndexOf(".");
  const ending = dot > 0 ? named.slice(dot) : "";
  const endingBytes = encoder.encode(ending).length;
  if (endingBytes > ENDING_LIMIT) return cut(named, LIMIT_BYTES);
  return cut(named.slice(0, named.length - ending.length), LIMIT_BYTES - endingBytes) + ending;
}
