// The join page (`/p#…`): the device that scanned the code shows four words and waits.
import type { DeviceRecord, JoinerState, Words } from "../../sdk";
import { Button, LinkButton } from "../../ui/button";
import { mount } from "../../ui/mount";
import { FailureNotice, type Failure } from "../../ui/notice";
import { StepProgress, Waiting } from "../../ui/progress";
import { Head, Shell } from "../../ui/shell";
import { DeviceForm } from "../shared/deviceForm";
import { guessDevice } from "../shared/deviceGuess";
import { failureOf } from "../shared/failure";
import { Paired } from "../shared/paired";
import { cancel, check, join, joinState } from "./model";

const link = location.href;
const STEPS = ["Reaching the server", "Waiting for the other device", "Agreeing on keys"] as const;

function Join() {
  const state = joinState.value;
  const name = state.at === "running" ? state.joiner.step : state.at;
  return (
    <Shell width="narrow">
      <div class="stack stack-loose" data-testid="join" data-state={name}>
        {body()}
      </div>
    </Shell>
  );
}

function body() {
  const state = joinState.value;
  switch (state.at) {
    case "checking":
      return <Waiting>Reading the invitation</Waiting>;
    case "blocked":
      return <Failed failure={state.failure} />;
    case "naming":
      return <Name failure={state.failure} />;
    case "known":
      return <Known name={state.name} />;
    case "running":
      return <Running state={state.joiner} />;
  }
}

function Name({ failure }: { failure: Failure | null }) {
  const guess = guessDevice(navigator);
  return (
    <>
      <Head title="Join as a new device">
        You were invited to pair. Give this device a name: the other one shows it.
      </Head>
      {failure && <FailureNotice failure={failure} testid="join-failure" />}
      <DeviceForm
        name={guess.name}
        kind={guess.kind}
        submit="Join"
        busy={false}
        onSubmit={(name, kind) => void join(link, name, kind)}
        testid="join"
      />
    </>
  );
}

function Known({ name }: { name: string }) {
  return (
    <>
      <Head title="Pair with the device that invited you?">
        This device joins as <strong>{name}</strong>.
      </Head>
      <Button look="primary" wide testid="join-submit" onClick={() => void join(link)}>
        Pair
      </Button>
    </>
  );
}

function Running({ state }: { state: JoinerState }) {
  switch (state.step) {
    case "connecting":
    case "waiting":
      return (
        <>
          <Head title="Joining" />
          <StepProgress steps={STEPS} at={state.step === "connecting" ? 0 : 1} />
        </>
      );
    case "showing":
      return <Show peer={state.peer} words={state.words} />;
    case "confirming":
      return (
        <>
          <Head title={`Pairing with ${state.peer.name}`} />
          <StepProgress steps={["Words compared", "Both devices sign", "Saved"]} at={1} />
        </>
      );
    case "paired":
      return <Paired pair={state.pair} />;
    case "failed":
      return <Failed failure={failureOf("Pairing", state.error)} />;
  }
}

function Show({ peer, words }: { peer: DeviceRecord; words: Words }) {
  return (
    <>
      <Head title={`Now look at ${peer.name}`}>
        It shows three sets of words. Choose there the four that stand here.
      </Head>
      <ol class="words" data-testid="words-shown" data-words={words.join(" ")}>
        {words.map((word) => (
          <li key={word}>{word}</li>
        ))}
      </ol>
      <Waiting>Waiting for the choice on the other screen</Waiting>
      <p class="faint">
        If these words are not among the three there, somebody is in between: choose “None of them
        match” on the other screen.
      </p>
    </>
  );
}

function Failed({ failure }: { failure: Failure }) {
  return (
    <>
      <Head title="Not paired" />
      <FailureNotice failure={failure} testid="join-failure" />
      <LinkButton href="/" look="quiet" wide>
        Go to the start page
      </LinkButton>
    </>
  );
}

mount(<Join />);
addEventListener("pagehide", cancel);
void check(link);
