// Sending live video: one button to start, then camera, quality, microphone and light.
import { Button } from "../../ui/button";
import { FailureNotice } from "../../ui/notice";
import { liveFailure, liveState, startLive, stopLive } from "../live/live";
import { LiveSettingsForm } from "../live/liveSettings";
import { isOpen } from "./model";

/** Everything about the video that this device sends. */
export function VideoPanel() {
  return (
    <div class="stack">
      <SendButton />
      {liveFailure.value && <FailureNotice failure={liveFailure.value} testid="live-failure" />}
      <LiveSettingsForm />
    </div>
  );
}

function SendButton() {
  const state = liveState.value;
  if (state === "on") {
    return (
      <Button wide icon="stop" onClick={stopLive} testid="stop-live">
        Stop my camera
      </Button>
    );
  }
  return (
    <>
      <Button
        look="flash"
        wide
        icon="video"
        busy={state === "starting"}
        disabled={!isOpen.value && state === "off"}
        onClick={() => void startLive()}
        testid="start-live"
      >
        {state === "starting" ? "Opening the camera" : "Start my camera"}
      </Button>
      {!isOpen.value && <p class="faint">Possible as soon as the link is open.</p>}
    </>
  );
}
