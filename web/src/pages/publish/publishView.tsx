// Publishing: the preview, one button, what to send, and the figures of what goes out.
import { useEffect, useRef } from "preact/hooks";
import { canShareScreen, type VideoSource } from "../../sdk";
import { Button } from "../../ui/button";
import { CopyLink } from "../../ui/copyLink";
import { Choices } from "../../ui/field";
import { Icon } from "../../ui/icon";
import { FailureNotice } from "../../ui/notice";
import { Toast } from "../../ui/toast";
import { StatsView } from "../figures/statsView";
import type { Access } from "../gateway/access";
import { useRecording } from "../gateway/recordingMark";
import { StreamBar } from "../gateway/streamBar";
import { StageFigures } from "../link/stageFigures";
import { changeLive, keepAwake, liveFailure, liveSettings, liveState, preview } from "../live/live";
import { LiveSettingsForm } from "../live/liveSettings";
import { preferences } from "../shared/preferences";
import { LayersSent, LayersSwitch } from "./layersView";
import { publish, refusal, samples, state, stop, told } from "./model";
import "../link/link.css";
import "../link/stage.css";
import "../link/panels.css";

/** Everything a publisher sees. */
export function PublishView({ access }: { access: Access }) {
  useEffect(() => keepAwake(), []);
  const isRecording = useRecording(access);
  return (
    <div class="link" data-testid="publish">
      <StreamBar
        stream={access.stream}
        who={access.who}
        told={told.value}
        phase={state.value.phase}
        isRecording={isRecording}
      />
      <Stage />
      <aside class="side" data-tab="video">
        <div class="panel">
          <PublishButton />
          {refusal.value && <FailureNotice failure={refusal.value} testid="stream-refusal" />}
          {liveFailure.value && <FailureNotice failure={liveFailure.value} testid="live-failure" />}
          {state.value.phase === "open" && <Viewers access={access} />}
          <SourceChoice />
          <LiveSettingsForm />
          <LayersSwitch />
          <LayersSent now={samples.value.at(-1) ?? null} />
          {samples.value.length > 0 && liveState.value === "on" && (
            <StatsView samples={samples.value} path={null} peer="Server" />
          )}
        </div>
      </aside>
      <Toast />
    </div>
  );
}

function Stage() {
  const video = useRef<HTMLVideoElement>(null);
  const source = preview.value;
  useEffect(() => {
    if (video.current) video.current.srcObject = source;
  }, [source]);
  const isMirrored = preferences.value.mirror && liveSettings.value.source === "camera";
  const isWaiting = liveState.value === "on" && told.value.dot === "waiting";
  return (
    <section class="stage" aria-label="What you send">
      <video
        ref={video}
        class={isMirrored ? "stage-picture stage-self-mirrored" : "stage-picture"}
        playsInline
        autoPlay
        muted
        hidden={source === null}
        data-testid="video-self"
      />
      {source === null && (
        <div class="stage-message">
          <Icon name="video" large />
          <p>What you send shows here once you start it.</p>
        </div>
      )}
      {state.value.phase === "open" && <StageFigures now={samples.value.at(-1) ?? null} />}
      {isWaiting && (
        <p class="stage-banner" title={told.value.long}>
          <span class="spinner" aria-hidden="true" />
          {told.value.short}
        </p>
      )}
    </section>
  );
}

function PublishButton() {
  if (liveState.value === "on") {
    return (
      <>
        <Button wide icon="stop" onClick={stop} testid="stop-publishing">
          Stop publishing
        </Button>
        {told.value.dot === "waiting" && (
          <p class="faint" role="status" data-testid="publish-wait">
            {told.value.long}
          </p>
        )}
      </>
    );
  }
  const isStarting = liveState.value === "starting";
  const isScreen = liveSettings.value.source === "screen";
  return (
    <Button
      look="flash"
      wide
      icon="video"
      busy={isStarting}
      onClick={() => void publish()}
      testid="start-publishing"
    >
      {isStarting ? (isScreen ? "Choose a screen" : "Opening the camera") : "Start publishing"}
    </Button>
  );
}

function Viewers({ access }: { access: Access }) {
  // A guest who may send may not watch, and has no link to pass on.
  if (access.who !== "device") return null;
  return (
    <section class="stack stack-tight">
      <p class="small soft">Your devices watch it here. For others make a share link.</p>
      <CopyLink
        url={`${location.origin}/${access.stream}/`}
        title={access.stream}
        testid="watch-link"
      />
    </section>
  );
}

function SourceChoice() {
  if (!canShareScreen()) return null;
  return (
    <Choices<VideoSource>
      label="What to send"
      name="source"
      value={liveSettings.value.source}
      options={[
        { value: "camera", label: "Camera" },
        { value: "screen", label: "Screen" },
      ]}
      onChange={(source) => void changeLive({ source })}
      testid="source"
    />
  );
}
