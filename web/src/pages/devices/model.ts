// The home page's state: this device's pairs, the account's devices, and what is done to them.
import { computed, signal } from "@preact/signals";
import {
  asHelioError,
  listPairs,
  type AuditEntry,
  type DeviceInfo,
  type Invite,
  type PairView,
} from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { hasDevice, openSession, type DeviceSession } from "../shared/session";

/** How often presence is asked for while the page is visible. */
const REFRESH_MS = 10_000;

/** Where the page is. */
export type HomeState =
  | { at: "loading" }
  | { at: "newcomer"; serverIsSetUp: boolean | null }
  | { at: "failed"; failure: Failure; isLost: boolean }
  | { at: "ready" };

export const homeState = signal<HomeState>({ at: "loading" });
export const pairs = signal<PairView[]>([]);
export const devices = signal<DeviceInfo[]>([]);
export const audit = signal<AuditEntry[] | null>(null);
/** The last refresh failed: what is shown may be old. */
export const staleFailure = signal<Failure | null>(null);
/** An act (rename, revoke, invite) failed. */
export const actFailure = signal<Failure | null>(null);

/** The entry of this device, once known. */
export const self = computed(() => devices.value.find((device) => device.self));
export const isAdmin = computed(() => self.value?.role === "admin");

let session: DeviceSession | null = null;

/** Loads everything, then keeps presence fresh. */
export async function load(): Promise<void> {
  homeState.value = { at: "loading" };
  try {
    const opened = await openSession();
    if (!hasDevice(opened)) {
      homeState.value = { at: "newcomer", serverIsSetUp: null };
      const info = await opened.api.server().catch(() => null);
      homeState.value = { at: "newcomer", serverIsSetUp: info?.setUp ?? null };
      return;
    }
    session = opened;
    await refresh();
    homeState.value = { at: "ready" };
  } catch (thrown) {
    const failure = failureOf("Loading your devices", thrown);
    homeState.value = { at: "failed", failure, isLost: isLost(thrown) };
  }
}

/** Whether the server does not know this device: it was revoked, or the server starts afresh. */
function isLost(thrown: unknown): boolean {
  return ["revoked", "unknown-device", "unauthorized"].includes(asHelioError(thrown).code);
}

async function refresh(): Promise<void> {
  if (!session) return;
  const { api, store, identity } = session;
  const [newPairs, newDevices] = await Promise.all([
    listPairs(api, store, identity.deviceId),
    api.devices(),
  ]);
  pairs.value = newPairs;
  devices.value = newDevices;
}

/** Refreshes presence while visible; returns how to stop. */
export function keepFresh(): () => void {
  const again = () => {
    if (document.visibilityState !== "visible" || homeState.value.at !== "ready") return;
    refresh().then(
      () => (staleFailure.value = null),
      (thrown: unknown) => (staleFailure.value = failureOf("Refreshing", thrown)),
    );
  };
  const timer = setInterval(again, REFRESH_MS);
  document.addEventListener("visibilitychange", again);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", again);
  };
}

/** Runs an act, refreshes, and reports its failure; true when it worked. */
async function act(
  name: string,
  run: (session: DeviceSession) => Promise<unknown>,
): Promise<boolean> {
  if (!session) return false;
  actFailure.value = null;
  try {
    await run(session);
    await refresh();
    return true;
  } catch (thrown) {
    actFailure.value = failureOf(name, thrown);
    return false;
  }
}

/** Gives a pair this account's own name. */
export const renamePair = (pairId: string, label: string) =>
  act("Renaming", ({ api }) => api.labelPair(pairId, label));

/** Gives a device this account's own name. */
export const renameDevice = (deviceId: string, label: string) =>
  act("Renaming", ({ api }) => api.labelDevice(deviceId, label));

/** Ends a pair on the server and forgets its keys here. */
export const revokePair = (pairId: string) =>
  act("Revoking", async ({ api, store }) => {
    await api.revokePair(pairId);
    await store.deletePair(pairId);
  });

/** Revokes a device and all its pairs. */
export const revokeDevice = (deviceId: string) =>
  act("Revoking", ({ api }) => api.revokeDevice(deviceId));

/** Makes a link by which somebody else gets an account. */
export async function inviteAccount(): Promise<Invite | null> {
  let invite: Invite | null = null;
  await act("Inviting", async ({ api }) => {
    invite = await api.invite();
  });
  return invite;
}

/** Loads the audit list; admins only. */
export const loadAudit = () =>
  act("Loading the audit list", async ({ api }) => {
    audit.value = await api.audit();
  });
