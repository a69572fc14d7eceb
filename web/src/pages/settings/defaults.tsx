// What a link starts with on this device.
import type { Facing, LivePreset, VideoCodec } from "../../sdk";
import { Choices, SelectField, Switch } from "../../ui/field";
import { prefer, preferences } from "../shared/preferences";
import { RelayForm } from "../shared/relayForm";

/** Choices that apply to the next link. */
export function Defaults() {
  const { preset, facing, codec, policy, microphone, mirror, relay } = preferences.value;
  return (
    <section class="card stack" aria-labelledby="defaults">
      <h2 id="defaults">Defaults for links</h2>
      <SelectField<LivePreset>
        label="Video quality"
        value={preset}
        options={[
          { value: "low", label: "Low: 480p, 15 fps, 300 kbps" },
          { value: "medium", label: "Medium: 720p, 24 fps, 1 Mbps" },
          { value: "high", label: "High: 720p, 30 fps, 1.5 Mbps" },
          { value: "hd", label: "HD: 1080p, 30 fps, 4 Mbps" },
        ]}
        onChange={(value) => prefer({ preset: value })}
        testid="default-preset"
      />
      <Choices<Facing>
        label="Camera"
        name="default-facing"
        value={facing}
        options={[
          { value: "environment", label: "Back" },
          { value: "user", label: "Front" },
        ]}
        onChange={(value) => prefer({ facing: value })}
        testid="default-facing"
      />
      <SelectField<VideoCodec>
        label="Video codec"
        value={codec}
        options={[
          { value: "H264", label: "H.264 (usual)" },
          { value: "VP8", label: "VP8 (where H.264 is missing)" },
        ]}
        onChange={(value) => prefer({ codec: value })}
        testid="default-codec"
      />
      <Choices<RTCIceTransportPolicy>
        label="Paths"
        name="default-policy"
        value={policy}
        options={[
          { value: "all", label: "Any", detail: "direct when possible" },
          { value: "relay", label: "Relay only", detail: "hides addresses" },
        ]}
        onChange={(value) => prefer({ policy: value })}
        testid="default-policy"
      />
      <div>
        <Switch checked={microphone} onChange={(value) => prefer({ microphone: value })}>
          Microphone on
        </Switch>
        <Switch checked={mirror} onChange={(value) => prefer({ mirror: value })}>
          Mirror my preview
        </Switch>
      </div>
      <RelayForm relay={relay} onChange={(value) => prefer({ relay: value })} />
    </section>
  );
}
