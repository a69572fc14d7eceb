// The panels and their tabs: at the bottom of a phone, on top of the side panel of a laptop.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { FailureNotice, Notice } from "../../ui/notice";
import { Button } from "../../ui/button";
import { Icon, type IconName } from "../../ui/icon";
import { FailurePanel } from "./failurePanel";
import { offers } from "./files";
import { FilesPanel } from "./filesPanel";
import { linkState, refused } from "./model";
import { StatsPanel } from "./statsPanel";
import { StillsPanel } from "./stillsPanel";
import { TextPanel } from "./textPanel";
import { unread } from "./texts";
import { VideoPanel } from "./videoPanel";

/** The panels by name. */
export type Tab = "video" | "stills" | "text" | "files" | "statistics";

/** The panel on the screen. */
export const tab = signal<Tab>("video");

const TABS: readonly { name: Tab; label: string; icon: IconName }[] = [
  { name: "video", label: "Video", icon: "video" },
  { name: "stills", label: "Stills", icon: "stills" },
  { name: "text", label: "Text", icon: "text" },
  { name: "files", label: "Files", icon: "file" },
  { name: "statistics", label: "Statistics", icon: "chart" },
];

/** Tabs and the chosen panel. */
export function Panels() {
  const current = tab.value;
  useEffect(() => {
    if (current === "text") unread.value = 0;
  }, [current, unread.value]);
  return (
    <aside class="side" data-tab={current}>
      <div class="tabs" role="tablist" aria-label="Panels" onKeyDown={moveByArrows}>
        {TABS.map(({ name, label, icon }) => (
          <button
            key={name}
            type="button"
            role="tab"
            class="tab"
            id={`tab-${name}`}
            aria-selected={current === name}
            aria-controls="panel"
            tabIndex={current === name ? 0 : -1}
            data-testid={`tab-${name}`}
            onClick={() => (tab.value = name)}
          >
            <Icon name={icon} />
            <span>{label}</span>
            {name === "text" && unread.value > 0 && <Badge count={unread.value} of="unread" />}
            {name === "files" && offers.value > 0 && <Badge count={offers.value} of="offered" />}
          </button>
        ))}
      </div>
      <div
        class="panel"
        id="panel"
        role="tabpanel"
        aria-labelledby={`tab-${current}`}
        data-testid={`panel-${current}`}
      >
        <Trouble />
        {current === "video" && <VideoPanel />}
        {current === "stills" && <StillsPanel />}
        {current === "text" && <TextPanel />}
        {current === "files" && <FilesPanel />}
        {current === "statistics" && <StatsPanel />}
      </div>
    </aside>
  );
}

function Badge({ count, of }: { count: number; of: string }) {
  return (
    <span class="tab-badge figure">
      {count > 99 ? "99+" : count}
      <span class="visually-hidden"> {of}</span>
    </span>
  );
}

/** Failures stand above whatever panel is open. */
function Trouble() {
  const state = linkState.value;
  return (
    <>
      {refused.value && (
        <FailureNotice failure={refused.value} testid="link-refused">
          <Button small onClick={() => (refused.value = null)}>
            Dismiss
          </Button>
        </FailureNotice>
      )}
      {state?.failure && state.phase !== "open" && <FailurePanel failure={state.failure} />}
      {state && !state.verified && (
        <Notice tone="warn" title="Peer not verified" testid="not-verified">
          <p>
            Nobody compared words for this pair, so its keys were never proven to be your device's.
          </p>
        </Notice>
      )}
    </>
  );
}

/** Left and right move between tabs, as in every tab list (WAI-ARIA). */
function moveByArrows(event: KeyboardEvent): void {
  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (step === 0) return;
  const at = TABS.findIndex(({ name }) => name === tab.value);
  const next = TABS[(at + step + TABS.length) % TABS.length];
  if (!next) return;
  tab.value = next.name;
  document.getElementById(`tab-${next.name}`)?.focus();
}
