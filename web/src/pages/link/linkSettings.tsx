// Settings of the link: which paths it may take, the codec, and ending it or the pair.
import { useState } from "preact/hooks";
import type { VideoCodec } from "../../sdk";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Choices, SelectField } from "../../ui/field";
import { prefer, preferences } from "../shared/preferences";
import { RelayForm } from "../shared/relayForm";
import { liveSettings } from "../live/live";
import { currentLink, reopen } from "./model";

interface LinkSettingsProps {
  onClose: () => void;
  /** The person wants to end the pair; asked again before it happens. */
  onRevoke: () => void;
}

/** A dialog; path settings apply when the link is opened anew, which its button does. */
export function LinkSettings({ onClose, onRevoke }: LinkSettingsProps) {
  const [policy, setPolicy] = useState(preferences.value.policy);
  const [relay, setRelay] = useState(preferences.value.relay);
  const isChanged = policy !== preferences.value.policy || relay !== preferences.value.relay;
  const apply = () => {
    prefer({ policy, relay });
    reopen();
  };
  return (
    <Dialog
      title="Settings of this link"
      onClose={onClose}
      testid="link-settings-dialog"
      actions={
        <>
          <Button onClick={onClose} testid="link-settings-close">
            {isChanged ? "Cancel" : "Close"}
          </Button>
          {isChanged && (
            <Button look="primary" onClick={apply} testid="link-settings-apply">
              Reconnect
            </Button>
          )}
        </>
      }
    >
      <Choices
        label="Paths it may take"
        name="policy"
        value={policy}
        options={[
          { value: "all", label: "Any", detail: "direct when possible" },
          { value: "relay", label: "Relay only", detail: "hides addresses" },
        ]}
        onChange={setPolicy}
        testid="policy"
      />
      <RelayForm relay={relay} onChange={setRelay} />
      <SelectField<VideoCodec>
        label="Video codec"
        value={preferences.value.codec}
        options={[
          { value: "H264", label: "H.264" },
          { value: "VP8", label: "VP8" },
        ]}
        onChange={(codec) => {
          prefer({ codec });
          liveSettings.value = { ...liveSettings.value, codec };
        }}
        hint="Used the next time the camera or stills start."
        testid="codec"
      />
      <hr class="rule" />
      <div class="row">
        <Button
          small
          icon="retry"
          testid="link-restart"
          onClick={() => (currentLink()?.restart(), onClose())}
        >
          Look for a new path
        </Button>
        <Button
          small
          icon="close"
          testid="link-close"
          onClick={() => (currentLink()?.close(), onClose())}
        >
          Close the link
        </Button>
        <Button small icon="trash" testid="link-revoke" onClick={onRevoke}>
          Revoke the pair
        </Button>
      </div>
    </Dialog>
  );
}
