// Why the link does not open, and what to do: cause, next step, ways on.
import type { LinkFailure } from "../../sdk";
import { Button, LinkButton } from "../../ui/button";
import { FailureNotice } from "../../ui/notice";
import { sentence } from "../shared/failure";
import { triedPairs, type TriedPair } from "./candidatePairs";
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
    <div class="stack stack-tight">
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
        <LinkButton small href="/doctor" testid="link-doctor">
          Ask the doctor
        </LinkButton>
      </FailureNotice>
      {triedPairs.value.length > 0 && <TriedTable rows={triedPairs.value} />}
    </div>
  );
}

function TriedTable({ rows }: { rows: readonly TriedPair[] }) {
  return (
    <details class="fold">
      <summary data-testid="tried-fold">
        {rows.length} {rows.length === 1 ? "path was" : "paths were"} tried
      </summary>
      <div class="table-scroll">
        <table class="table figure" data-testid="tried-table">
          <thead>
            <tr>
              <th scope="col">Here and there</th>
              <th scope="col">Answers</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td>
                  {row.local}
                  <br />
                  {row.remote}
                </td>
                <td>
                  {row.responses} of {row.requests}
                </td>
                <td>{row.state}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
