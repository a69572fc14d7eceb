// Links by which others watch or send without an account: made, shown once with a QR code, taken back.
import { useEffect, useState } from "preact/hooks";
import type { NewShare, ShareInfo, StreamAction } from "../../sdk";
import { Button } from "../../ui/button";
import { CopyLink } from "../../ui/copyLink";
import { Dialog } from "../../ui/dialog";
import { Choices, SelectField, TextField } from "../../ui/field";
import { clock, day } from "../../ui/format";
import { FailureNotice } from "../../ui/notice";
import { Waiting } from "../../ui/progress";
import { QrCode } from "../../ui/qr";
import { actFailure, loadShares, revokeShare, share, shares } from "./model";

const DAY_SECONDS = 86_400;

/** How long a link may live; the server's own limit is a year. */
const LIFETIMES = [
  { value: String(3600), label: "One hour" },
  { value: String(DAY_SECONDS), label: "One day" },
  { value: String(7 * DAY_SECONDS), label: "A week" },
  { value: String(30 * DAY_SECONDS), label: "30 days" },
  { value: String(365 * DAY_SECONDS), label: "A year" },
] as const;

const LABEL_LIMIT = 64;

/** Makes links of a stream and lists those there are. */
export function ShareDialog({ stream, onClose }: { stream: string; onClose: () => void }) {
  const [made, setMade] = useState<NewShare | null>(null);
  useEffect(() => void loadShares(stream), [stream]);
  return (
    <Dialog
      title={`Share ${stream}`}
      onClose={onClose}
      testid="share-dialog"
      actions={<Button onClick={onClose}>Done</Button>}
    >
      {actFailure.value && <FailureNotice failure={actFailure.value} testid="share-failure" />}
      {made ? (
        <MadeLink stream={stream} made={made} onAgain={() => setMade(null)} />
      ) : (
        <MakeLink stream={stream} onMade={setMade} />
      )}
      <Links stream={stream} />
    </Dialog>
  );
}

function MakeLink({ stream, onMade }: { stream: string; onMade: (made: NewShare) => void }) {
  const [action, setAction] = useState<StreamAction>("view");
  const [lifetime, setLifetime] = useState<string>(LIFETIMES[2].value);
  const [label, setLabel] = useState("");
  const [busy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    const wish = { action, expiresIn: Number(lifetime), label: label.trim() };
    const made = await share(stream, wish);
    setBusy(false);
    if (made) onMade(made);
  };
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void make();
      }}
    >
      <Choices<StreamAction>
        label="Whoever has the link may"
        name="share-action"
        value={action}
        options={[
          { value: "view", label: "Watch" },
          { value: "publish", label: "Send" },
        ]}
        onChange={setAction}
        testid="share-action"
      />
      <SelectField
        label="For"
        value={lifetime}
        options={LIFETIMES}
        onChange={setLifetime}
        testid="share-lifetime"
      />
      <TextField
        label="Who is it for?"
        value={label}
        onInput={setLabel}
        maxLength={LABEL_LIMIT}
        hint="Only you see it, to find the link again."
        testid="share-label"
      />
      <Button type="submit" look="primary" wide busy={busy} icon="link" testid="share-make">
        Make a link
      </Button>
    </form>
  );
}

interface MadeLinkProps {
  stream: string;
  made: NewShare;
  onAgain: () => void;
}

function MadeLink({ stream, made, onAgain }: MadeLinkProps) {
  return (
    <div class="stack" data-testid="share-made">
      <p class="soft">
        Whoever has this link may {made.action === "view" ? "watch" : "send"} until{" "}
        {day(made.expiresAt)}, {clock(made.expiresAt)}. It is shown this once.
      </p>
      <QrCode text={made.url} label="Share link as a QR code" />
      <CopyLink url={made.url} title="A stream of mine" testid="share-link" />
      {made.action === "view" && <Embed stream={stream} code={made.code} />}
      <Button look="quiet" icon="plus" onClick={onAgain}>
        Make another
      </Button>
    </div>
  );
}

/** The same right for a page of another site. */
function Embed({ stream, code }: { stream: string; code: string }) {
  const { origin } = location;
  const lines = [
    `<script type="module" src="${origin}/player.js"></script>`,
    `<heliograph-player src="${origin}/${stream}/whep" token="${code}" controls muted></heliograph-player>`,
  ];
  return (
    <details class="stack stack-tight" data-testid="share-embed">
      <summary>Put it on a page of your own</summary>
      <textarea
        class="input"
        readOnly
        rows={7}
        aria-label="HTML for your page"
        value={lines.join("\n")}
        onFocus={(event) => event.currentTarget.select()}
      />
    </details>
  );
}

function Links({ stream }: { stream: string }) {
  const list = shares.value;
  if (list === null) return actFailure.value ? null : <Waiting>Loading the links</Waiting>;
  if (list.length === 0) return null;
  return (
    <section class="stack stack-tight" aria-labelledby="links">
      <h3 id="links">Links that are out</h3>
      <ul class="list" data-testid="share-list">
        {list.map((each) => (
          <li key={each.id} class="list-row" data-testid="share-row">
            <div class="list-row-text">
              <p class="name clip">{nameOf(each)}</p>
              <p class="faint">
                {each.action === "view" ? "May watch" : "May send"} until {day(each.expiresAt)}
              </p>
            </div>
            <Button
              look="quiet"
              icon="trash"
              label={`Revoke the link for ${nameOf(each)}`}
              testid="revoke-share"
              onClick={() => void revokeShare(stream, each.id)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

function nameOf({ label }: ShareInfo): string {
  return label === "" ? "Without a name" : label;
}
