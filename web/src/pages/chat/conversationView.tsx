// The conversation: what was said, what is being said, and what stands in the way of it.
import type { Signal } from "@preact/signals";
import type { ModelTurn, OwnTurn } from "../../sdk";
import { Button } from "../../ui/button";
import { Empty, FailureNotice } from "../../ui/notice";
import { sentence } from "../shared/failure";
import { askAgain, isOver, talk } from "./conversations";
import { CopyButton } from "./copyButton";
import { Markdown } from "./markdown";
import { device, deviceName, devices, isOpen, model, nameOf } from "./model";
import { Obstacle } from "./obstacle";

/** The newest turn stays in sight by itself. */
export function ConversationView() {
  const items = talk.value?.items ?? [];
  return (
    <div
      class="talk-list chat-list"
      role="log"
      aria-label="Conversation"
      data-testid="conversation"
    >
      <div class="chat-column">
        {items.length === 0 ? <Welcome /> : null}
        <ol class="chat-turns">
          {items.map((item, at) =>
            "own" in item ? (
              <Own key={item.key} turn={item.own} />
            ) : (
              <Said key={item.key} turn={item.said} isLast={at === items.length - 1} />
            ),
          )}
        </ol>
        <Obstacle />
      </div>
    </div>
  );
}

function Welcome() {
  return (
    <Empty icon="text" title={`Ask ${deviceName.value}`} testid="chat-empty">
      <p>
        The model runs there. Questions and answers go from device to device, encrypted; this
        browser keeps them until you delete them.
      </p>
    </Empty>
  );
}

function Own({ turn: { text } }: { turn: OwnTurn }) {
  return (
    <li class="message chat-own" data-from="self" data-testid="turn-own">
      <p class="message-text">{text}</p>
    </li>
  );
}

/** Reads a signal, so that a piece of it redraws no other turn. */
function Said({ turn, isLast }: { turn: Signal<ModelTurn>; isLast: boolean }) {
  const { text, state, model: name } = turn.value;
  const isRunning = !isOver(turn.value);
  return (
    <li class="chat-said" data-testid="turn-model" data-state={state} aria-busy={isRunning}>
      <Markdown text={text} />
      {isRunning && <Running turn={turn.value} />}
      {state === "failed" && <Failed turn={turn.value} isLast={isLast} />}
      {!isRunning && (
        <p class="chat-said-foot">
          <span class="clip">
            {name}
            {state === "stopped" && " · stopped"}
          </span>
          {text !== "" && <CopyButton text={text} label="Copy the answer" testid="copy-answer" />}
          {isLast && state === "stopped" && <AskAgain />}
        </p>
      )}
    </li>
  );
}

function Running({ turn: { pairId, text } }: { turn: ModelTurn }) {
  const from = devices.value.find((pair) => pair.pairId === pairId);
  const isHeard = isOpen.value && from === device.value;
  const now = text === "" ? "Thinking" : "Answering";
  return (
    <p class="chat-running" data-testid="running">
      <span class="chat-pulse" aria-hidden="true" />
      {isHeard ? now : `Goes on when ${from ? nameOf(from) : "its device"} is reached`}
    </p>
  );
}

function AskAgain() {
  return (
    <Button small icon="retry" testid="ask-again" onClick={() => askAgain(model.value)}>
      Ask again
    </Button>
  );
}

function Failed({ turn: { failure, text }, isLast }: { turn: ModelTurn; isLast: boolean }) {
  const { code = "", message = "", nextStep = "" } = failure ?? {};
  const title = text === "" ? "No answer" : "The answer broke off";
  return (
    <FailureNotice
      testid="turn-failure"
      failure={{ title, cause: sentence(message), next: nextStep, code }}
    >
      {isLast && <AskAgain />}
    </FailureNotice>
  );
}
