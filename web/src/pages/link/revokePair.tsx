// Asks before the pair is ended for good, on both devices.
import { useState } from "preact/hooks";
import { Confirm } from "../../ui/dialog";
import { revoke } from "./model";

/** The dialog; closes when the link has ended. */
export function RevokePair({ peer, onClose }: { peer: string; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  return (
    <Confirm
      title={`Revoke the pair with ${peer}?`}
      act="Revoke pair"
      busy={busy}
      onClose={onClose}
      onConfirm={() => {
        setBusy(true);
        void revoke().finally(onClose);
      }}
    >
      <p>
        The link closes at once, on both sides, and both forget its keys. To link again, pair the
        devices anew.
      </p>
    </Confirm>
  );
}
