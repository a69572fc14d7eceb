// The bar of a stream's pages: back for those who have somewhere to go, the name, the state.
import { BrandMark } from "../../ui/brand";
import { Icon } from "../../ui/icon";
import type { Who } from "./access";
import { RecordingMark } from "./recordingMark";
import type { Told } from "./words";

interface StreamBarProps {
  stream: string;
  who: Who;
  told: Told;
  /** The session's phase, for tests and styles. */
  phase: string;
  /** The stream is recorded at this moment. */
  isRecording?: boolean;
}

/** Name and state, always visible. */
export function StreamBar({ stream, who, told, phase, isRecording = false }: StreamBarProps) {
  const isAtHome = who === "device" || who === "other";
  return (
    <header class="link-bar">
      <a
        class="button button-quiet button-icon"
        href={isAtHome ? "/streams" : "/"}
        aria-label={isAtHome ? "Back to your streams" : "Heliograph, home"}
      >
        {isAtHome ? <Icon name="back" /> : <BrandMark />}
      </a>
      <div class="grow">
        <h1 class="link-peer clip" title={stream} data-testid="stream-name">
          {stream}
        </h1>
        <p class="link-line">
          <span
            class="link-state"
            role="status"
            data-testid="stream-state"
            data-phase={phase}
            data-state={told.dot}
          >
            <span class="link-dot" aria-hidden="true" />
            {told.short}
          </span>
          {isRecording && <RecordingMark />}
          {who === "guest" && (
            <span class="link-verified">
              <Icon name="link" />
              <span>By a share link</span>
            </span>
          )}
        </p>
      </div>
    </header>
  );
}
