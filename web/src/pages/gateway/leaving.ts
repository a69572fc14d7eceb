// A page that goes away ends its session: else the server would learn of it half a minute later.
import type { WhepSession, WhipSession } from "../../sdk";

/** Ends the session with the page; one that comes back from the browser's cache begins anew. */
export function leaveWithPage(session: WhepSession | WhipSession): void {
  let wasRunning = false;
  addEventListener("pagehide", () => {
    wasRunning = !["idle", "refused", "closed"].includes(session.state.phase);
    if (wasRunning) session.close();
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && wasRunning) session.start();
  });
}
