// What a stream's page shows before it knows by what right it is open, or that it is by none.
import { signal, type ReadonlySignal } from "@preact/signals";
import type { ComponentChild } from "preact";
import { Button, LinkButton } from "../../ui/button";
import { FailureNotice, type Failure } from "../../ui/notice";
import { Waiting } from "../../ui/progress";
import { Head, Shell } from "../../ui/shell";
import { failureOf } from "../shared/failure";

/** Where a page is. */
export type Opening<Opened> =
  { at: "opening" } | { at: "failed"; failure: Failure } | { at: "open"; opened: Opened };

/** Opens by `ask` and tells its failure as that of `act`. */
export function opening<Opened>(
  act: string,
  ask: () => Promise<Opened>,
  failed: (thrown: unknown) => Failure = (thrown) => failureOf(act, thrown),
): { state: ReadonlySignal<Opening<Opened>>; open: () => Promise<void> } {
  const state = signal<Opening<Opened>>({ at: "opening" });
  const open = async () => {
    state.value = { at: "opening" };
    try {
      state.value = { at: "open", opened: await ask() };
    } catch (thrown) {
      state.value = { at: "failed", failure: failed(thrown) };
    }
  };
  return { state, open };
}

interface OpeningProps<Opened> {
  title: string;
  state: Opening<Opened>;
  onRetry: () => void;
  children: (opened: Opened) => ComponentChild;
}

/** The wait, the failure, or what was opened. */
export function OpeningView<Opened>({ title, state, onRetry, children }: OpeningProps<Opened>) {
  switch (state.at) {
    case "opening":
      return (
        <Shell>
          <Waiting>Asking the server</Waiting>
        </Shell>
      );
    case "failed":
      return (
        <Shell width="narrow">
          <div class="stack stack-loose">
            <Head title={title} />
            <FailureNotice failure={state.failure} testid="stream-failure">
              <Button small icon="retry" onClick={onRetry}>
                Try again
              </Button>
              <LinkButton small href="/">
                Go to the start page
              </LinkButton>
            </FailureNotice>
          </div>
        </Shell>
      );
    case "open":
      return <>{children(state.opened)}</>;
  }
}
