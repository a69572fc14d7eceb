// The joiner's side of a pairing: name this device when it is new, then follow the link.
import { signal } from "@preact/signals";
import {
  asHelioError,
  Identity,
  Joiner,
  parsePairingLink,
  unsupportedReason,
  type DeviceKind,
  type JoinerState,
} from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { apiFor, openSession, type Session } from "../shared/session";

/** Where the page is: before the machine runs, then the machine's own state. */
export type JoinState =
  | { at: "checking" }
  | { at: "naming"; failure: Failure | null }
  | { at: "known"; name: string }
  | { at: "blocked"; failure: Failure }
  | { at: "running"; joiner: JoinerState };

export const joinState = signal<JoinState>({ at: "checking" });

let session: Session | null = null;
let joiner: Joiner | null = null;

/** Reads the link and this browser; nothing is sent yet. */
export async function check(link: string): Promise<void> {
  joinState.value = { at: "checking" };
  try {
    const { expiry } = parsePairingLink(link);
    const reason = await unsupportedReason();
    if (reason) throw reason;
    if (expiry * 1000 < Date.now()) {
      joinState.value = { at: "blocked", failure: EXPIRED };
      return;
    }
    session = await openSession();
    const name = session.identity?.record.name;
    joinState.value = name === undefined ? { at: "naming", failure: null } : { at: "known", name };
  } catch (thrown) {
    joinState.value = { at: "blocked", failure: failureOf("Joining", thrown) };
  }
}

const EXPIRED: Failure = {
  title: "This invitation has run out",
  cause: "A pairing link lives for two minutes, and this one is older by this device's clock.",
  next: "Ask for a new code on the other device. If it is fresh, set this device's clock to automatic.",
  code: "invite-expired",
};

/** Makes the identity of a new device, then joins. */
export async function join(link: string, name?: string, kind?: DeviceKind): Promise<void> {
  if (!session) return;
  try {
    if (name !== undefined && kind !== undefined) {
      session.identity = await Identity.loadOrCreate(session.store, { name, kind });
    }
    const { identity, store } = session;
    if (!identity) return;
    const made = new Joiner({ api: apiFor(identity), identity, store, link });
    joiner = made;
    made.on("state", (state) => {
      joinState.value = { at: "running", joiner: state };
    });
    joinState.value = { at: "running", joiner: made.state };
    await made.start();
  } catch (thrown) {
    const failure = failureOf("Joining", thrown);
    const canRename = asHelioError(thrown).code === "bad-name";
    joinState.value = canRename ? { at: "naming", failure } : { at: "blocked", failure };
  }
}

/** Leaves the pairing. */
export function cancel(): void {
  joiner?.cancel();
}
