// The conversations of this browser: choose one, delete one, delete all.
import { useState } from "preact/hooks";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { ago } from "../../ui/format";
import { keepFailure, remove, removeAll, show, talk, talks, type Talk } from "./conversations";

interface HistoryListProps {
  /** A conversation, or another one, was chosen. */
  onChosen?: () => void;
}

/** The newest first. */
export function HistoryList({ onChosen = () => undefined }: HistoryListProps) {
  const [isAsking, setAsking] = useState(false);
  const choose = (id: string | null): void => {
    show(id);
    onChosen();
  };
  return (
    <div class="chat-history">
      <Button icon="plus" wide onClick={() => choose(null)} testid="chat-list-new">
        New chat
      </Button>
      {talks.value.length === 0 ? (
        <p class="faint">Chats stand here, on this device only.</p>
      ) : (
        <ul class="chat-talks" data-testid="chat-talks">
          {talks.value.map((each) => (
            <TalkRow key={each.id} each={each} onChoose={() => choose(each.id)} />
          ))}
        </ul>
      )}
      {keepFailure.value && <p class="field-error">{keepFailure.value.cause}</p>}
      {talks.value.length > 1 && (
        <Button look="quiet" small icon="trash" testid="delete-all" onClick={() => setAsking(true)}>
          Delete all chats
        </Button>
      )}
      {isAsking && (
        <Confirm
          title="Delete all chats?"
          act="Delete all"
          onClose={() => setAsking(false)}
          onConfirm={() => void removeAll().finally(() => setAsking(false))}
        >
          <p>They are kept on this device only, so nothing brings them back.</p>
        </Confirm>
      )}
    </div>
  );
}

function TalkRow({ each, onChoose }: { each: Talk; onChoose: () => void }) {
  const isShown = talk.value?.id === each.id;
  return (
    <li class="chat-talk" data-testid="chat-talk">
      <button
        type="button"
        class="chat-talk-open"
        aria-current={isShown ? "true" : undefined}
        onClick={onChoose}
      >
        <span class="clip">{each.title}</span>
        <span class="faint">{ago(each.updated, Date.now())}</span>
      </button>
      <Button
        look="quiet"
        icon="trash"
        label={`Delete “${each.title}”`}
        testid="delete-talk"
        onClick={() => void remove(each.id)}
      />
    </li>
  );
}
