// What links need, checked one by one: what was measured, and where it fails, why and what to do.
import type { Check, CheckState } from "../../sdk";
import { Button } from "../../ui/button";
import { Icon, type IconName } from "../../ui/icon";
import { mount } from "../../ui/mount";
import { FailureNotice } from "../../ui/notice";
import { Head, Shell } from "../../ui/shell";
import { sentence } from "../shared/failure";
import { checks, doctorFailure, examine, faults, isRunning } from "./model";
import "./doctor.css";

const LOOK: Record<Exclude<CheckState, "pending">, readonly [icon: IconName, word: string]> = {
  good: ["check", "works"],
  note: ["info", "worth knowing"],
  bad: ["warn", "does not work"],
  untold: ["info", "not told"],
};

function Doctor() {
  return (
    <Shell at="other">
      <div class="stack stack-loose">
        <Head title="Doctor">
          Checks what a link needs, from this browser and on this network. A cause is named only
          where it was measured.
        </Head>
        <div class="row row-between">
          <p
            class="soft"
            role="status"
            data-testid="doctor-verdict"
            data-running={isRunning.value}
            data-faults={faults.value}
          >
            {verdict()}
          </p>
          <Button
            icon="retry"
            busy={isRunning.value}
            testid="doctor-again"
            onClick={() => void examine()}
          >
            Check again
          </Button>
        </div>
        {doctorFailure.value && <FailureNotice failure={doctorFailure.value} />}
        <ul class="list" data-testid="doctor-checks">
          {checks.value.map((check) => (
            <Row key={check.id} check={check} />
          ))}
        </ul>
      </div>
    </Shell>
  );
}

function verdict(): string {
  if (isRunning.value) {
    const done = checks.value.filter(({ finding }) => finding.state !== "pending").length;
    return `${done} of ${checks.value.length} checked`;
  }
  if (faults.value === 0) return "No check found a fault.";
  return faults.value === 1 ? "One check found a fault." : `${faults.value} checks found faults.`;
}

function Row({ check }: { check: Check }) {
  const { id, title, finding } = check;
  const { state, measured, cause, remedy, line } = finding;
  return (
    <li class={`check check-${state}`} data-testid={`check-${id}`} data-state={state}>
      <Mark state={state} />
      <div class="check-body">
        <h2 class="check-title">{title}</h2>
        {measured.map((text) => (
          <p key={text} class="check-measured figure" data-testid="check-measured">
            {text}
          </p>
        ))}
        {cause && <p data-testid="check-cause">{sentence(cause)}</p>}
        {remedy && (
          <p class="soft" data-testid="check-remedy">
            {remedy}
          </p>
        )}
        {line && (
          <p>
            <code class="check-line" data-testid="check-line">
              {line}
            </code>
          </p>
        )}
      </div>
    </li>
  );
}

function Mark({ state }: { state: CheckState }) {
  if (state === "pending") return <span class="check-waiting" role="img" aria-label="waiting" />;
  const [icon, word] = LOOK[state];
  return (
    <span class="check-mark" title={word}>
      <Icon name={icon} />
      <span class="visually-hidden">{word}</span>
    </span>
  );
}

mount(<Doctor />);
void examine();
