// One stream: whether it is live, who may watch, and the ways in.
import { useState } from "preact/hooks";
import type { StreamInfo } from "../../sdk";
import { Button, LinkButton } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { Switch } from "../../ui/field";
import { byteSize, day } from "../../ui/format";
import { liveWords } from "./liveWords";
import { live, put, remove } from "./model";
import { ShareDialog } from "./shareDialog";

/** The card; its share dialog opens at once when the address names the stream after `#`. */
export function StreamCard({ stream }: { stream: StreamInfo }) {
  const { name, isPublic, isRecorded } = stream;
  const [open, setOpen] = useState<"share" | "remove" | null>(
    location.hash === `#${name}` ? "share" : null,
  );
  return (
    <article class="card stream" data-testid="stream-card" data-stream={name}>
      <div class="stream-head">
        <div class="grow">
          <h2 class="clip" title={name}>
            {name}
          </h2>
          <LiveLine name={name} />
        </div>
        <Button
          look="quiet"
          icon="trash"
          label={`Remove ${name}`}
          testid="remove-stream"
          onClick={() => setOpen("remove")}
        />
      </div>
      <Switch
        checked={isPublic}
        onChange={(value) => void put(name, { isPublic: value })}
        testid="public-switch"
      >
        Anybody may watch
      </Switch>
      <Switch
        checked={isRecorded}
        onChange={(value) => void put(name, { isRecorded: value })}
        testid="record-switch"
      >
        Record whatever is published
      </Switch>
      <div class="stream-acts">
        <LinkButton href={`/${name}/`} look="primary" testid="watch-stream">
          Watch
        </LinkButton>
        <LinkButton href={`/${name}/publish`} testid="publish-stream">
          Publish
        </LinkButton>
        <Button onClick={() => setOpen("share")} testid="share-stream">
          Share
        </Button>
      </div>
      <p class="row row-between faint">
        <span>Since {day(stream.createdAt)}</span>
        <a href={`/${name}/recordings`} data-testid="recordings-link">
          Recordings
        </a>
      </p>
      {open === "share" && <ShareDialog stream={name} onClose={() => setOpen(null)} />}
      {open === "remove" && <Remove name={name} onClose={() => setOpen(null)} />}
    </article>
  );
}

function LiveLine({ name }: { name: string }) {
  const told = liveWords(live.value, name);
  if (!told) return null;
  const path = live.value?.get(name);
  return (
    <p class="row small soft" data-testid="live-line" data-live={told.isLive}>
      <span class={told.isLive ? "dot dot-on" : "dot"} aria-hidden="true" />
      <span>{told.words}</span>
      {told.isLive && path && (
        <span class="figure">
          {byteSize(path.bytesReceived)} in, {byteSize(path.bytesSent)} out
        </span>
      )}
    </p>
  );
}

function Remove({ name, onClose }: { name: string; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  return (
    <Confirm
      title={`Remove ${name}?`}
      act="Remove stream"
      busy={busy}
      onClose={onClose}
      onConfirm={() => {
        setBusy(true);
        void remove(name).finally(onClose);
      }}
    >
      <p>Its share links stop working at once, and its name is free for others.</p>
    </Confirm>
  );
}
