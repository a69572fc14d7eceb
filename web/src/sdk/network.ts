// Hears when the device changes its network: the path and the sockets of before may be dead.

/** `navigator.connection` (Network Information API), where the browser has it. */
interface Connection extends Pick<EventTarget, "addEventListener" | "removeEventListener"> {
  /** `wifi`, `cellular`, …; absent on most desktops. */
  type?: string;
}

type Page = Pick<EventTarget, "addEventListener" | "removeEventListener">;

/**
 * Calls back after the device came online or went to a network of another type; returns how to
 * stop. Estimates of its speed, which the same event tells of, are no change.
 */
export function onNetworkChange(listener: () => void): () => void {
  const connection = (globalThis.navigator as { connection?: Connection } | undefined)?.connection;
  const page = globalThis as Partial<Page>;
  let type = connection?.type;
  const changed = (): void => {
    const before = type;
    type = connection?.type;
    if (type !== before && type !== "none") listener();
  };
  page.addEventListener?.("online", listener);
  connection?.addEventListener("change", changed);
  return () => {
    page.removeEventListener?.("online", listener);
    connection?.removeEventListener("change", changed);
  };
}
