// The recordings of a stream (`/{stream}/recordings`). A guest's code stands after the `#`.
import { useEffect } from "preact/hooks";
import { asHelioError, Streams } from "../../sdk";
import { Button, LinkButton } from "../../ui/button";
import { day as dayWords } from "../../ui/format";
import { mount } from "../../ui/mount";
import { Empty, FailureNotice } from "../../ui/notice";
import { Toast } from "../../ui/toast";
import { accessOfBrowser, accessOfGuest, streamOfAddress, type Access } from "../gateway/access";
import { opening, OpeningView } from "../gateway/opening";
import { StreamBar } from "../gateway/streamBar";
import { refusalOf, type Told } from "../gateway/words";
import { failureOf } from "../shared/failure";
import { apiFor } from "../shared/session";
import { Calendar } from "./calendar";
import { clock } from "./days";
import {
  day,
  failure,
  keepFresh,
  moment,
  openRecordings,
  playAgain,
  spans,
  state,
  turnOn,
  wish,
} from "./model";
import { Player } from "./player";
import { SpanList } from "./spanList";
import { Timeline } from "./timeline";
import "../link/link.css";
import "../link/stage.css";
import "./recordings.css";

const stream = streamOfAddress();
const code = location.hash.slice(1);

let asked: Access | null = null;
const { state: opened, open } = opening(
  "Opening the recordings",
  async () => {
    asked =
      code === ""
        ? await accessOfBrowser(stream, "view")
        : accessOfGuest(code, await new Streams(apiFor(null)).open(code));
    await openRecordings(asked);
    return asked;
  },
  (thrown) =>
    asked === null
      ? failureOf("Opening the recordings", thrown)
      : refusalOf(asHelioError(thrown), asked),
);

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
  const isOwner = access.who === "device";
  return (
    <div class="recordings" data-testid="recordings">
      <StreamBar stream={stream} who={access.who} told={told()} phase={state.value} />
      {spans.value.length === 0 ? (
        <Nothing isOwner={isOwner} live={live} />
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
            {failure.value && (
              <FailureNotice failure={failure.value} testid="recording-failure">
                <Button small icon="retry" onClick={() => void playAgain()} testid="play-again">
                  Try again
                </Button>
              </FailureNotice>
            )}
          </div>
          <aside class="recordings-list">
            <Calendar />
            <SpanList isOwner={isOwner} />
          </aside>
        </main>
      )}
      <Toast />
    </div>
  );
}

/** Before there is a recording: whether there will be one, and how to get there. */
function Nothing({ isOwner, live }: { isOwner: boolean; live: string }) {
  const isOff = state.value === "off";
  const words = {
    off: isOwner
      ? "Turn recording on: what is published from then on stands here."
      : "What is recorded stands here.",
    waiting: "It is recorded as soon as somebody publishes.",
    recording: "The first minute is on its way.",
    "disk-full": "The server's disk is full. It is recorded when there is room.",
    failed: "The server cannot write its recordings. Its log says why.",
  };
  return (
    <main class="recordings-none">
      <Empty icon="video" title="Nothing is recorded yet" testid="no-recordings">
        <p>{words[state.value]}</p>
        <div class="row">
          {isOff && isOwner && (
            <Button look="primary" onClick={() => void turnOn()} testid="turn-on">
              Turn recording on
            </Button>
          )}
          <LinkButton href={live}>Watch live</LinkButton>
        </div>
      </Empty>
      {failure.value && <FailureNotice failure={failure.value} testid="recording-failure" />}
    </main>
  );
}

document.title = `Recordings of ${stream} · Heliograph`;
mount(<RecordingsPage />);
void open();
