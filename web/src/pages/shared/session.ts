// What every page starts from: this browser's memory, its identity and the server it came from.
import { Api, Identity, Revocations, Store } from "../../sdk";

/** This browser on this server; `identity` is null before setup or pairing. */
export interface Session {
  store: Store;
  identity: Identity | null;
  api: Api;
  revocations: Revocations;
}

/** A session whose device exists. */
export interface DeviceSession extends Session {
  identity: Identity;
}

/**
 * Opens the browser's memory, and tells the server what earlier pages could not tell it.
 * @throws HelioError `storage`.
 */
export async function openSession(): Promise<Session> {
  const store = await Store.open();
  const identity = await Identity.load(store);
  const api = apiFor(identity);
  const revocations = new Revocations(api, store);
  if (identity !== null) void revocations.settle();
  return { store, identity, api, revocations };
}

/** The API of this page's server, as `identity` or as nobody. */
export function apiFor(identity: Identity | null): Api {
  return new Api({ origin: location.origin, ...(identity && { identity }) });
}

/** Whether the session has a device. */
export function hasDevice(session: Session): session is DeviceSession {
  return session.identity !== null;
}
