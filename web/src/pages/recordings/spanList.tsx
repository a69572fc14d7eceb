// What is recorded of a day: to play, to download and, for its owner, to delete.
import { useState } from "preact/hooks";
import type { RecordedSpan } from "../../sdk";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { byteSize, day as dayWords } from "../../ui/format";
import { clock, spanOfAll } from "./days";
import { day, daySpans, deleteSpan, download, state, wish } from "./model";

/** The list. */
export function SpanList({ isOwner }: { isOwner: boolean }) {
  const [doomed, setDoomed] = useState<RecordedSpan | null>(null);
  const all = spanOfAll(daySpans.value);
  if (all === null) return null;
  return (
    <section aria-label="Recordings of the day">
      <div class="row row-between">
        <h2 class="small">{dayWords(day.value.begin)}</h2>
        <span class="row">
          <span class="faint figure">{byteSize(all.bytes)}</span>
          {isOwner && (
            <Button
              look="quiet"
              icon="trash"
              label="Delete all of this day"
              testid="delete-day"
              onClick={() => setDoomed(all)}
            />
          )}
        </span>
      </div>
      <ul class="span-list">
        {daySpans.value.map((span) => (
          <Span key={span.from} span={span} onDelete={isOwner ? () => setDoomed(span) : null} />
        ))}
      </ul>
      {doomed && <Delete span={doomed} onClose={() => setDoomed(null)} />}
    </section>
  );
}

/** One recording without a gap. */
function Span({ span, onDelete }: { span: RecordedSpan; onDelete: (() => void) | null }) {
  const words = `${clock(span.from)} to ${clock(span.to)}`;
  return (
    <li class="span-row">
      <button
        type="button"
        class="span-play"
        onClick={() => (wish.value = span.from)}
        data-testid="span"
      >
        <span class="figure">
          {clock(span.from)} – {clock(span.to)}
        </span>
        <span class="faint figure">{byteSize(span.bytes)}</span>
      </button>
      <Button
        look="quiet"
        icon="download"
        label={`Download ${words}`}
        testid="download-span"
        onClick={() => void download(span)}
      />
      {onDelete && (
        <Button
          look="quiet"
          icon="trash"
          label={`Delete ${words}`}
          testid="delete-span"
          onClick={onDelete}
        />
      )}
    </li>
  );
}

function Delete({ span, onClose }: { span: RecordedSpan; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  return (
    <Confirm
      title={`Delete ${clock(span.from)} to ${clock(span.to)}?`}
      act="Delete"
      busy={busy}
      onClose={onClose}
      onConfirm={() => {
        setBusy(true);
        void deleteSpan(span).finally(onClose);
      }}
    >
      <p>
        What was recorded on {dayWords(span.from)} from {clock(span.from)} to {clock(span.to)},{" "}
        {byteSize(span.bytes)}, is deleted for everybody. Nothing brings it back.
      </p>
      {state.value === "recording" && <p>What is being recorded at this moment goes on.</p>}
    </Confirm>
  );
}
