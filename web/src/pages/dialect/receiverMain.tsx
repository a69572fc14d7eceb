// The receiver page (`/receiver.html?room=…`): watches the sender of a room.
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { mount } from "../../ui/mount";
import { FailureNotice } from "../../ui/notice";
import { Toast } from "../../ui/toast";
import { StatsView } from "../figures/statsView";
import { StageControls } from "../link/stageControls";
import { StageFigures } from "../link/stageFigures";
import { DialectBar } from "./dialectBar";
import { connectedPeer, enter, failure, peers, phase, room, samples } from "./model";
import "../link/link.css";
import "../link/stage.css";
import "../link/panels.css";

function Receiver() {
  return (
    <div class="link">
      <DialectBar title="Receiver" />
      <Stage />
      <aside class="side" data-tab="video">
        <div class="panel">
          {failure.value && (
            <FailureNotice failure={failure.value} testid="room-failure">
              <Button small icon="retry" onClick={() => enter("receiver")}>
                Try again
              </Button>
            </FailureNotice>
          )}
          <StatsView samples={samples.value} path={null} peer="Sender" />
        </div>
      </aside>
      <Toast />
    </div>
  );
}

function Stage() {
  const stage = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const stream = peers.value.find((peer) => peer.stream !== null)?.stream ?? null;
  useEffect(() => {
    if (!video.current) return;
    video.current.srcObject = stream;
    // Refused only without muted autoplay: the picture then waits for the first tap.
    if (stream) video.current.play().catch(() => undefined);
  }, [stream]);
  const isShown = stream !== null && connectedPeer.value !== undefined;
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
      />
      {isShown ? (
        <>
          <StageFigures now={samples.value.at(-1) ?? null} />
          <StageControls
            stage={stage}
            video={video}
            hasSound={(stream?.getAudioTracks().length ?? 0) > 0}
            name={`Room ${room}`}
          />
        </>
      ) : (
        <StageMessage />
      )}
    </section>
  );
}

function StageMessage() {
  if (phase.value === "refused") {
    return (
      <div class="stage-message">
        <Icon name="warn" large />
        <p>The server did not let this page into the room.</p>
      </div>
    );
  }
  return (
    <div class="stage-message" data-testid="stage-empty">
      <span class="stage-beacon" aria-hidden="true" />
      <p>
        {phase.value === "registered"
          ? "Nobody sends in this room yet. The picture appears by itself."
          : "Entering the room."}
      </p>
    </div>
  );
}

mount(<Receiver />);
enter("receiver");
