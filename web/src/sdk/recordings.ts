// What is recorded of a stream (docs/recording.md): the list, and where players load it from.
import { requestJson } from "./json_request";

/** A time of which there is a recording without a gap, in Unix milliseconds. */
export interface RecordedSpan {
  from: number;
  to: number;
  bytes: number;
}

/** `off` not to be · `waiting` nothing is published · `recording` · why it is interrupted. */
export type RecordingState = "off" | "waiting" | "recording" | "disk-full" | "failed";

export interface RecordingList {
  state: RecordingState;
  spans: RecordedSpan[];
}

/** Where recordings are, and by what right. */
export interface RecordingsOptions {
  origin: string;
  stream: string;
  /** A stream token, a share's code, or null where the stream is public. */
  bearer: () => Promise<string | null>;
  fetch?: typeof fetch;
}

/** The recordings of one stream. Every method that asks throws `ApiError`. */
export class Recordings {
  readonly #options: RecordingsOptions;
  readonly #fetch: typeof fetch;

  constructor(options: RecordingsOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  /** All that is recorded, oldest first. */
  async list(): Promise<RecordingList> {
    return this.#ask(`/api/streams/${this.#options.stream}/recordings`);
  }

  /** The playlist of what is recorded from one time to another, or on and on. */
  playlist(from: number, to: number | null): string {
    const { origin, stream } = this.#options;
    const until = to === null ? "" : `&to=${to}`;
    return `${origin}/${stream}/hls/index.m3u8?from=${from}${until}`;
  }

  /** An address that loads a span as one film, for a minute: links carry no token. */
  async film(from: number, to: number): Promise<string> {
    const { origin, stream } = this.#options;
    const path = `/api/streams/${stream}/recordings/ticket`;
    const { ticket } = await this.#ask<{ ticket: string }>(path, "POST");
    return `${origin}/${stream}/recording.mp4?from=${from}&to=${to}&ticket=${ticket}`;
  }

  /** Whether it is recorded at this moment: also publishers may ask. */
  async state(action: "publish" | "view"): Promise<RecordingState> {
    const path = `/api/streams/${this.#options.stream}/access?action=${action}`;
    return (await this.#ask<{ recording: RecordingState }>(path)).recording;
  }

  /** What players put into the Authorization field of each request; null for none. */
  async authorization(): Promise<string | null> {
    const bearer = await this.#options.bearer();
    return bearer === null ? null : `Bearer ${bearer}`;
  }

  async #ask<Reply>(path: string, method = "GET"): Promise<Reply> {
    const { origin, bearer } = this.#options;
    const token = await bearer();
    const call = token === null ? { method } : { method, token };
    return requestJson(this.#fetch, origin, path, call);
  }
}
