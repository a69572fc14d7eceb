// Waits that say what is being waited for.

/** A single wait. */
export function Waiting({ children }: { children: string }) {
  return (
    <div class="waiting" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>{children}</span>
    </div>
  );
}

interface StepsProps {
  /** The steps in order. */
  steps: readonly string[];
  /** Index of the step under way; `steps.length` when all are done. */
  at: number;
}

/** The steps of a longer wait, the current one lit. */
export function StepProgress({ steps, at }: StepsProps) {
  return (
    <ol class="progress">
      {steps.map((step, index) => {
        const state = index < at ? "done" : index === at ? "active" : "ahead";
        return (
          <li key={step} data-step={state} aria-current={state === "active" ? "step" : undefined}>
            <span class="progress-mark" aria-hidden="true" />
            {step}
            {state === "done" && <span class="visually-hidden">, done</span>}
          </li>
        );
      })}
    </ol>
  );
}
