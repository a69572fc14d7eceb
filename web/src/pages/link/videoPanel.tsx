// Sending live video: one button to start, then camera, quality, microphone and light.
import { useEffect } from "preact/hooks";
import { PRESETS, type FramesPerSecond, type LivePreset } from "../../sdk";
import { Button } from "../../ui/button";
import { Choices, SelectField, Switch, type Option } from "../../ui/field";
import { bitRate } from "../../ui/format";
import { FailureNotice } from "../../ui/notice";
import { prefer, preferences } from "../shared/preferences";
import { cameras, listCameras } from "./camera";
import {
  changeLive,
  hasTorch,
  isTorchOn,
  liveFailure,
  liveSettings,
  liveState,
  presetOfSettings,
  startLive,
  stopLive,
  switchTorch,
} from "./live";
import { isOpen } from "./model";

const PRESET_OPTIONS: readonly Option<LivePreset>[] = [
  { value: "low", label: "Low", detail: "480p · 15" },
  { value: "medium", label: "Medium", detail: "720p · 24" },
  { value: "high", label: "High", detail: "720p · 30" },
  { value: "hd", label: "HD", detail: "1080p · 30" },
];

const SIZES = ["640x480", "1280x720", "1920x1080"] as const;
const RATES: readonly FramesPerSecond[] = [15, 24, 30];

/** Everything about the video that this device sends. */
export function VideoPanel() {
  useEffect(() => void listCameras(), []);
  return (
    <div class="stack">
      <SendButton />
      {liveFailure.value && <FailureNotice failure={liveFailure.value} testid="live-failure" />}
      <Choices
        label="Quality"
        name="preset"
        value={presetOfSettings.value ?? ("" as LivePreset)}
        options={PRESET_OPTIONS}
        onChange={(preset) => void changeLive(PRESETS[preset])}
        testid="preset"
      />
      <CameraChoice />
      <div class="switches">
        <Switch
          checked={liveSettings.value.microphone}
          onChange={(microphone) => void changeLive({ microphone })}
          testid="microphone"
        >
          Microphone
        </Switch>
        <Switch
          checked={preferences.value.mirror}
          onChange={(mirror) => prefer({ mirror })}
          testid="mirror"
        >
          Mirror my preview
        </Switch>
        {hasTorch.value && (
          <Switch checked={isTorchOn.value} onChange={(on) => void switchTorch(on)} testid="torch">
            Torch
          </Switch>
        )}
      </div>
      <FineSettings />
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

function CameraChoice() {
  const { facing, deviceId } = liveSettings.value;
  const named = cameras.value.filter((camera) => camera.label !== "");
  return (
    <>
      <Choices
        label="Camera"
        name="facing"
        value={deviceId ? ("" as "user") : facing}
        options={[
          { value: "environment", label: "Back" },
          { value: "user", label: "Front" },
        ]}
        onChange={(value) => void changeLive({ facing: value, deviceId: undefined })}
        testid="facing"
      />
      {named.length > 1 && (
        <SelectField
          label="Or by name"
          value={deviceId ?? ""}
          options={[
            { value: "", label: "By side, as above" },
            ...named.map((camera) => ({ value: camera.deviceId, label: camera.label })),
          ]}
          onChange={(value) => void changeLive({ deviceId: value === "" ? undefined : value })}
          testid="camera"
        />
      )}
    </>
  );
}

function FineSettings() {
  const { width, height, fps, bitrateBps } = liveSettings.value;
  return (
    <details class="fold">
      <summary data-testid="fine-settings">Resolution, frame rate and bit rate</summary>
      <div class="stack">
        <SelectField
          label="Resolution"
          value={`${width}x${height}`}
          options={SIZES.map((size) => ({ value: size, label: size.replace("x", " × ") }))}
          onChange={(size) => {
            const [newWidth = 0, newHeight = 0] = size.split("x").map(Number);
            void changeLive({ width: newWidth, height: newHeight });
          }}
          testid="resolution"
        />
        <SelectField
          label="Frames per second"
          value={String(fps)}
          options={RATES.map((rate) => ({ value: String(rate), label: String(rate) }))}
          onChange={(rate) => void changeLive({ fps: Number(rate) as FramesPerSecond })}
          testid="fps"
        />
        <SelectField
          label="Highest bit rate"
          value={String(bitrateBps)}
          options={RATE_CEILINGS_BPS.map((bps) => ({ value: String(bps), label: bitRate(bps) }))}
          onChange={(bps) => void changeLive({ bitrateBps: Number(bps) })}
          hint="The link lowers it by itself when the path carries less."
          testid="bitrate"
        />
      </div>
    </details>
  );
}

const RATE_CEILINGS_BPS = [300_000, 600_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000];
