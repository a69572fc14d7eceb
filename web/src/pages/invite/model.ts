// The inviter's side of a pairing, as the page draws it.
import { signal } from "@preact/signals";
import { Inviter, type InviterState } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { hasDevice, openSession } from "../shared/session";

/** Where the page is: before the machine runs, then the machine's own state. */
export type InviteState =
  | { at: "opening" }
  | { at: "newcomer" }
  | { at: "blocked"; failure: Failure }
  | { at: "running"; inviter: InviterState };

export const inviteState = signal<InviteState>({ at: "opening" });

let inviter: Inviter | null = null;

/** Makes a new invite. */
export async function begin(): Promise<void> {
  inviter?.cancel();
  inviteState.value = { at: "opening" };
  try {
    const session = await openSession();
    if (!hasDevice(session)) {
      inviteState.value = { at: "newcomer" };
      return;
    }
    const { api, identity, store } = session;
    const made = new Inviter({ api, identity, store });
    inviter = made;
    made.on("state", (state) => {
      if (inviter === made) inviteState.value = { at: "running", inviter: state };
    });
    inviteState.value = { at: "running", inviter: made.state };
    await made.start();
  } catch (thrown) {
    inviteState.value = { at: "blocked", failure: failureOf("Inviting", thrown) };
  }
}

/** The person's choice among the three sets. */
export function choose(index: number): void {
  void inviter?.choose(index);
}

/** Burns the invite; used when the person leaves. */
export function cancel(): void {
  inviter?.cancel();
}
