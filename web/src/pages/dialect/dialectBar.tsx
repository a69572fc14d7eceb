// The bar of both pages: back, the room, the state, and that nobody is verified.
import { Icon } from "../../ui/icon";
import { connectedPeer, phase, room } from "./model";
import { phaseWord } from "./phaseWords";

/** Says "peer not verified" always: the dialect knows no keys. */
export function DialectBar({ title }: { title: string }) {
  const isConnected = connectedPeer.value !== undefined;
  const dot = isConnected
    ? "open"
    : phase.value === "idle" || phase.value === "refused"
      ? "ended"
      : "waiting";
  return (
    <header class="link-bar">
      <a class="button button-quiet button-icon" href="/" aria-label="Back to the start page">
        <Icon name="back" />
      </a>
      <div class="grow">
        <h1 class="link-peer clip">
          {title} · {room}
        </h1>
        <p class="link-line">
          <span
            class="link-state"
            role="status"
            data-testid="room-state"
            data-phase={phase.value}
            data-state={dot}
            data-connected={isConnected}
          >
            <span class="link-dot" aria-hidden="true" />
            {phaseWord(phase.value, isConnected)}
          </span>
          <span class="link-verified" data-testid="not-verified" data-verified="false">
            <Icon name="shieldOff" />
            <span>Peer not verified</span>
          </span>
        </p>
      </div>
    </header>
  );
}
