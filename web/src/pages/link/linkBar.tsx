// The bar of the link page: back, who, how it goes, settings.
import { useState } from "preact/hooks";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { isRelayed } from "../figures/pathWords";
import { LinkSettings } from "./linkSettings";
import { linkState, pageState } from "./model";
import { tell } from "./phase";
import { RevokePair } from "./revokePair";

/** Peer, state and verification, always visible. */
export function LinkBar() {
  const [dialog, setDialog] = useState<"settings" | "revoke" | null>(null);
  const page = pageState.value;
  if (page.at !== "linked") return null;
  const { peer } = page.pair;
  return (
    <header class="link-bar">
      <a
        class="button button-quiet button-icon"
        href="/"
        aria-label="Back to your devices"
        data-testid="link-back"
      >
        <Icon name="back" />
      </a>
      <div class="grow">
        <h1 class="link-peer clip" title={peer.name} data-testid="link-peer">
          {peer.name}
        </h1>
        <StateLine />
      </div>
      {page.pair.verified && (
        <a
          class="button button-quiet button-icon"
          href={`/chat?pair=${encodeURIComponent(page.pair.pairId)}`}
          aria-label={`Chat with a model on ${peer.name}`}
          title="Chat with a model there"
          data-testid="link-chat"
        >
          <Icon name="chat" />
        </a>
      )}
      <Button
        look="quiet"
        icon="settings"
        label="Settings of this link"
        testid="link-settings"
        onClick={() => setDialog("settings")}
      />
      {dialog === "settings" && (
        <LinkSettings onClose={() => setDialog(null)} onRevoke={() => setDialog("revoke")} />
      )}
      {dialog === "revoke" && <RevokePair peer={peer.name} onClose={() => setDialog(null)} />}
    </header>
  );
}

function StateLine() {
  const page = pageState.value;
  const state = linkState.value;
  if (page.at !== "linked" || !state) return null;
  const { phase, path, verified, endedBy, serverKnows } = state;
  return (
    <p class="link-line">
      <span
        class="link-state"
        role="status"
        data-testid="link-state"
        data-state={phase}
        data-ended={endedBy ?? undefined}
        data-server-knows={serverKnows}
        data-path={path ? (isRelayed(path) ? "relayed" : "direct") : undefined}
      >
        <span class="link-dot" aria-hidden="true" />
        {tell(state, page.pair.peer.name).short}
      </span>
      <span
        class="link-verified"
        data-testid="link-verified"
        data-verified={verified}
        title={verified ? "Verified: words compared" : "Peer not verified"}
      >
        <Icon name={verified ? "shield" : "shieldOff"} />
        <span>{verified ? "Verified" : "Peer not verified"}</span>
      </span>
    </p>
  );
}
