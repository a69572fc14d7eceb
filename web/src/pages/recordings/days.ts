// Days of recordings, by the clock of whoever looks.
import type { RecordedSpan } from "../../sdk";

/** A day: when it begins and when the next one does, in Unix milliseconds. */
export interface Day {
  begin: number;
  end: number;
}

/** The day that a moment is in. A day of a change of clocks has 23 or 25 hours. */
export function dayOf(ms: number): Day {
  const date = new Date(ms);
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const at = (of: number) => new Date(year, month, of).getTime();
  return { begin: at(day), end: at(day + 1) };
}

/** What of the spans is within a day. */
export function spansOf(spans: readonly RecordedSpan[], { begin, end }: Day): RecordedSpan[] {
  const within = spans.filter(({ from, to }) => from < end && to > begin);
  return within.map((span) => {
    const [from, to] = [Math.max(span.from, begin), Math.min(span.to, end)];
    const part = (to - from) / Math.max(span.to - span.from, 1);
    return { from, to, bytes: Math.round(span.bytes * part) };
  });
}

/** From the first of the spans to the last, and the bytes of all; null where there is none. */
export function spanOfAll(spans: readonly RecordedSpan[]): RecordedSpan | null {
  const [first, last] = [spans[0], spans.at(-1)];
  if (!first || !last) return null;
  return { from: first.from, to: last.to, bytes: spans.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** The beginnings of the days on which there is something. */
export function recordedDays(spans: readonly RecordedSpan[]): Set<number> {
  const days = new Set<number>();
  for (const { from, to } of spans) {
    for (let day = dayOf(from); day.begin < to; day = dayOf(day.end)) days.add(day.begin);
  }
  return days;
}

/** The weeks of a month, Monday first: beginnings of days, or null beside the month. */
export function weeksOf(year: number, month: number): (number | null)[][] {
  const before = (new Date(year, month, 1).getDay() + 6) % 7;
  const count = new Date(year, month + 1, 0).getDate();
  const cells: (number | null)[] = Array.from({ length: before }, () => null);
  for (let day = 1; day <= count; day += 1) cells.push(new Date(year, month, day).getTime());
  while (cells.length % 7 !== 0) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

/** A part of a playlist as a player knows it: its place in the film, and when it was. */
export interface Placed {
  /** Seconds of the film. */
  start: number;
  duration: number;
  /** Unix milliseconds. */
  programDateTime: number | null;
}

/** The second of the film that shows a moment, or the next one that is shown; null where none is. */
export function secondOf(parts: readonly Placed[], ms: number): number | null {
  for (const { start, duration, programDateTime: begin } of parts) {
    if (begin === null || begin + duration * 1000 <= ms) continue;
    return start + Math.max(0, ms - begin) / 1000;
  }
  return null;
}

/** The moment that a second of the film shows. */
export function momentOf(parts: readonly Placed[], second: number): number | null {
  const part = parts.findLast(({ start }) => start <= second + 0.001);
  if (!part || part.programDateTime === null) return null;
  return part.programDateTime + Math.min(second - part.start, part.duration) * 1000;
}

/** `14:03:07`. */
export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString("en-GB");
}
