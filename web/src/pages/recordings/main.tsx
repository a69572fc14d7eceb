// The recordings of a stream (`/{stream}/recordings`). A guest's code stands after the `#`.
import { useEffect } from "preact/hooks";
import { Streams } from "../../sdk";
import { Button, LinkButton } from "../../ui/button";
import { byteSize, day as dayWords } from "../../ui/format";
import { mount } from "../../ui/mount";
import { Empty, FailureNotice } from "../../ui/notice";
import { Toast } from "../../ui/toast";
import { accessOfBrowser, accessOfGuest, streamOfAddress, type Access } from "../gateway/access";
import { opening, OpeningView } from "../gateway/opening";
import { StreamBar } from "../gateway/streamBar";
import type { Told } from "../gateway/words";
import { apiFor } from "../shared/session";
import { Calendar } from "./calendar";
import { clock } from "./days";
import {
  day,
  daySpans,
  download,
  failure,
  keepFresh,
  moment,
  openRecordings,
  spans,
  state,
  wish,
} from "./model";
import { Player } from "./player";
import { Timeline } from "./timeline";
import "../link/link.css";
import "../link/stage.css";
import "./recordings.css";

const stream = streamOfAddress();
const code = location.hash.slice(1);

const { state: opened, open } = opening("Opening the recordings", async () => {
  const access =
    code === ""
      ? await accessOfBrowser(stream, "view")
      : accessOfGuest(code, await new Streams(apiFor(null)).open(code));
  await openRecordings(access);
  return access;
});

function RecordingsPage() {
  return (
    <OpeningView title={`Recordings of ${stream}`} state={opened.value} onRetry={() => void open()}>
      {(access) => <Ready access={access} />}
    </OpeningView>
  );
}

/** What the bar says of the recording. */
function told(): Told {
  switch (state.value) {
    case "recording":
      return { short: "Recording", long: "", dot: "open" };
    case "waiting":
      return { short: "Waits for the publisher", long: "", dot: "waiting" };
    case "disk-full":
      return { short: "Paused: the server's disk is full", long: "", dot: "ended" };
    case "failed":
      return { short: "Paused: the server cannot write", long: "", dot: "ended" };
    default:
      return { short: "Not recorded", long: "", dot: "ended" };
  }
}

function Ready({ access }: { access: Access }) {
  useEffect(keepFresh, []);
  const live = code === "" ? `/${stream}/` : `/s/#${code}`;
  return (
    <div class="recordings" data-testid="recordings">
      <StreamBar stream={stream} who={access.who} told={told()} phase={state.value} />
      {spans.value.length === 0 ? (
        <Empty icon="video" title="Nothing is recorded yet" testid="no-recordings">
          <p>
            {access.who === "device"
              ? "Turn recording on under Streams: what is published from then on stands here."
              : "What is recorded stands here."}
          </p>
          <LinkButton href={live}>Watch live</LinkButton>
        </Empty>
      ) : (
        <main class="recordings-main">
          <div class="recordings-film">
            <Player />
            <div class="row row-between">
              <p class="figure" data-testid="moment">
                {dayWords(day.value.begin)} {clock(moment.value ?? wish.value ?? day.value.begin)}
              </p>
              <LinkButton small href={live} icon="video" testid="go-live">
                Live
              </LinkButton>
            </div>
            <Timeline />
            {failure.value && <FailureNotice failure={failure.value} testid="recording-failure" />}
          </div>
          <aside class="stack">
            <Calendar />
            <SpanList />
          </aside>
        </main>
      )}
      <Toast />
    </div>
  );
}

function SpanList() {
  return (
    <ul class="span-list" aria-label="Recordings of the day">
      {daySpans.value.map((span) => (
        <li key={span.from} class="row row-between">
          <Button look="quiet" onClick={() => (wish.value = span.from)} testid="span">
            {clock(span.from)} – {clock(span.to)}
          </Button>
          <span class="faint figure">{byteSize(span.bytes)}</span>
          <Button
            look="quiet"
            icon="download"
            label={`Download ${clock(span.from)} to ${clock(span.to)}`}
            testid="download-span"
            onClick={() => void download(span)}
          />
        </li>
      ))}
    </ul>
  );
}

document.title = `Recordings of ${stream} · Heliograph`;
mount(<RecordingsPage />);
void open();
