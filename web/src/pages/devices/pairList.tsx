// Pairs as cards: who, whether they are there, and the way in.
import { useState } from "preact/hooks";
import type { PairView } from "../../sdk";
import { Button, LinkButton } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { day } from "../../ui/format";
import { Icon, kindIcon } from "../../ui/icon";
import { Empty } from "../../ui/notice";
import { pairs, renamePair, revokePair } from "./model";
import { RenameDialog } from "./renameDialog";

/** The pairs of this device. */
export function PairList() {
  return (
    <section class="stack" aria-labelledby="pairs">
      <div class="row row-between">
        <h1 id="pairs">Pairs</h1>
        {pairs.value.length > 0 && (
          <LinkButton href="/invite" icon="plus" testid="invite-button">
            Pair another device
          </LinkButton>
        )}
      </div>
      {pairs.value.length === 0 ? (
        <NoPairs />
      ) : (
        <ul class="pairs">
          {pairs.value.map((pair) => (
            <li key={pair.pairId}>
              <PairCard pair={pair} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function NoPairs() {
  return (
    <Empty icon="link" title="Nothing to link to yet" testid="no-pairs">
      <p>Pair your phone and your laptop once. After that they find each other from any network.</p>
      <LinkButton href="/invite" look="primary" icon="plus" testid="invite-button">
        Pair another device
      </LinkButton>
    </Empty>
  );
}

function PairCard({ pair }: { pair: PairView }) {
  const [open, setOpen] = useState<"rename" | "revoke" | null>(null);
  const name = pair.label ?? pair.peer.name;
  return (
    <article
      class="card pair"
      data-testid="pair-card"
      data-pair={pair.pairId}
      data-online={pair.online}
    >
      <div class="pair-head">
        <span class="pair-icon">
          <Icon name={kindIcon(pair.peer.kind)} large />
        </span>
        <div class="grow">
          <h2 class="pair-name" data-testid="pair-name">
            {name}
          </h2>
          <p class="row small soft">
            <span class={pair.online ? "dot dot-on" : "dot"} aria-hidden="true" />
            {pair.online ? "Online" : "Offline"}
          </p>
        </div>
      </div>
      <PairAct pair={pair} />
      <div class="pair-foot">
        <p class="faint grow">
          {pair.verified ? "Verified" : "Not verified"} · since {day(pair.created)}
        </p>
        <div class="pair-acts">
          <Button
            look="quiet"
            icon="edit"
            label={`Rename ${name}`}
            testid="rename-pair"
            onClick={() => setOpen("rename")}
          />
          <Button
            look="quiet"
            icon="trash"
            label={`Revoke the pair with ${name}`}
            testid="revoke-pair"
            onClick={() => setOpen("revoke")}
          />
        </div>
      </div>
      {open === "rename" && (
        <RenameDialog
          title="Rename this pair"
          name={name}
          hint={`The device calls itself “${pair.peer.name}”. Your name for it is seen by your account only.`}
          onSave={(label) => renamePair(pair.pairId, label)}
          onClose={() => setOpen(null)}
        />
      )}
      {open === "revoke" && <RevokePair pair={pair} name={name} onClose={() => setOpen(null)} />}
    </article>
  );
}

function PairAct({ pair }: { pair: PairView }) {
  if (pair.stored === null) {
    return (
      <p class="small soft" data-testid="no-keys">
        This browser no longer holds the keys of this pair. Pair the two devices again.
      </p>
    );
  }
  return (
    <div class="pair-ways">
      <LinkButton
        href={`/link?pair=${encodeURIComponent(pair.pairId)}`}
        look={pair.online ? "primary" : "plain"}
        wide
        testid="open-link"
      >
        Open link
      </LinkButton>
      {pair.verified && (
        <LinkButton href={`/chat?pair=${encodeURIComponent(pair.pairId)}`} testid="open-chat">
          Chat
        </LinkButton>
      )}
    </div>
  );
}

function RevokePair({
  pair,
  name,
  onClose,
}: {
  pair: PairView;
  name: string;
  onClose: () => void;
}) {
  const [busy, setBusy] = useState(false);
  return (
    <Confirm
      title={`Revoke the pair with ${name}?`}
      act="Revoke pair"
      busy={busy}
      onClose={onClose}
      onConfirm={() => {
        setBusy(true);
        void revokePair(pair.pairId).finally(onClose);
      }}
    >
      <p>
        A link that is open closes at once, on both sides. To link again, pair the devices anew.
      </p>
    </Confirm>
  );
}
