// What of a gateway's counter-offer (draft-ietf-wish-whep, 406) this browser takes.
import { HelioError } from "./errors";

export interface Sections {
  /** Kinds of the sections that were taken: `audio`, `video`. */
  accepted: string[];
  /** Codecs of those that were not. */
  refused: string[];
}

/** Compares an answer with its offer, section by section (RFC 3264 §6: port 0 rejects one). */
export function sectionsOf(answerSdp: string, offerSdp: string): Sections {
  const offered = offerSdp.split(/^m=/m).slice(1);
  const sections: Sections = { accepted: [], refused: [] };
  answerSdp
    .split(/^m=/m)
    .slice(1)
    .forEach((section, at) => {
      const [kind = "", port] = section.split(" ");
      if (port !== "0") sections.accepted.push(kind);
      else sections.refused.push(codecOf(offered[at] ?? ""));
    });
  return sections;
}

function codecOf(section: string): string {
  return /^a=rtpmap:\d+ ([^/]+)/m.exec(section)?.[1] ?? "an unknown codec";
}

/** Nothing of a stream can be played here. */
export function unplayable(codecs: string[]): HelioError {
  const what = `this browser cannot play ${codecs.join(" and ")}, in which the stream comes`;
  return new HelioError("codec-unplayable", what, "Open the page in another browser.");
}
