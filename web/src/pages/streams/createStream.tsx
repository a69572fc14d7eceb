// Asks for the name of a new stream.
import { useState } from "preact/hooks";
import { isStreamName, STREAM_NAME_LIMIT } from "../../sdk";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Switch, TextField } from "../../ui/field";
import { FailureNotice } from "../../ui/notice";
import { actFailure, put } from "./model";

/** Name, who may watch, Create. */
export function CreateStream({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [isPublic, setPublic] = useState(false);
  const [busy, setBusy] = useState(false);
  const isGood = isStreamName(name);
  const create = async () => {
    setBusy(true);
    if (await put(name, { isPublic })) onClose();
    else setBusy(false);
  };
  return (
    <Dialog title="New stream" onClose={onClose} testid="create-dialog">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood && !busy) void create();
        }}
      >
        <TextField
          label="Name"
          value={name}
          onInput={(value) => setName(value.trim())}
          maxLength={STREAM_NAME_LIMIT}
          hint={`It is part of the address: ${location.host}/${name === "" ? "cam0" : name}/`}
          {...(!isGood && name !== "" && { fault: FAULT })}
          testid="stream-name-input"
        />
        <Switch checked={isPublic} onChange={setPublic} testid="create-public">
          Anybody may watch
        </Switch>
        {actFailure.value && <FailureNotice failure={actFailure.value} testid="create-failure" />}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy} disabled={!isGood} testid="create-save">
            Create
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const FAULT = "Use letters, digits, - and _, with a letter or a digit first.";
