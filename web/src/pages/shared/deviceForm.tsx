// Names this device and says what it is; used by setup, joining and settings.
import { useState } from "preact/hooks";
import { isDeviceName, NAME_LIMIT, type DeviceKind } from "../../sdk";
import { Button } from "../../ui/button";
import { Choices, TextField, type Option } from "../../ui/field";

/** The kinds a person may choose, in the order shown. */
export const KIND_OPTIONS: readonly Option<DeviceKind>[] = [
  { value: "phone", label: "Phone", icon: "phone" },
  { value: "tablet", label: "Tablet", icon: "tablet" },
  { value: "laptop", label: "Laptop", icon: "laptop" },
  { value: "desktop", label: "Desktop", icon: "desktop" },
  { value: "box", label: "Box", icon: "box" },
];

interface DeviceFormProps {
  name: string;
  kind: DeviceKind;
  submit: string;
  busy: boolean;
  onSubmit: (name: string, kind: DeviceKind) => void;
  testid: string;
}

/** Name, kind and one button. */
export function DeviceForm(props: DeviceFormProps) {
  const [name, setName] = useState(props.name);
  const [kind, setKind] = useState(props.kind);
  const trimmed = name.trim();
  const fault =
    trimmed === "" || isDeviceName(trimmed) ? undefined : `Use 1 to ${NAME_LIMIT} characters.`;
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (isDeviceName(trimmed) && !props.busy) props.onSubmit(trimmed, kind);
      }}
    >
      <TextField
        label="Name of this device"
        value={name}
        onInput={setName}
        hint="Your other devices see it. You can change it later."
        {...(fault && { fault })}
        testid={`${props.testid}-name`}
      />
      <Choices
        label="What is it?"
        name="kind"
        value={kind}
        options={KIND_OPTIONS}
        onChange={setKind}
        testid={`${props.testid}-kind`}
      />
      <Button
        type="submit"
        look="primary"
        wide
        busy={props.busy}
        disabled={!isDeviceName(trimmed)}
        testid={`${props.testid}-submit`}
      >
        {props.submit}
      </Button>
    </form>
  );
}
