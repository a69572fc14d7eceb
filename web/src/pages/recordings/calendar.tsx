// A month; days with recordings can be chosen.
import { useState } from "preact/hooks";
import { Button } from "../../ui/button";
import { day, days, showDay } from "./model";
import { weeksOf } from "./days";

const WEEKDAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

/** The calendar. */
export function Calendar() {
  const shown = new Date(day.value.begin);
  const [month, setMonth] = useState({ year: shown.getFullYear(), month: shown.getMonth() });
  const turn = (by: number) => {
    const next = new Date(month.year, month.month + by, 1);
    setMonth({ year: next.getFullYear(), month: next.getMonth() });
  };
  const title = new Date(month.year, month.month, 1).toLocaleDateString("en-GB", {
    month: "long",
    year: "numeric",
  });
  return (
    <section class="calendar" aria-label="Days with recordings">
      <div class="row row-between">
        <Button look="quiet" icon="back" label="Month before" onClick={() => turn(-1)} />
        <h2 class="small" aria-live="polite">
          {title}
        </h2>
        <Button look="quiet" icon="next" label="Month after" onClick={() => turn(1)} />
      </div>
      <table class="calendar-days">
        <thead>
          <tr>
            {WEEKDAYS.map((name) => (
              <th key={name} scope="col" class="faint">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeksOf(month.year, month.month).map((week, index) => (
            <tr key={index}>
              {week.map((begin, weekday) => (
                <td key={weekday}>{begin !== null && <DayButton begin={begin} />}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function DayButton({ begin }: { begin: number }) {
  const isShown = begin === day.value.begin;
  return (
    <button
      type="button"
      class="calendar-day"
      aria-pressed={isShown}
      aria-label={new Date(begin).toLocaleDateString("en-GB", { dateStyle: "full" })}
      disabled={!days.value.has(begin)}
      onClick={() => showDay(begin)}
      data-testid={days.value.has(begin) ? "recorded-day" : undefined}
    >
      {new Date(begin).getDate()}
    </button>
  );
}
