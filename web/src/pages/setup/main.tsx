// The setup page (`/setup#secret`): welcome, name this device, done.
import { LinkButton, Button } from "../../ui/button";
import { mount } from "../../ui/mount";
import { FailureNotice } from "../../ui/notice";
import { StepProgress, Waiting } from "../../ui/progress";
import { Head, Shell } from "../../ui/shell";
import { DeviceForm } from "../shared/deviceForm";
import { guessDevice } from "../shared/deviceGuess";
import { check, setupState, SETUP_STEPS, submit } from "./model";

const secret = location.hash.slice(1);

function Setup() {
  return (
    <Shell width="narrow">
      <div class="stack stack-loose">{body()}</div>
    </Shell>
  );
}

function body() {
  const state = setupState.value;
  switch (state.at) {
    case "checking":
      return <Waiting>Looking at this browser</Waiting>;
    case "blocked":
      return (
        <>
          <Head title="Welcome to Heliograph" />
          <FailureNotice failure={state.failure} testid="setup-failure">
            {state.canRetry && (
              <Button small icon="retry" onClick={() => void check(secret)}>
                Try again
              </Button>
            )}
          </FailureNotice>
        </>
      );
    case "form":
      return <Form failure={state.failure} knownName={state.knownName} />;
    case "working":
      return (
        <>
          <Head title="Setting up" />
          <StepProgress steps={SETUP_STEPS} at={state.step} />
        </>
      );
    case "done":
      return <Done name={state.name} isAdmin={state.isAdmin} />;
  }
}

type FormProps = {
  knownName: string | null;
  failure: Parameters<typeof FailureNotice>[0]["failure"] | null;
};

function Form({ knownName, failure }: FormProps) {
  const guess = guessDevice(navigator);
  return (
    <>
      <Head title="Welcome to Heliograph">
        Your own devices, linked directly: video, pictures and messages that nobody in between can
        read. This device becomes the first of your account.
      </Head>
      {failure && <FailureNotice failure={failure} testid="setup-failure" />}
      <DeviceForm
        name={knownName ?? guess.name}
        kind={guess.kind}
        submit="Set up this device"
        busy={false}
        onSubmit={(name, kind) => void submit(secret, name, kind)}
        testid="setup"
      />
      <p class="faint">There is no password. A key is made in this browser and never leaves it.</p>
    </>
  );
}

function Done({ name, isAdmin }: { name: string; isAdmin: boolean }) {
  return (
    <div class="stack stack-loose" data-testid="setup-done">
      <Head title="This device is ready">
        {name} has its key and its account{isAdmin ? ", and you are the admin of this server" : ""}.
        Pair a second device to link to it.
      </Head>
      <div class="stack stack-tight">
        <LinkButton href="/invite" look="primary" icon="plus" wide testid="setup-invite">
          Pair another device
        </LinkButton>
        <LinkButton href="/" look="quiet" wide testid="setup-home">
          Go to your devices
        </LinkButton>
      </div>
    </div>
  );
}

mount(<Setup />);
void check(secret);
