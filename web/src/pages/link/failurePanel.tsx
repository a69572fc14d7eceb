// Why the link does not open, and what to do: cause, next step, ways on.
import type { LinkFailure } from "../../sdk";
import { Button } from "../../ui/button";
import { FailureNotice } from "../../ui/notice";
import { sentence } from "../shared/failure";
import { currentLink } from "./model";

/** Titles of the causes (docs/protocol.md, Telemetry). */
const TITLES: Record<LinkFailure["cause"], string> = {
  "no-candidates": "No network address",
  "checks-failed": "No path between the devices",
  "relay-refused": "The relay refused",
  "dtls-failed": "Encryption did not start",
  "signature-refused": "A false signature",
  "noise-failed": "The key was not proven",
  "signalling-lost": "The server is out of reach",
};

/** The failure of the last attempt. */
export function FailurePanel({ failure }: { failure: LinkFailure }) {
  return (
    <FailureNotice
      testid="link-failure"
      failure={{
        title: TITLES[failure.cause],
        cause: sentence(failure.message),
        next: failure.nextStep,
        code: failure.cause,
      }}
    >
      <Button small icon="retry" testid="link-retry" onClick={() => currentLink()?.restart()}>
        Try again now
      </Button>
    </FailureNotice>
  );
}
