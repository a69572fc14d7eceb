// The invite page (`/invite`): show a code, then choose the words that the other screen shows.
import { useState } from "preact/hooks";
import type { DeviceRecord, InviterState, Words } from "../../sdk";
import { Button, LinkButton } from "../../ui/button";
import { CopyLink } from "../../ui/copyLink";
import { Countdown } from "../../ui/countdown";
import { mount } from "../../ui/mount";
import { FailureNotice, Notice } from "../../ui/notice";
import { StepProgress, Waiting } from "../../ui/progress";
import { QrCode } from "../../ui/qr";
import { Head, Shell } from "../../ui/shell";
import { failureOf, sentence } from "../shared/failure";
import { Paired } from "../shared/paired";
import { begin, cancel, choose, inviteState } from "./model";
import "./invite.css";

/** An invite lives this long (docs/protocol.md, `/api/pairing`). */
const INVITE_LIFETIME_MS = 120_000;

function Invite() {
  const state = inviteState.value;
  const isCode = state.at === "running" && "url" in state.inviter;
  return (
    <Shell at="other" width={isCode ? "code" : "narrow"}>
      <div class="stack stack-loose" data-testid="invite" data-state={stateName(state)}>
        {state.at === "opening" && <Waiting>Making an invitation</Waiting>}
        {state.at === "newcomer" && <NotSetUp />}
        {state.at === "blocked" && <Failed title="Pair another device" failure={state.failure} />}
        {state.at === "running" && <Running state={state.inviter} />}
      </div>
    </Shell>
  );
}

function stateName(state: typeof inviteState.value): string {
  return state.at === "running" ? state.inviter.step : state.at;
}

function Running({ state }: { state: InviterState }) {
  switch (state.step) {
    case "connecting":
      return <Waiting>Telling the server to expect your device</Waiting>;
    case "waiting":
    case "joining":
      return <Code state={state} />;
    case "choosing":
      return <Choose peer={state.peer} sets={state.sets} />;
    case "confirming":
      return (
        <>
          <Head title="The words match" />
          <StepProgress steps={["Words compared", "Both devices sign", "Saved"]} at={1} />
        </>
      );
    case "paired":
      return <Paired pair={state.pair} />;
    case "failed":
      return <Failed title="Not paired" failure={failureOf("Pairing", state.error)} />;
  }
}

type CodeState = Extract<InviterState, { url: string }>;

function Code({ state }: { state: CodeState }) {
  const isJoining = state.step === "joining";
  return (
    <div class="invite">
      <div class="invite-head">
        <Head title="Scan with the other device" />
        <Countdown expiresMs={state.expiresMs} totalMs={INVITE_LIFETIME_MS} />
      </div>
      <div class="invite-code" data-dimmed={isJoining}>
        <QrCode text={state.url} label="Pairing link as a QR code" />
      </div>
      <div class="invite-acts">
        {state.step === "waiting" && state.retrying && (
          <Notice tone="warn" title="One attempt did not work" testid="invite-retrying">
            <p>{sentence(state.retrying.message)} The code still works: try again.</p>
          </Notice>
        )}
        {isJoining ? (
          <Waiting>A device opened the link. Agreeing on keys</Waiting>
        ) : (
          <>
            <p class="soft small">
              Point the other device's camera at the code, or send it the link. It works once, for
              two minutes, and only while this page stays open.
            </p>
            <CopyLink url={state.url} title="Pair with my device" testid="invite-link" />
          </>
        )}
        <LinkButton href="/" look="quiet" wide>
          Cancel
        </LinkButton>
      </div>
    </div>
  );
}

function Choose({ peer, sets }: { peer: DeviceRecord; sets: Words[] }) {
  const [chosen, setChosen] = useState<number | null>(null);
  return (
    <>
      <Head title="Which words does the other screen show?">
        <strong>{peer.name}</strong> wants to pair. Look at its screen and choose the same four
        words here. A wrong choice ends the invitation.
      </Head>
      <div class="stack stack-tight" role="group" aria-label="Three sets of words">
        {sets.map((set, index) => (
          <button
            key={set.join()}
            type="button"
            class="word-choice"
            aria-pressed={chosen === index}
            data-testid={`words-set-${index}`}
            onClick={() => setChosen(index)}
          >
            {set.map((word) => (
              <span key={word}>{word}</span>
            ))}
          </button>
        ))}
      </div>
      <div class="stack stack-tight">
        <Button
          look="primary"
          wide
          disabled={chosen === null}
          testid="words-confirm"
          onClick={() => chosen !== null && choose(chosen)}
        >
          These are the words
        </Button>
        <Button
          look="warn"
          wide
          testid="words-none"
          onClick={() => (cancel(), location.assign("/"))}
        >
          None of them match
        </Button>
      </div>
    </>
  );
}

function Failed({
  title,
  failure,
}: {
  title: string;
  failure: Parameters<typeof FailureNotice>[0]["failure"];
}) {
  return (
    <>
      <Head title={title} />
      <FailureNotice failure={failure} testid="invite-failure" />
      <div class="stack stack-tight">
        <Button look="primary" wide icon="retry" onClick={() => void begin()} testid="invite-again">
          Make a new invitation
        </Button>
        <LinkButton href="/" look="quiet" wide>
          Back to your devices
        </LinkButton>
      </div>
    </>
  );
}

function NotSetUp() {
  return (
    <>
      <Head title="Set up this device first">
        Only a device with an account can invite another. Open a setup link here, or let a device
        that is set up invite this one.
      </Head>
      <LinkButton href="/" look="primary" wide>
        How to begin
      </LinkButton>
    </>
  );
}

mount(<Invite />);
addEventListener("pagehide", cancel);
void begin();
