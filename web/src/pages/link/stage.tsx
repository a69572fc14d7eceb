// The stage: the peer's video or stills, our own preview in a corner, and what to say when there is neither.
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { preview } from "../live/live";
import { preferences } from "../shared/preferences";
import { currentLink, linkState, pageState, peerMedia, peerName, stats } from "./model";
import { noteFrameLatency } from "./frameLatency";
import { tab } from "./panels";
import { tell } from "./phase";
import { StageControls } from "./stageControls";
import { StageFigures } from "./stageFigures";
import { peerCanvas } from "./stills";

/** What the stage shows of the peer. */
type Showing = "nothing" | "live" | "stills";

/** The stage. */
export function Stage() {
  const stage = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const showing = useComputed(whatToShow).value;
  useRemoteVideo(video);
  useEffect(() => (video.current ? noteFrameLatency(video.current) : undefined), []);
  return (
    <section class="stage" ref={stage} aria-label="Pictures" data-showing={showing}>
      <video
        ref={video}
        class="stage-picture"
        playsInline
        autoPlay
        muted
        hidden={showing !== "live"}
        data-testid="video-remote"
      />
      <PeerCanvas hidden={showing !== "stills"} />
      {showing === "nothing" && <StageMessage />}
      {showing !== "nothing" && <BrokenBanner />}
      {showing === "live" && <StageFigures now={stats.value} />}
      <SelfView />
      {showing !== "nothing" && (
        <StageControls
          stage={stage}
          video={video}
          {...(showing === "stills" && { canvas: peerCanvas })}
          hasSound={peerMedia.value.some(
            (media) => media.kind === "audio" && media.mode === "live",
          )}
          name={peerName.value}
        />
      )}
    </section>
  );
}

/** Stills win only when the person looks at their tab or there is no live video. */
function whatToShow(): Showing {
  const video = peerMedia.value.filter((media) => media.kind === "video");
  const isLive = video.some((media) => media.mode === "live");
  const isStills = video.some((media) => media.mode === "stills");
  if (isStills && (!isLive || tab.value === "stills")) return "stills";
  return isLive ? "live" : "nothing";
}

function useRemoteVideo(video: { current: HTMLVideoElement | null }): void {
  const tracks = peerMedia.value
    .filter((media) => media.mode === "live")
    .map((media) => media.track);
  const ids = tracks.map((track) => track.id).join();
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = tracks.length > 0 ? new MediaStream(tracks) : null;
    // Refused only without muted autoplay: the picture then waits for the first tap.
    if (tracks.length > 0) element.play().catch(() => undefined);
  }, [ids]);
}

function PeerCanvas({ hidden }: { hidden: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    peerCanvas.className = "stage-picture";
    peerCanvas.dataset.testid = "still-canvas";
    peerCanvas.setAttribute("role", "img");
    peerCanvas.setAttribute("aria-label", "The newest still");
    host.current?.append(peerCanvas);
  }, []);
  return <div class="stage-canvas" ref={host} hidden={hidden} />;
}

function StageMessage() {
  const page = pageState.value;
  const state = linkState.value;
  if (page.at !== "linked" || !state) return null;
  const name = page.pair.peer.name;
  const told = tell(state, name);
  if (state.phase === "open") {
    return (
      <div class="stage-message" data-testid="stage-empty">
        <Icon name="video" large />
        <p>No picture yet. When {name} starts its camera or sends stills, they show here.</p>
      </div>
    );
  }
  return (
    <div class="stage-message">
      {told.isWaiting ? (
        <span class="stage-beacon" aria-hidden="true" />
      ) : (
        <Icon name="info" large />
      )}
      <p>{told.long}</p>
      {state.endedBy === "replaced" && (
        <Button look="flash" testid="take-over" onClick={() => currentLink()?.takeOver()}>
          Use it here
        </Button>
      )}
      {state.endedBy === "closed" && (
        <Button icon="retry" onClick={() => location.reload()}>
          Open it again
        </Button>
      )}
    </div>
  );
}

/** Over a picture that stands still because the path broke. */
function BrokenBanner() {
  const page = pageState.value;
  const state = linkState.value;
  if (page.at !== "linked" || !state || state.phase === "open") return null;
  const told = tell(state, page.pair.peer.name);
  return (
    <p class="stage-banner">
      {told.isWaiting && <span class="spinner" aria-hidden="true" />}
      {told.short}
    </p>
  );
}

function SelfView() {
  const video = useRef<HTMLVideoElement>(null);
  const stream = preview.value;
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  if (!stream) return null;
  const mirrored = preferences.value.mirror ? " stage-self-mirrored" : "";
  return (
    <video
      ref={video}
      class={`stage-self${mirrored}`}
      playsInline
      autoPlay
      muted
      aria-label="Your own camera"
      data-testid="video-self"
    />
  );
}
