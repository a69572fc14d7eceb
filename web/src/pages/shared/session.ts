// What every page starts from: this browser's memory, its identity and the server it came from.
import { Api, Identity, Store } from "../../sdk";

/** This browser on this server; `identity` is null before setup or pairing. */
export interface Session {
  store: Store;
  identity: Identity | null;
  api: Api;
}

/** A session whose device exists. */
export interface DeviceSession extends Session {
  identity: Identity;
}

/** Opens the browser's memory. @throws HelioError `storage`. */
export async function openSession(): Promise<Session> {
  const store = await Store.open();
  const identity = await Identity.load(store);
  return { store, identity, api: apiFor(identity) };
}

/** The API of this page's server, as `identity` or as nobody. */
export function apiFor(identity: Identity | null): Api {
  return new Api({ origin: location.origin, ...(identity && { identity }) });
}

/** Whether the session has a device. */
export function hasDevice(session: Session): session is DeviceSession {
  return session.identity !== null;
}
