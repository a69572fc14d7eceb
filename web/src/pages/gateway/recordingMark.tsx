// The red mark of a stream that is recorded, for everybody who is part of it.
import { useEffect, useState } from "preact/hooks";
import { Recordings } from "../../sdk";
import type { Access } from "./access";

/** How often it is asked for while the page is visible. */
const REFRESH_MS = 5000;

/** Whether the stream is recorded at this moment. */
export function useRecording({ stream, action, bearer }: Access): boolean {
  const [isRecording, setRecording] = useState(false);
  useEffect(() => {
    const client = new Recordings({ origin: location.origin, stream, bearer });
    const ask = async () => {
      if (document.visibilityState !== "visible") return;
      // Who may not ask, or cannot, sees no mark: the page says why elsewhere.
      const state = await client.state(action).catch(() => "off");
      setRecording(state === "recording");
    };
    void ask();
    const timer = setInterval(() => void ask(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [stream, action, bearer]);
  return isRecording;
}

/** The mark. */
export function RecordingMark() {
  return (
    <span class="recording-mark" role="status" data-testid="recording-mark">
      <span class="recording-dot" aria-hidden="true" />
      Recorded
    </span>
  );
}
