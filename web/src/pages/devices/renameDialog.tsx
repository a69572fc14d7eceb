// Asks for a new name.
import { useState } from "preact/hooks";
import { isDeviceName, NAME_LIMIT } from "../../sdk";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";

interface RenameProps {
  title: string;
  name: string;
  hint: string;
  /** Resolves to whether it worked. */
  onSave: (name: string) => Promise<boolean>;
  onClose: () => void;
}

/** One field, Save and Cancel. */
export function RenameDialog(props: RenameProps) {
  const [name, setName] = useState(props.name);
  const [busy, setBusy] = useState(false);
  const isGood = isDeviceName(name.trim());
  const save = () => {
    setBusy(true);
    void props.onSave(name.trim()).finally(props.onClose);
  };
  return (
    <Dialog title={props.title} onClose={props.onClose} testid="rename-dialog">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood && !busy) save();
        }}
      >
        <TextField
          label="Name"
          value={name}
          onInput={setName}
          hint={props.hint}
          {...(!isGood && name !== "" && { fault: `Use 1 to ${NAME_LIMIT} characters.` })}
          testid="rename-input"
        />
        <div class="dialog-actions">
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy} disabled={!isGood} testid="rename-save">
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
