// Redeeming a setup or account link: this device gets keys and an account.
import { signal } from "@preact/signals";
import { asHelioError, Identity, unsupportedReason, type DeviceKind } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { apiFor, openSession, type Session } from "../shared/session";

/** Where the page is. */
export type SetupState =
  | { at: "checking" }
  | { at: "blocked"; failure: Failure; canRetry: boolean }
  | { at: "form"; knownName: string | null; failure: Failure | null }
  | { at: "working"; step: number }
  | { at: "done"; name: string; isAdmin: boolean };

/** What `working` goes through. */
export const SETUP_STEPS = [
  "Making this device's keys",
  "Creating the account",
  "Finishing",
] as const;

/** Faults of the link itself: trying the same link again cannot help. */
const LINK_FAULTS = new Set(["invite-unknown", "invite-used", "invite-expired", "invite-burnt"]);

const NO_SECRET: Failure = {
  title: "This page needs its link",
  cause: "A setup link carries a secret after the # sign, and this address has none.",
  next: "Run helio setup on the server: it prints a fresh link. Open the whole of it here.",
};

/** The setup page's state. */
export const setupState = signal<SetupState>({ at: "checking" });

let session: Session | null = null;

/** Looks whether this browser and this link can work at all. */
export async function check(secret: string): Promise<void> {
  setupState.value = { at: "checking" };
  try {
    const reason = await unsupportedReason();
    if (reason) throw reason;
    session = await openSession();
    if (secret === "") {
      setupState.value = { at: "blocked", failure: NO_SECRET, canRetry: false };
      return;
    }
    const knownName = session.identity?.record.name ?? null;
    setupState.value = { at: "form", knownName, failure: null };
  } catch (thrown) {
    setupState.value = { at: "blocked", failure: failureOf("Setting up", thrown), canRetry: true };
  }
}

/** Makes the identity when there is none, and redeems the link. */
export async function submit(secret: string, name: string, kind: DeviceKind): Promise<void> {
  if (!session) return;
  setupState.value = { at: "working", step: 0 };
  try {
    const identity = await Identity.loadOrCreate(session.store, { name, kind });
    if (identity.record.name !== name || identity.record.kind !== kind) {
      await identity.change({ name, kind });
    }
    session.identity = identity;
    setupState.value = { at: "working", step: 1 };
    const reply = await apiFor(identity).setup(secret);
    history.replaceState(null, "", location.pathname);
    setupState.value = { at: "done", name, isAdmin: reply.role === "admin" };
  } catch (thrown) {
    showFailure(thrown);
  }
}

function showFailure(thrown: unknown): void {
  const failure = failureOf("Setting up", thrown);
  if (LINK_FAULTS.has(asHelioError(thrown).code)) {
    failure.title = "This setup link no longer works";
    failure.next =
      "Run helio setup on the server for a fresh link, or ask the admin who invited you for a new one.";
    setupState.value = { at: "blocked", failure, canRetry: false };
    return;
  }
  const knownName = session?.identity?.record.name ?? null;
  setupState.value = { at: "form", knownName, failure };
}
