// Hears when the device changes its network: the path and the sockets of before may be dead.

type Target = Pick<EventTarget, "addEventListener" | "removeEventListener">;

/** Calls back after the device came online or changed its connection; returns how to stop. */
export function onNetworkChange(listener: () => void): () => void {
  const connection = (globalThis.navigator as { connection?: Target } | undefined)?.connection;
  const page = globalThis as Partial<Target>;
  page.addEventListener?.("online", listener);
  connection?.addEventListener("change", listener);
  return () => {
    page.removeEventListener?.("online", listener);
    connection?.removeEventListener("change", listener);
  };
}
