// The streams page (`/streams`): the account's streams, who may watch them, and links for others.
import { useEffect, useState } from "preact/hooks";
import { Button, LinkButton } from "../../ui/button";
import { mount } from "../../ui/mount";
import { Empty, FailureNotice } from "../../ui/notice";
import { Waiting } from "../../ui/progress";
import { Head, Shell } from "../../ui/shell";
import { CreateStream } from "./createStream";
import { actFailure, keepFresh, load, streams, streamsState } from "./model";
import { StreamCard } from "./streamCard";
import "./streams.css";

function StreamsPage() {
  useEffect(keepFresh, []);
  const state = streamsState.value;
  switch (state.at) {
    case "loading":
      return (
        <Shell at="streams" width="wide">
          <Waiting>Loading your streams</Waiting>
        </Shell>
      );
    case "stranger":
      return (
        <Shell width="narrow">
          <div class="stack stack-loose" data-testid="streams-stranger">
            <Head title="Streams">
              This browser is no device of an account here. To watch a stream, open its address or
              the link that you were given.
            </Head>
            <LinkButton href="/" look="primary">
              How to add this browser
            </LinkButton>
          </div>
        </Shell>
      );
    case "failed":
      return (
        <Shell at="streams" width="narrow">
          <div class="stack stack-loose">
            <Head title="Streams" />
            <FailureNotice failure={state.failure} testid="streams-failure">
              <Button small icon="retry" onClick={() => void load()}>
                Try again
              </Button>
            </FailureNotice>
          </div>
        </Shell>
      );
    case "ready":
      return <Ready />;
  }
}

function Ready() {
  const [isCreating, setCreating] = useState(false);
  const create = (look: "plain" | "primary") => (
    <Button icon="plus" look={look} onClick={() => setCreating(true)} testid="create-stream">
      New stream
    </Button>
  );
  return (
    <Shell at="streams" width="wide">
      <div class="stack stack-loose" data-testid="streams">
        <div class="row row-between">
          <h1>Streams</h1>
          {streams.value.length > 0 && create("plain")}
        </div>
        {actFailure.value && <FailureNotice failure={actFailure.value} testid="act-failure" />}
        {streams.value.length === 0 ? (
          <Empty icon="video" title="No streams yet" testid="no-streams">
            <p>
              A stream has one publisher, this device or any program that speaks WHIP, and as many
              viewers as you let in.
            </p>
            {create("primary")}
          </Empty>
        ) : (
          <ul class="streams">
            {streams.value.map((stream) => (
              <li key={stream.name}>
                <StreamCard stream={stream} />
              </li>
            ))}
          </ul>
        )}
      </div>
      {isCreating && <CreateStream onClose={() => setCreating(false)} />}
    </Shell>
  );
}

mount(<StreamsPage />);
void load();
