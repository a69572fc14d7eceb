// Home (`/`): pairs first, devices beside them; before setup, what to do.
import { useEffect } from "preact/hooks";
import { Button, LinkButton } from "../../ui/button";
import { mount } from "../../ui/mount";
import { FailureNotice } from "../../ui/notice";
import { Waiting } from "../../ui/progress";
import { Head, Shell } from "../../ui/shell";
import { Admin } from "./admin";
import { DeviceList } from "./deviceList";
import { actFailure, homeState, isAdmin, keepFresh, load, staleFailure } from "./model";
import { Newcomer } from "./newcomer";
import { PairList } from "./pairList";
import "./devices.css";

function Home() {
  useEffect(keepFresh, []);
  const state = homeState.value;
  switch (state.at) {
    case "loading":
      return (
        <Shell at="home" width="wide">
          <Waiting>Loading your devices</Waiting>
        </Shell>
      );
    case "newcomer":
      return (
        <Shell width="narrow">
          <Newcomer serverIsSetUp={state.serverIsSetUp} />
        </Shell>
      );
    case "failed":
      return (
        <Shell at="home" width="narrow">
          <div class="stack stack-loose">
            <Head title="Your devices" />
            <FailureNotice failure={state.failure} testid="home-failure">
              <Button small icon="retry" onClick={() => void load()}>
                Try again
              </Button>
              {state.isLost && (
                <LinkButton small href="/settings#forget">
                  Forget this identity
                </LinkButton>
              )}
            </FailureNotice>
          </div>
        </Shell>
      );
    case "ready":
      return <Ready />;
  }
}

function Ready() {
  return (
    <Shell at="home" width="wide">
      <div class="stack">
        {staleFailure.value && (
          <FailureNotice failure={staleFailure.value} testid="stale-failure" />
        )}
        {actFailure.value && <FailureNotice failure={actFailure.value} testid="act-failure" />}
        <div class="home">
          <PairList />
          <div class="stack stack-loose">
            <DeviceList />
            {isAdmin.value && <Admin />}
          </div>
        </div>
      </div>
    </Shell>
  );
}

mount(<Home />);
void load();
