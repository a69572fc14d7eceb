// Pairing two devices: what views see of it. The machines are in inviter.ts and joiner.ts.
import type { Api } from "./api";
import type { HelioError } from "./errors";
import type { Identity } from "./identity";
import type { DeviceRecord } from "./record";
import type { Store, StoredPair } from "./store";
import type { Words } from "./words";

/**
 * Where the inviter is: `connecting` to the server · `waiting` shows the code · `joining` a device
 * opened the link · `choosing` the person picks the words the other screen shows ·
 * `confirming` · `paired` · `failed`. A failed attempt (`retrying`) goes back to `waiting` until
 * the third.
 */
export type InviterState =
  | { step: "connecting" }
  | { step: "waiting"; url: string; expiresMs: number; retrying: HelioError | null }
  | { step: "joining"; url: string; expiresMs: number }
  | { step: "choosing"; peer: DeviceRecord; sets: Words[] }
  | { step: "confirming"; peer: DeviceRecord }
  | { step: "paired"; pair: StoredPair }
  | { step: "failed"; error: HelioError };

/**
 * Where the joiner is: `connecting` · `waiting` for the inviter · `showing` the words the inviter
 * picks · `confirming` both signed, the server stores · `paired` · `failed`.
 */
export type JoinerState =
  | { step: "connecting" }
  | { step: "waiting" }
  | { step: "showing"; peer: DeviceRecord; words: Words }
  | { step: "confirming"; peer: DeviceRecord }
  | { step: "paired"; pair: StoredPair }
  | { step: "failed"; error: HelioError };

/** What both sides of a pairing need. */
export interface PairingOptions {
  api: Api;
  identity: Identity;
  store: Store;
}

/** Shows a link, checks who comes, and lets the person choose the right words. */
declare class InviterShape {
  constructor(options: PairingOptions);
  readonly state: InviterState;
  /** Called on each change of state; returns how to stop. */
  on(event: "state", listener: (state: InviterState) => void): () => void;
  start(): Promise<void>;
  /** The person's choice of `sets`; a wrong one burns the invite. */
  choose(index: number): Promise<void>;
  /** Burns the invite. */
  cancel(): void;
}

/** Follows a link. */
declare class JoinerShape {
  constructor(options: PairingOptions & { link: string });
  readonly state: JoinerState;
  on(event: "state", listener: (state: JoinerState) => void): () => void;
  start(): Promise<void>;
  cancel(): void;
}

export type Inviter = InviterShape;
export const Inviter = class {
  constructor() {
    throw new Error("Inviter is under construction");
  }
} as unknown as typeof InviterShape;

export type Joiner = JoinerShape;
export const Joiner = class {
  constructor() {
    throw new Error("Joiner is under construction");
  }
} as unknown as typeof JoinerShape;
