// This device's own settings: its record, and forgetting it.
import { signal } from "@preact/signals";
import type { DeviceKind, DeviceRecord, ServerInfo } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { toast } from "../../ui/toast";
import { failureOf } from "../shared/failure";
import { openSession, type Session } from "../shared/session";

/** Where the page is; `record` is null on a browser that is no device. */
export type SettingsState =
  | { at: "loading" }
  | { at: "failed"; failure: Failure }
  | { at: "ready"; record: DeviceRecord | null };

export const settingsState = signal<SettingsState>({ at: "loading" });
export const server = signal<ServerInfo | null>(null);
export const actFailure = signal<Failure | null>(null);
export const isBusy = signal(false);

let session: Session | null = null;

/** Reads what this browser keeps; the server's version may come later or never. */
export async function load(): Promise<void> {
  try {
    session = await openSession();
    settingsState.value = { at: "ready", record: session.identity?.record ?? null };
    server.value = await session.api.server().catch(() => null);
  } catch (thrown) {
    settingsState.value = { at: "failed", failure: failureOf("Loading the settings", thrown) };
  }
}

/** Signs the record anew and publishes it. */
export async function rename(name: string, kind: DeviceKind): Promise<void> {
  const identity = session?.identity;
  if (!session || !identity) return;
  isBusy.value = true;
  actFailure.value = null;
  try {
    const record = await identity.change({ name, kind });
    settingsState.value = { at: "ready", record };
    await session.api.putRecord(record);
    toast("Saved");
  } catch (thrown) {
    actFailure.value = failureOf("Saving", thrown);
  } finally {
    isBusy.value = false;
  }
}

/** Revokes this device on the server when it can be reached, then deletes its keys and pairs here. */
export async function forget(): Promise<void> {
  isBusy.value = true;
  const identity = session?.identity;
  if (session && identity) await session.api.revokeDevice(identity.deviceId).catch(() => undefined);
  session?.store.close();
  localStorage.clear();
  await deleteDatabases();
  location.assign("/");
}

/** The browser's whole memory of this site; another tab that holds it open delays the deletion. */
async function deleteDatabases(): Promise<void> {
  const names = (await indexedDB.databases?.())?.map(({ name }) => name) ?? ["heliograph"];
  await Promise.all(
    names.map(
      (name) => new Promise<void>((resolve) => deleteDatabase(name ?? "heliograph", resolve)),
    ),
  );
}

function deleteDatabase(name: string, done: () => void): void {
  const request = indexedDB.deleteDatabase(name);
  request.onsuccess = done;
  request.onerror = done;
  request.onblocked = done;
}
