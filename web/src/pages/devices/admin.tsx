// What only admins see: invite another person, and what was done on this server.
import { useState } from "preact/hooks";
import type { AuditEntry, Invite } from "../../sdk";
import { Button } from "../../ui/button";
import { CopyLink } from "../../ui/copyLink";
import { Dialog } from "../../ui/dialog";
import { ago, clock, day } from "../../ui/format";
import { QrCode } from "../../ui/qr";
import { audit, devices, inviteAccount, loadAudit, pairs } from "./model";

/** The admin's section. */
export function Admin() {
  const [invite, setInvite] = useState<Invite | null>(null);
  const [busy, setBusy] = useState(false);
  const make = () => {
    setBusy(true);
    void inviteAccount()
      .then(setInvite)
      .finally(() => setBusy(false));
  };
  return (
    <section class="stack" aria-labelledby="admin">
      <h2 id="admin">Server</h2>
      <div class="row">
        <Button icon="people" small busy={busy} onClick={make} testid="account-invite">
          Invite a person
        </Button>
        <Button icon="clock" small onClick={() => void loadAudit()} testid="show-audit">
          {audit.value ? "Refresh the log" : "Show the log"}
        </Button>
      </div>
      {audit.value && <AuditList entries={audit.value} />}
      {invite && <InviteDialog invite={invite} onClose={() => setInvite(null)} />}
    </section>
  );
}

function InviteDialog({ invite, onClose }: { invite: Invite; onClose: () => void }) {
  return (
    <Dialog
      title="Invite a person"
      onClose={onClose}
      testid="account-invite-dialog"
      actions={<Button onClick={onClose}>Done</Button>}
    >
      <p class="soft">
        Whoever opens this link gets an account of their own here. It works once, until{" "}
        {clock(invite.expiresMs)}.
      </p>
      <QrCode text={invite.url} label="Invitation link as a QR code" />
      <CopyLink url={invite.url} title="An account on my Heliograph" testid="account-invite-link" />
    </Dialog>
  );
}

function AuditList({ entries }: { entries: AuditEntry[] }) {
  const now = Date.now();
  if (entries.length === 0) return <p class="faint">Nothing has been done yet.</p>;
  return (
    <ol class="list audit" data-testid="audit-list">
      {entries.map((entry, index) => (
        <li key={index} class="audit-row">
          <span>{actionText(entry)}</span>
          <time
            class="faint"
            dateTime={new Date(entry.time).toISOString()}
            title={`${day(entry.time)} ${clock(entry.time)}`}
          >
            {ago(entry.time, now)}
          </time>
        </li>
      ))}
    </ol>
  );
}

/** `pair-revoked` of a known device reads "Pair revoked: Ada's phone". */
function actionText(entry: AuditEntry): string {
  const words = entry.action.replaceAll(/[-_.]+/g, " ");
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  const subject = subjectOf(entry);
  return subject ? `${sentence}: ${subject}` : sentence;
}

function subjectOf(entry: AuditEntry): string | undefined {
  const device = devices.value.find((each) => each.deviceId === entry.device);
  if (device) return device.label ?? device.name;
  const named = entry.replacedBy ?? entry.pair;
  const pair = pairs.value.find((each) => each.pairId === named);
  if (pair) return pair.label ?? pair.peer.name;
  return (entry.device ?? entry.pair)?.slice(0, 8);
}
