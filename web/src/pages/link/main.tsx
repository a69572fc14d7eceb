// The link page (`/link?pair=…`): a stage for pictures and panels.
import { useEffect } from "preact/hooks";
import { LinkButton } from "../../ui/button";
import { mount } from "../../ui/mount";
import { FailureNotice } from "../../ui/notice";
import { Waiting } from "../../ui/progress";
import { Head, Shell } from "../../ui/shell";
import { Toast } from "../../ui/toast";
import { keepAwake, sendOver } from "../live/live";
import { onLink, openLink, pageState, peerMedia } from "./model";
import { Panels } from "./panels";
import { Stage } from "./stage";
import { LinkBar } from "./linkBar";
import "./link.css";
import "./stage.css";
import "./panels.css";

function LinkPage() {
  const state = pageState.value;
  switch (state.at) {
    case "opening":
      return (
        <Shell at="other">
          <Waiting>Opening the link</Waiting>
        </Shell>
      );
    case "failed":
      return (
        <Shell at="other" width="narrow">
          <div class="stack stack-loose">
            <Head title="No link" />
            <FailureNotice failure={state.failure} testid="link-failure">
              <LinkButton small href="/">
                Go to your devices
              </LinkButton>
              <LinkButton small href="/invite">
                Pair another device
              </LinkButton>
            </FailureNotice>
          </div>
        </Shell>
      );
    case "linked":
      return <Linked />;
  }
}

function Linked() {
  useEffect(() => keepAwake(() => peerMedia.value.some((media) => media.mode !== "off")), []);
  return (
    <div class="link">
      <LinkBar />
      <Stage />
      <Panels />
      <Toast />
    </div>
  );
}

onLink(sendOver);
mount(<LinkPage />);
void openLink(new URLSearchParams(location.search).get("pair") ?? "");
