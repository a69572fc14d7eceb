// Buttons: one primary per view, `flash` only for going live.
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon";

type Look = "plain" | "primary" | "flash" | "danger" | "quiet" | "warn";

interface ButtonProps {
  look?: Look;
  icon?: IconName;
  /** For an icon alone: the accessible name; also the tooltip. */
  label?: string;
  busy?: boolean;
  disabled?: boolean;
  small?: boolean;
  wide?: boolean;
  type?: "button" | "submit";
  pressed?: boolean;
  testid?: string;
  onClick?: (event: MouseEvent) => void;
  children?: ComponentChildren;
}

const LOOK_CLASS: Record<Look, string> = {
  plain: "",
  primary: " button-primary",
  flash: " button-flash",
  danger: " button-danger",
  quiet: " button-quiet",
  warn: " button-quiet button-warn",
};

/** A button; busy keeps its width, shows a spinner and refuses presses. */
export function Button(props: ButtonProps) {
  const { look = "plain", icon, label, busy = false, small, wide, type = "button" } = props;
  const iconOnly = icon !== undefined && props.children === undefined;
  const sizes = `${small ? " button-small" : ""}${wide ? " button-wide" : ""}${iconOnly ? " button-icon" : ""}`;
  return (
    <button
      type={type}
      class={`button${LOOK_CLASS[look]}${sizes}`}
      aria-label={label}
      title={label}
      aria-busy={busy}
      aria-pressed={props.pressed}
      disabled={props.disabled}
      data-testid={props.testid}
      onClick={(event) => {
        if (!busy) props.onClick?.(event);
        else event.preventDefault();
      }}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {props.children}
    </button>
  );
}

interface LinkButtonProps {
  href: string;
  look?: Look;
  icon?: IconName;
  wide?: boolean;
  small?: boolean;
  testid?: string;
  download?: string;
  children: ComponentChildren;
}

/** A link that looks like a button: it goes somewhere. */
export function LinkButton(props: LinkButtonProps) {
  const sizes = `${props.wide ? " button-wide" : ""}${props.small ? " button-small" : ""}`;
  return (
    <a
      class={`button${LOOK_CLASS[props.look ?? "plain"]}${sizes}`}
      href={props.href}
      download={props.download}
      data-testid={props.testid}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </a>
  );
}
