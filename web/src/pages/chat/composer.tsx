// What is asked, of which model, and the way to stop the answer.
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../ui/button";
import { FailureNotice } from "../../ui/notice";
import { ask, askFailure, stop, talk, underWay } from "./conversations";
import { chooseModel, deviceName, model, models } from "./model";

/** On a screen keyboard the Enter key ends a line; there the button sends. */
const HAS_KEYBOARD = !matchMedia("(pointer: coarse)").matches;

/** The field, its button, and the model below it. */
export function Composer() {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const isAnswering = underWay.value !== null;
  const canSend = text.trim() !== "" && model.value !== "" && !isAnswering;
  useEffect(() => {
    if (HAS_KEYBOARD) field.current?.focus();
  }, [talk.value?.id]);
  const send = (): void => {
    if (canSend && ask(text, model.value)) setText("");
  };
  return (
    <form
      class="composer chat-composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {askFailure.value && <FailureNotice failure={askFailure.value} testid="ask-failure" />}
      <textarea
        ref={field}
        class="input composer-field"
        rows={1}
        value={text}
        placeholder="Ask something"
        aria-label={`Question to ${deviceName.value}`}
        data-testid="chat-input"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          const isSend = event.key === "Enter" && !event.shiftKey && !event.isComposing;
          if (!isSend || !HAS_KEYBOARD) return;
          event.preventDefault();
          send();
        }}
      />
      {isAnswering ? (
        <Button icon="stop" label="Stop" testid="chat-stop" onClick={stop} />
      ) : (
        <Button
          type="submit"
          look="primary"
          icon="send"
          label="Ask"
          disabled={!canSend}
          testid="chat-send"
        />
      )}
      <div class="chat-foot">
        <ModelPicker />
      </div>
    </form>
  );
}

function ModelPicker() {
  const list = models.value ?? (model.value === "" ? [] : [model.value]);
  if (list.length === 0) return null;
  return (
    <select
      class="chat-model"
      aria-label="Model"
      data-testid="chat-model"
      value={model.value}
      onChange={(event) => chooseModel(event.currentTarget.value)}
    >
      {list.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
