// Text: the conversation, and what became of each message.
import { useRef, useState } from "preact/hooks";
import { Button } from "../../ui/button";
import { clock } from "../../ui/format";
import { Icon, type IconName } from "../../ui/icon";
import { Empty } from "../../ui/notice";
import { isOpen, peerName } from "./model";
import {
  resend,
  sendText,
  TEXT_LIMIT,
  textLength,
  texts,
  type Delivery,
  type TextItem,
} from "./texts";

/** The counter appears when this many characters are left. */
const COUNTER_FROM_LEFT = 200;

/** The conversation above, the composer below. */
export function TextPanel() {
  return (
    <div class="talk">
      <Conversation />
      <Composer />
    </div>
  );
}

function Conversation() {
  if (texts.value.length === 0) {
    return (
      <div class="talk-list">
        <Empty icon="text" title="Nothing said yet" testid="no-texts">
          <p>
            Messages go straight to {peerName.value} and are kept on neither side once the page
            closes.
          </p>
        </Empty>
      </div>
    );
  }
  return (
    <div class="talk-list" role="log" aria-label="Messages">
      <ol class="talk-items">
        {texts.value.map((item) => (
          <Message key={item.key} item={item} />
        ))}
      </ol>
    </div>
  );
}

const STATE_WORDS: Record<Delivery["state"], { word: string; icon: IconName | null }> = {
  sending: { word: "Sending", icon: "clock" },
  delivered: { word: "Delivered", icon: "check" },
  failed: { word: "Not delivered", icon: "warn" },
  received: { word: "", icon: null },
};

/** Reads a signal, so that it is drawn anew for another item or delivery only, not with its list. */
function Message({ item }: { item: TextItem }) {
  const { state, failure } = item.delivery.value;
  const { word, icon } = STATE_WORDS[state];
  return (
    <li
      class="message"
      data-testid="text-item"
      data-state={state}
      data-from={item.isOwn ? "self" : "peer"}
    >
      <p class="message-text">{item.text}</p>
      <p class="message-line figure">
        <time dateTime={new Date(item.at).toISOString()}>{clock(item.at)}</time>
        {icon && <Icon name={icon} />}
        <span>{word}</span>
        {state === "failed" && (
          <button
            type="button"
            class="message-again"
            data-testid="text-resend"
            onClick={() => void resend(item)}
          >
            Send again
          </button>
        )}
      </p>
      {failure && <p class="message-fault">{failure.cause}</p>}
    </li>
  );
}

function Composer() {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const left = TEXT_LIMIT - textLength(text);
  const canSend = isOpen.value && text.trim() !== "" && left >= 0;
  const send = () => {
    if (!canSend) return;
    void sendText(text);
    setText("");
    field.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        class="input composer-field"
        rows={1}
        value={text}
        placeholder={isOpen.value ? "Message" : "Possible once the link is open"}
        aria-label={`Message to ${peerName.value}`}
        aria-invalid={left < 0 ? "true" : undefined}
        data-testid="text-input"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <Button
        type="submit"
        look="primary"
        icon="send"
        label="Send"
        disabled={!canSend}
        testid="text-send"
      />
      {left <= COUNTER_FROM_LEFT && (
        <p
          class="composer-left figure"
          data-over={left < 0}
          role="status"
          data-testid="text-counter"
        >
          {left < 0 ? `${-left} characters too many` : `${left} characters left`}
        </p>
      )}
    </form>
  );
}
