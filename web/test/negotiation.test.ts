// Offers that meet: what the polite side does when its browser refuses the peer's over its own.
import { expect, test, vi } from "vitest";
import { Negotiation } from "../src/sdk/negotiation";

const REFUSED = new Error("RTP extension ID reassignment not supported");

/** A polite side whose browser refuses every offer. */
function refusing(signalingState: RTCSignalingState) {
  const onStuck = vi.fn();
  const pc = { signalingState, setRemoteDescription: () => Promise.reject(REFUSED) };
  const negotiation = new Negotiation({
    pc: pc as unknown as RTCPeerConnection,
    polite: true,
    isFirst: false,
    canSend: () => true,
    sendDescription: () => Promise.resolve(),
    sendCandidate: () => undefined,
    startBitrateKbps: () => null,
    beforeAnswer: () => undefined,
    onStuck,
    onError: () => undefined,
  });
  return { negotiation, onStuck };
}

test("an offer that is refused over one's own needs another connection, at once", async () => {
  const { negotiation, onStuck } = refusing("have-local-offer");
  await negotiation.acceptOffer("v=0");
  expect(onStuck).toHaveBeenCalledOnce();
});

test("an offer that is refused by itself is an error of its own", async () => {
  const { negotiation, onStuck } = refusing("stable");
  await expect(negotiation.acceptOffer("v=0")).rejects.toBe(REFUSED);
  expect(onStuck).not.toHaveBeenCalled();
});
