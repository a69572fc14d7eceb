// A short confirmation at the foot of the screen; never for failures, which stay where they happened.
import { signal } from "@preact/signals";

const SHOWN_MS = 2600;
const message = signal("");
let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows `text` for a moment. */
export function toast(text: string): void {
  message.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    message.value = "";
  }, SHOWN_MS);
}

/** Where toasts appear; the live region is always present so that readers announce it. */
export function Toast() {
  return (
    <div role="status" aria-live="polite">
      {message.value && <div class="toast">{message.value}</div>}
    </div>
  );
}
