// The end of a pairing, on both sides.
import type { StoredPair } from "../../sdk";
import { LinkButton } from "../../ui/button";
import { Icon, kindIcon } from "../../ui/icon";
import { Head } from "../../ui/shell";

/** Says who is paired and leads to the link. */
export function Paired({ pair }: { pair: StoredPair }) {
  return (
    <div class="stack stack-loose" data-testid="paired" data-pair={pair.pairId}>
      <Head title={`Paired with ${pair.peer.name}`}>
        Both devices have signed it. From here on they know each other's keys and need no words
        again.
      </Head>
      <div class="card row">
        <Icon name={kindIcon(pair.peer.kind)} large />
        <span class="name grow">{pair.peer.name}</span>
        <span class="tag tag-good">Verified</span>
      </div>
      <div class="stack stack-tight">
        <LinkButton
          href={`/link?pair=${encodeURIComponent(pair.pairId)}`}
          look="primary"
          wide
          testid="paired-open"
        >
          Open link
        </LinkButton>
        <LinkButton href="/" look="quiet" wide>
          Go to your devices
        </LinkButton>
      </div>
    </div>
  );
}
