// What happened and what to do next. A failure without a next step does not type-check.
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon";

/** A failure as a person reads it. */
export interface Failure {
  /** What did not work, in a few words. */
  title: string;
  /** Why, as far as it is known. */
  cause: string;
  /** What to do about it. */
  next: string;
  /** The stable code, for searching the documentation. */
  code?: string;
}

type Tone = "info" | "good" | "warn" | "bad";

const TONE_ICON: Record<Tone, IconName> = {
  info: "info",
  good: "check",
  warn: "warn",
  bad: "warn",
};

interface NoticeProps {
  tone: Tone;
  title: string;
  testid?: string;
  children?: ComponentChildren;
}

/** A block in one of four tones. */
export function Notice({ tone, title, testid, children }: NoticeProps) {
  return (
    <div
      class={`notice notice-${tone}`}
      role={tone === "bad" ? "alert" : "status"}
      data-testid={testid}
    >
      <Icon name={TONE_ICON[tone]} />
      <div class="notice-body">
        <p class="notice-title">{title}</p>
        {children}
      </div>
    </div>
  );
}

interface FailureProps {
  failure: Failure;
  testid?: string;
  /** Buttons for the next step. */
  children?: ComponentChildren;
}

/** A failure with its cause and next step. */
export function FailureNotice({ failure, testid, children }: FailureProps) {
  return (
    <div class="notice notice-bad" role="alert" data-testid={testid} data-code={failure.code}>
      <Icon name="warn" />
      <div class="notice-body">
        <p class="notice-title">{failure.title}</p>
        <p>{failure.cause}</p>
        <p class="notice-next">{failure.next}</p>
        {failure.code && <p class="faint">Code: {failure.code}</p>}
        {children && <div class="notice-actions">{children}</div>}
      </div>
    </div>
  );
}

/** A place with nothing in it yet, and how to fill it. */
export function Empty(props: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  testid?: string;
}) {
  return (
    <div class="empty" data-testid={props.testid}>
      <Icon name={props.icon} large />
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}
