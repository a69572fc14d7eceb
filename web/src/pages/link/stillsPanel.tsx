// Stills: send one every few seconds, see the peer's newest ones with age and size.
import { useEffect, useState } from "preact/hooks";
import type { SentStill } from "../../sdk";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { SelectField } from "../../ui/field";
import { ago, byteSize, clock, millis } from "../../ui/format";
import { Empty, FailureNotice } from "../../ui/notice";
import { prefer, preferences } from "../shared/preferences";
import { isOpen } from "./model";
import {
  gallery,
  sentStills,
  setStillsInterval,
  startStills,
  stillNow,
  stillsFailure,
  stillsState,
  stopStills,
  type GalleryStill,
} from "./stills";

const INTERVALS_MS = [1000, 2000, 3000, 4000, 5000, 10_000, 30_000, 60_000];

/** Sending stills, and the gallery of received ones. */
export function StillsPanel() {
  const { stillsIntervalMs } = preferences.value;
  return (
    <div class="stack">
      <SendButtons />
      {stillsFailure.value && (
        <FailureNotice failure={stillsFailure.value} testid="stills-failure" />
      )}
      <SelectField
        label="Time between stills"
        value={String(stillsIntervalMs)}
        options={INTERVALS_MS.map((ms) => ({ value: String(ms), label: millisWords(ms) }))}
        onChange={(ms) => {
          prefer({ stillsIntervalMs: Number(ms) });
          setStillsInterval(Number(ms));
        }}
        testid="stills-interval"
      />
      {sentStills.value[0] && <SentLine still={sentStills.value[0]} />}
      <hr class="rule" />
      <Gallery />
    </div>
  );
}

function millisWords(ms: number): string {
  return ms === 1000 ? "1 second" : ms === 60_000 ? "1 minute" : `${ms / 1000} seconds`;
}

function SendButtons() {
  const state = stillsState.value;
  if (state === "on") {
    return (
      <div class="row row-fill">
        <Button icon="stop" onClick={stopStills} testid="stop-stills">
          Stop stills
        </Button>
        <Button icon="camera" onClick={stillNow} testid="still-now">
          One now
        </Button>
      </div>
    );
  }
  return (
    <Button
      look="flash"
      wide
      icon="stills"
      busy={state === "starting"}
      disabled={!isOpen.value && state === "off"}
      onClick={() => void startStills()}
      testid="start-stills"
    >
      {state === "starting" ? "Opening the camera" : "Send stills"}
    </Button>
  );
}

function SentLine({ still }: { still: SentStill }) {
  const shown = still.shownMs === null ? "not confirmed" : `shown after ${millis(still.shownMs)}`;
  return (
    <p class="faint figure" data-testid="still-sent" data-seq={still.seq} data-bytes={still.bytes}>
      Sent {still.seq}: {byteSize(still.bytes)}, encoded in {millis(still.encodeMs)}, {shown}
    </p>
  );
}

function Gallery() {
  const [opened, setOpened] = useState<GalleryStill | null>(null);
  const now = useNow();
  if (gallery.value.length === 0) {
    return (
      <Empty icon="stills" title="No stills received" testid="no-stills">
        <p>
          Sharp single pictures, at a fraction of the data of video. The newest twenty stay here.
        </p>
      </Empty>
    );
  }
  return (
    <>
      <ol class="gallery" data-testid="gallery">
        {gallery.value.map((still) => (
          <li
            key={still.url}
            data-testid="still-item"
            data-seq={still.seq}
            data-bytes={still.bytes ?? undefined}
          >
            <button type="button" class="still" onClick={() => setOpened(still)}>
              <img
                src={still.url}
                alt={`Still ${still.seq}`}
                width={still.width}
                height={still.height}
              />
              <span class="still-line figure">
                <span>{ago(still.at, now)}</span>
                <span>{byteSize(still.bytes ?? undefined)}</span>
              </span>
            </button>
          </li>
        ))}
      </ol>
      {opened && <Opened still={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function Opened({ still, onClose }: { still: GalleryStill; onClose: () => void }) {
  const name = `still-${still.seq}.jpg`;
  return (
    <Dialog
      title={`Still ${still.seq}, ${clock(still.at)}`}
      onClose={onClose}
      testid="still-dialog"
      actions={
        <>
          <a class="button" href={still.url} download={name}>
            Save picture
          </a>
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <img class="still-large" src={still.url} alt={`Still ${still.seq}`} />
      <p class="faint figure">
        {still.width} × {still.height} · {byteSize(still.bytes ?? undefined)}
        {still.latencyMs !== null && ` · on screen after ${millis(still.latencyMs)}`}
      </p>
    </Dialog>
  );
}

/** The time, each second, for ages. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
