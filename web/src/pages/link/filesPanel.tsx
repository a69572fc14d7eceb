// Files: choose or drop them, what became of each, and what the peer offers.
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { ReceivedFile, SentFile } from "../../sdk";
import { Button } from "../../ui/button";
import { byteSize } from "../../ui/format";
import { Empty, FailureNotice, Notice } from "../../ui/notice";
import {
  acceptFile,
  cancelFile,
  filesFailure,
  filesView,
  removeFile,
  saveFile,
  sendFiles,
} from "./files";
import { isOpen, peerName } from "./model";
import "./files.css";

/** Why a file is over, in words (docs/protocol.md, Files). */
const REASONS: Record<string, string> = {
  refused: "Refused",
  cancelled: "Cancelled",
  "too-many": "Too many files at once: send it again",
  "bad-order": "The two devices misunderstood each other: send it again",
  "hash-differs": "It arrived damaged: send it again",
  "disk-full": "No space left there: free some, then send it again and it goes on",
  "write-failed": "It could not be stored there: send it again and it goes on",
  "read-failed": "It could not be read any more: choose it again",
  changed: "It changed while it was sent: choose it again",
};

function reason(code: string | null): string {
  return REASONS[code ?? ""] ?? `Failed (${code ?? "unknown"})`;
}

/** The chooser above, the files below. */
export function FilesPanel() {
  const view = filesView.value;
  if (view === null) {
    return (
      <Empty icon="file" title="No files on this link" testid="no-files-here">
        <p>
          Both devices need a current version and a pair whose words were compared. Open the
          settings on both and save the device's name once, so that each tells what it can do.
        </p>
      </Empty>
    );
  }
  const isEmpty = view.sent.length === 0 && view.received.length === 0;
  return (
    <div class="files">
      <Chooser />
      {filesFailure.value && <FailureNotice failure={filesFailure.value} testid="files-failure" />}
      {isOpen.value && !view.isOpen && (
        <Notice tone="info" title="Waiting for the other side">
          <p>Files go as soon as both pages have opened their channel.</p>
        </Notice>
      )}
      {isEmpty && (
        <Empty icon="file" title="No files yet" testid="no-files">
          <p>
            They go straight to {peerName.value}, and go on where they were after a broken link.
          </p>
        </Empty>
      )}
      <ol class="files-list" aria-label="Files">
        {view.received.map((file) => (
          <Received key={file.key} file={file} />
        ))}
        {view.sent.map((file) => (
          <Sent key={file.id} file={file} />
        ))}
      </ol>
    </div>
  );
}

function Chooser() {
  const field = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  return (
    <div
      class="files-drop"
      data-over={isOver}
      data-testid="files-drop"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void sendFiles(event.dataTransfer?.files ?? []);
      }}
    >
      <input
        ref={field}
        class="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-hidden="true"
        data-testid="files-input"
        onChange={(event) => {
          void sendFiles(event.currentTarget.files ?? []);
          // Choosing the same file again is a wish, too.
          event.currentTarget.value = "";
        }}
      />
      <Button
        look="primary"
        icon="file"
        wide
        testid="files-choose"
        onClick={() => field.current?.click()}
      >
        Send files
      </Button>
      <p class="files-hint">or drop them here</p>
    </div>
  );
}

interface RowProps {
  name: string;
  size: number;
  done: number;
  words: string;
  isMoving: boolean;
  state: string;
  from: "self" | "peer";
  children: ComponentChildren;
}

function Row({ name, size, done, words, isMoving, state, from, children }: RowProps) {
  return (
    <li class="file" data-testid="file" data-state={state} data-from={from}>
      <p class="file-name">{name}</p>
      <p class="file-line figure" role="status">
        {words} · {isMoving && done < size ? `${byteSize(done)} of ` : ""}
        {byteSize(size)}
      </p>
      {isMoving && (
        <progress class="file-progress" max={Math.max(1, size)} value={done} aria-label={name} />
      )}
      <div class="file-actions">{children}</div>
    </li>
  );
}

const SENT_WORDS: Record<SentFile["state"], string> = {
  waiting: "Waits for the link",
  offered: "Waits to be accepted",
  sending: "Sending",
  sent: "Delivered",
  failed: "",
};

function Sent({ file }: { file: SentFile }) {
  const { id, name, size, state, stored, code } = file;
  const isOver = state === "sent" || state === "failed";
  return (
    <Row
      name={name}
      size={size}
      done={stored}
      words={state === "failed" ? reason(code) : SENT_WORDS[state]}
      isMoving={state === "sending"}
      state={state}
      from="self"
    >
      <Button small look="quiet" testid="file-cancel" onClick={() => cancelFile(id)}>
        {isOver ? "Remove" : "Cancel"}
      </Button>
    </Row>
  );
}

function Received({ file }: { file: ReceivedFile }) {
  const { key, name, size, state, taken, code } = file;
  const words: Record<ReceivedFile["state"], string> = {
    offered: `${peerName.value} offers it`,
    receiving: "Receiving",
    paused: `Waits for ${peerName.value} to send on`,
    received: "Received",
    failed: reason(code),
  };
  return (
    <Row
      name={name}
      size={size}
      done={taken}
      words={words[state]}
      isMoving={state === "receiving" || state === "paused"}
      state={state}
      from="peer"
    >
      {state === "offered" && (
        <Button small look="primary" testid="file-accept" onClick={() => acceptFile(key)}>
          Accept
        </Button>
      )}
      {state === "received" && (
        <Button small icon="download" testid="file-save" onClick={() => void saveFile(key, name)}>
          Save
        </Button>
      )}
      <Button small look="quiet" testid="file-remove" onClick={() => removeFile(key)}>
        {state === "offered" ? "Refuse" : state === "receiving" ? "Cancel" : "Remove"}
      </Button>
    </Row>
  );
}
