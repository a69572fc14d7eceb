// What goes out and how well: quality, camera, microphone, light, and the fine settings.
import { useEffect } from "preact/hooks";
import { PRESETS, type FramesPerSecond, type LivePreset } from "../../sdk";
import { Choices, SelectField, Switch, type Option } from "../../ui/field";
import { bitRate } from "../../ui/format";
import { prefer, preferences } from "../shared/preferences";
import { cameras, listCameras } from "./camera";
import {
  changeLive,
  hasTorch,
  isTorchOn,
  liveSettings,
  presetOfSettings,
  switchTorch,
} from "./live";

const PRESET_OPTIONS: readonly Option<LivePreset>[] = [
  { value: "low", label: "Low", detail: "480p · 15" },
  { value: "medium", label: "Medium", detail: "720p · 24" },
  { value: "high", label: "High", detail: "720p · 30" },
  { value: "hd", label: "HD", detail: "1080p · 30" },
];

const SIZES = ["640x480", "1280x720", "1920x1080"] as const;
const RATES: readonly FramesPerSecond[] = [15, 24, 30];

/** All settings of the video that this device sends; they apply while it does, too. */
export function LiveSettingsForm() {
  useEffect(() => void listCameras(), []);
  const isCamera = liveSettings.value.source === "camera";
  return (
    <>
      <Choices
        label="Quality"
        name="preset"
        value={presetOfSettings.value ?? ("" as LivePreset)}
        options={PRESET_OPTIONS}
        onChange={(preset) => void changeLive(PRESETS[preset])}
        testid="preset"
      />
      {isCamera && <CameraChoice />}
      <div class="switches">
        <Switch
          checked={liveSettings.value.microphone}
          onChange={(microphone) => void changeLive({ microphone })}
          testid="microphone"
        >
          Microphone
        </Switch>
        {isCamera && (
          <Switch
            checked={preferences.value.mirror}
            onChange={(mirror) => prefer({ mirror })}
            testid="mirror"
          >
            Mirror my preview
          </Switch>
        )}
        {hasTorch.value && (
          <Switch checked={isTorchOn.value} onChange={(on) => void switchTorch(on)} testid="torch">
            Torch
          </Switch>
        )}
      </div>
      <FineSettings />
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
          hint="It lowers itself when the path carries less."
          testid="bitrate"
        />
      </div>
    </details>
  );
}

const RATE_CEILINGS_BPS = [300_000, 600_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000];
