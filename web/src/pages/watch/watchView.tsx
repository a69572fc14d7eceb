// A stream on the screen: the stage, or what it waits for, and the figures beside it.
import { useEffect, useRef } from "preact/hooks";
import { Button, LinkButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { FailureNotice } from "../../ui/notice";
import { Toast } from "../../ui/toast";
import { StatsView } from "../figures/statsView";
import type { Access } from "../gateway/access";
import { qualities } from "../gateway/layerWords";
import { useRecording } from "../gateway/recordingMark";
import { StreamBar } from "../gateway/streamBar";
import { StageControls } from "../link/stageControls";
import { StageFigures } from "../link/stageFigures";
import { keepAwake } from "../live/live";
import {
  chooseQuality,
  hasPicture,
  isQuiet,
  layers,
  notePicture,
  refusal,
  samples,
  state,
  stream,
  told,
  watchAgain,
} from "./model";
import "../link/link.css";
import "../link/stage.css";
import "../link/panels.css";

/** Everything a viewer sees. */
export function WatchView({ access }: { access: Access }) {
  useEffect(() => keepAwake(() => state.value.phase === "open" && !isQuiet.value), []);
  const isRecording = useRecording(access);
  return (
    <div class="link" data-testid="watch">
      <StreamBar
        stream={access.stream}
        who={access.who}
        told={told.value}
        phase={state.value.phase}
        isRecording={isRecording}
      />
      <Stage name={access.stream} />
      <aside class="side" data-tab="video">
        <div class="panel">
          {refusal.value && (
            <FailureNotice failure={refusal.value} testid="stream-refusal">
              <Button small icon="retry" onClick={watchAgain}>
                Try again
              </Button>
              {access.who === "other" && (
                <LinkButton small href="/streams">
                  Streams
                </LinkButton>
              )}
            </FailureNotice>
          )}
          {isRecording && <GoBack stream={access.stream} />}
          {access.who === "device" && <OwnerActs stream={access.stream} />}
          {!refusal.value && <StatsView samples={samples.value} path={null} peer="Server" />}
        </div>
      </aside>
      <Toast />
    </div>
  );
}

/** To what was shown before: the recording grows while one looks back. */
function GoBack({ stream: name }: { stream: string }) {
  // A guest's page has its code after the `#`.
  const code = location.pathname === "/s/" ? location.hash : "";
  return (
    <LinkButton href={`/${name}/recordings${code}`} icon="clock" testid="go-back">
      Go back in time
    </LinkButton>
  );
}

function OwnerActs({ stream: name }: { stream: string }) {
  return (
    <div class="row row-fill">
      <LinkButton href={`/${name}/publish`} icon="video" testid="go-publish">
        Publish
      </LinkButton>
      <LinkButton href={`/streams#${name}`} icon="share" testid="go-share">
        Share
      </LinkButton>
    </div>
  );
}

function Stage({ name }: { name: string }) {
  const stage = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const source = stream.value;
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = source;
    // Refused only without muted autoplay: the picture then waits for the first tap.
    if (source) element.play().catch(() => undefined);
  }, [source]);
  const phase = state.value.phase;
  // A path that broke leaves the last picture standing.
  const isStanding = phase === "restarting";
  const isShown = hasPicture.value && !isQuiet.value && (phase === "open" || isStanding);
  return (
    <section class="stage" ref={stage} aria-label="Picture">
      <video
        ref={video}
        class="stage-picture"
        playsInline
        autoPlay
        muted
        hidden={!isShown}
        data-testid="video-remote"
        onLoadedData={() => notePicture(true)}
        onEmptied={() => notePicture(false)}
      />
      {isShown ? (
        <>
          <StageFigures now={samples.value.at(-1) ?? null} />
          <StageControls stage={stage} video={video} hasSound={hasSound()} name={name}>
            <QualityMenu />
          </StageControls>
          {isStanding && <Banner />}
        </>
      ) : (
        <StageMessage />
      )}
    </section>
  );
}

/** One of the picture's sizes, where there are several. */
function QualityMenu() {
  const offered = qualities(layers.value);
  if (offered.length === 0) return null;
  return (
    <select
      class="stage-select"
      aria-label="Quality"
      title="Quality"
      value={layers.value.pinned ?? ""}
      data-testid="quality"
      data-layer={layers.value.current ?? ""}
      onChange={(event) => void chooseQuality(event.currentTarget.value)}
    >
      {offered.map(({ value, label, isOffered }) => (
        <option key={value} value={value} disabled={!isOffered}>
          {label}
        </option>
      ))}
    </select>
  );
}

/** Sound is offered when some has come: a publisher may have a silent section. */
function hasSound(): boolean {
  const inbound = samples.value.at(-1)?.inbound ?? [];
  return inbound.some((each) => each.kind === "audio" && each.packets > 0);
}

/** Over a picture that stands still because the path broke. */
function Banner() {
  return (
    <p class="stage-banner">
      <span class="spinner" aria-hidden="true" />
      {told.value.short}
    </p>
  );
}

function StageMessage() {
  const isOver = state.value.phase === "refused" || state.value.phase === "closed";
  return (
    <div class="stage-message" data-testid="stage-empty">
      {isOver ? <Icon name="info" large /> : <span class="stage-beacon" aria-hidden="true" />}
      <p>{told.value.long}</p>
    </div>
  );
}
