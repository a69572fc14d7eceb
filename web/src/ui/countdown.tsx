// A ring that empties with the seconds in its middle.
import { useEffect, useState } from "preact/hooks";

const RADIUS = 20;
const LENGTH = 2 * Math.PI * RADIUS;
/** Readers hear the time at these marks, not every second. */
const SPOKEN_SECONDS = [60, 30, 10];

interface CountdownProps {
  expiresMs: number;
  totalMs: number;
  onExpired?: () => void;
}

/** Counts down to `expiresMs`. */
export function Countdown({ expiresMs, totalMs, onExpired }: CountdownProps) {
  const leftMs = useLeftMs(expiresMs, onExpired);
  const seconds = Math.ceil(leftMs / 1000);
  const share = Math.min(1, leftMs / totalMs);
  return (
    <div class="countdown" data-low={seconds <= 20} data-testid="countdown">
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <circle class="countdown-track" cx="24" cy="24" r={RADIUS} />
        <circle
          class="countdown-left"
          cx="24"
          cy="24"
          r={RADIUS}
          stroke-dasharray={LENGTH}
          stroke-dashoffset={LENGTH * (1 - share)}
          transform="rotate(-90 24 24)"
        />
      </svg>
      <span class="countdown-figure figure" aria-hidden="true">
        {seconds}
      </span>
      <span class="visually-hidden" role="timer">
        {SPOKEN_SECONDS.includes(seconds) ? `${seconds} seconds left` : ""}
      </span>
    </div>
  );
}

function useLeftMs(expiresMs: number, onExpired?: () => void): number {
  const [leftMs, setLeftMs] = useState(() => Math.max(0, expiresMs - Date.now()));
  useEffect(() => {
    const tick = () => {
      const left = Math.max(0, expiresMs - Date.now());
      setLeftMs(left);
      if (left === 0) {
        clearInterval(timer);
        onExpired?.();
      }
    };
    const timer = setInterval(tick, 250);
    tick();
    return () => clearInterval(timer);
  }, [expiresMs]);
  return leftMs;
}
