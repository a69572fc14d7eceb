// The sender page (`/sender.html?room=…`): sends this device's camera to everybody in a room.
import { useEffect, useRef } from "preact/hooks";
import type { Facing, LivePreset } from "../../sdk";
import { Button } from "../../ui/button";
import { CopyLink } from "../../ui/copyLink";
import { Choices, Switch } from "../../ui/field";
import { Icon } from "../../ui/icon";
import { mount } from "../../ui/mount";
import { FailureNotice } from "../../ui/notice";
import { Toast } from "../../ui/toast";
import { StatsView } from "../figures/statsView";
import { preferences, prefer } from "../shared/preferences";
import { DialectBar } from "./dialectBar";
import { failure, peers, phase, room, samples } from "./model";
import {
  cameraFailure,
  cameraState,
  changeSending,
  startSending,
  stopSending,
  stream,
} from "./senderModel";
import "../link/link.css";
import "../link/stage.css";
import "../link/panels.css";

function Sender() {
  return (
    <div class="link">
      <DialectBar title="Sender" />
      <Stage />
      <aside class="side" data-tab="video">
        <div class="panel">
          <SendButton />
          {cameraFailure.value && (
            <FailureNotice failure={cameraFailure.value} testid="live-failure" />
          )}
          {failure.value && <FailureNotice failure={failure.value} testid="room-failure" />}
          <Receivers />
          <CameraSettings />
          {samples.value.length > 0 && (
            <StatsView samples={samples.value} path={null} peer="Receiver" />
          )}
        </div>
      </aside>
      <Toast />
    </div>
  );
}

function Stage() {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream.value;
  }, [stream.value]);
  return (
    <section class="stage" aria-label="Your camera">
      <video
        ref={video}
        class={preferences.value.mirror ? "stage-picture stage-self-mirrored" : "stage-picture"}
        playsInline
        autoPlay
        muted
        hidden={stream.value === null}
        data-testid="video-self"
      />
      {stream.value === null && (
        <div class="stage-message">
          <Icon name="video" large />
          <p>Your camera shows here once you start it. Receivers of this room see the same.</p>
        </div>
      )}
    </section>
  );
}

function SendButton() {
  if (cameraState.value === "on") {
    return (
      <Button wide icon="stop" onClick={stopSending} testid="stop-live">
        Stop sending
      </Button>
    );
  }
  const isStarting = cameraState.value === "starting";
  return (
    <Button
      look="flash"
      wide
      icon="video"
      busy={isStarting}
      onClick={() => void startSending()}
      testid="start-live"
    >
      {isStarting ? "Opening the camera" : "Start sending"}
    </Button>
  );
}

function Receivers() {
  if (cameraState.value !== "on") return null;
  const connected = peers.value.filter((peer) => peer.state === "connected").length;
  return (
    <section class="stack stack-tight">
      <p data-testid="receiver-count" data-count={connected} role="status">
        {connected === 0 && phase.value === "registered"
          ? "Nobody watches yet. Open this on the other device:"
          : `${connected} ${connected === 1 ? "device watches" : "devices watch"}.`}
      </p>
      {connected === 0 && (
        <CopyLink
          url={`${location.origin}/receiver.html?room=${encodeURIComponent(room)}`}
          title="Watch my camera"
          testid="receiver-link"
        />
      )}
    </section>
  );
}

function CameraSettings() {
  const { preset, facing, microphone, mirror } = preferences.value;
  return (
    <>
      <Choices<LivePreset>
        label="Quality"
        name="preset"
        value={preset}
        options={[
          { value: "low", label: "Low", detail: "480p · 15" },
          { value: "medium", label: "Medium", detail: "720p · 24" },
          { value: "high", label: "High", detail: "720p · 30" },
          { value: "hd", label: "HD", detail: "1080p · 30" },
        ]}
        onChange={(value) => void changeSending({ preset: value })}
        testid="preset"
      />
      <Choices<Facing>
        label="Camera"
        name="facing"
        value={facing}
        options={[
          { value: "environment", label: "Back" },
          { value: "user", label: "Front" },
        ]}
        onChange={(value) => void changeSending({ facing: value })}
        testid="facing"
      />
      <div class="switches">
        <Switch
          checked={microphone}
          onChange={(on) => void changeSending({ microphone: on })}
          testid="microphone"
        >
          Microphone
        </Switch>
        <Switch checked={mirror} onChange={(on) => prefer({ mirror: on })} testid="mirror">
          Mirror my preview
        </Switch>
      </div>
    </>
  );
}

mount(<Sender />);
