// Streams of this account and their share links (docs/streams.md).
import type { Api, Token } from "./api";
import type { RecordingState } from "./recordings";

/** What a token or a share link lets its holder do; neither includes the other. */
export type StreamAction = "publish" | "view";

export interface StreamInfo {
  name: string;
  /** Whether anybody may watch. */
  isPublic: boolean;
  /** Whether it is to be recorded, and what comes of that. */
  isRecorded: boolean;
  recording: RecordingState;
  /** Unix milliseconds. */
  createdAt: number;
}

/** What is said of a stream; what is left out stays as it is. */
export interface StreamChange {
  isPublic?: boolean;
  isRecorded?: boolean;
}

export interface ShareInfo {
  id: string;
  action: StreamAction;
  label: string;
  /** Unix milliseconds. */
  expiresAt: number;
}

/** A share with its link, which is told once. */
export interface NewShare extends ShareInfo {
  code: string;
  url: string;
}

/** What a share code opens. */
export interface OpenedShare {
  stream: string;
  action: StreamAction;
  expiresAt: number;
  iceServers: RTCIceServer[];
}

/** A stream as the gateway sees it (`GET /v3/paths/list`). */
export interface LivePath {
  name: string;
  ready: boolean;
  tracks: string[];
  bytesReceived: number;
  bytesSent: number;
  readers: unknown[];
}

/** The longest name. */
export const STREAM_NAME_LIMIT = 64;

/** Whether a name has the form of a stream's; the server refuses some besides (its own pages). */
export function isStreamName(name: string): boolean {
  return name.length <= STREAM_NAME_LIMIT && /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name);
}

/** The streams of an account. Every method throws `ApiError`. */
export class Streams {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async list(): Promise<StreamInfo[]> {
    return (await this.#api.account<{ streams: StreamInfo[] }>("/api/streams")).streams;
  }

  /** Creates or changes a stream. */
  async put(name: string, change: StreamChange): Promise<void> {
    await this.#api.account(`/api/streams/${name}`, { method: "PUT", body: change });
  }

  /** Forgets a stream and its shares. */
  async remove(name: string): Promise<void> {
    await this.#api.account(`/api/streams/${name}`, { method: "DELETE" });
  }

  /** Deletes the recorded segments that begin in a time, in Unix milliseconds; how many. */
  async deleteRecordings(name: string, from: number, to: number): Promise<number> {
    const path = `/api/streams/${name}/recordings?from=${from}&to=${to}`;
    return (await this.#api.account<{ deleted: number }>(path, { method: "DELETE" })).deleted;
  }

  /** A token for one stream, cached. */
  async token(name: string, action: StreamAction): Promise<Token> {
    return this.#api.scopedToken(`${action}:${name}`);
  }

  async shares(name: string): Promise<ShareInfo[]> {
    return (await this.#api.account<{ shares: ShareInfo[] }>(`/api/streams/${name}/shares`)).shares;
  }

  /** Makes a link; `expiresIn` is in seconds. */
  async share(
    name: string,
    wish: { action: StreamAction; expiresIn: number; label: string },
  ): Promise<NewShare> {
    return this.#api.account(`/api/streams/${name}/shares`, { method: "POST", body: wish });
  }

  /** Revokes a link at once. */
  async revokeShare(name: string, id: string): Promise<void> {
    await this.#api.account(`/api/streams/${name}/shares/${id}`, { method: "DELETE" });
  }

  /** What a share code opens; needs no account. */
  async open(code: string): Promise<OpenedShare> {
    return this.#api.request("/api/share", { token: code });
  }

  /** The streams that the gateway carries now, by name. */
  async live(): Promise<Map<string, LivePath>> {
    const { items } = await this.#api.account<{ items: LivePath[] }>("/v3/paths/list");
    return new Map(items.map((path) => [path.name, path]));
  }
}
