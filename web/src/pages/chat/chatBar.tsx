// The bar of the chat page: who answers, how the link goes, other chats, another one.
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { tell } from "../link/phase";
import { show, talk } from "./conversations";
import { choose, device, deviceName, devices, linkState, nameOf } from "./model";

/** Device and state, always visible. */
export function ChatBar({ onList }: { onList: () => void }) {
  return (
    <header class="link-bar chat-bar">
      <a class="button button-quiet button-icon" href="/" aria-label="Back to your devices">
        <Icon name="back" />
      </a>
      <div class="grow">
        <h1 class="visually-hidden">Chat</h1>
        <DevicePicker />
        <StateLine />
      </div>
      <span class="chat-bar-list">
        <Button look="quiet" icon="clock" label="Chats" testid="chat-list" onClick={onList} />
      </span>
      <Button
        look="quiet"
        icon="plus"
        label="New chat"
        testid="chat-new"
        disabled={talk.value === null}
        onClick={() => show(null)}
      />
    </header>
  );
}

/** A name where there is one device only. */
function DevicePicker() {
  if (devices.value.length < 2) {
    return (
      <p class="link-peer clip" data-testid="chat-device">
        {deviceName.value}
      </p>
    );
  }
  return (
    <select
      class="chat-device clip"
      aria-label="The device that answers"
      data-testid="chat-device"
      value={device.value?.pairId}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      {devices.value.map((pair) => (
        <option key={pair.pairId} value={pair.pairId}>
          {nameOf(pair)}
        </option>
      ))}
    </select>
  );
}

function StateLine() {
  const state = linkState.value;
  if (state === null) return null;
  return (
    <p class="link-line">
      <span class="link-state" role="status" data-testid="link-state" data-state={state.phase}>
        <span class="link-dot" aria-hidden="true" />
        {tell(state, deviceName.value).short}
      </span>
    </p>
  );
}
