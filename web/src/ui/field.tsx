// Labelled inputs. The label is always visible; the hint and the fault are tied to the input for readers.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Icon, type IconName } from "./icon";

interface TextFieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: string;
  fault?: string;
  maxLength?: number;
  type?: "text" | "url" | "password";
  autocomplete?: string;
  placeholder?: string;
  testid?: string;
  autofocus?: boolean;
}

/** One line of text. */
export function TextField(props: TextFieldProps) {
  const id = useId();
  const described = props.fault ? `${id}-fault` : props.hint ? `${id}-hint` : undefined;
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <input
        id={id}
        class="input"
        // Preact types each input type apart; these three differ in nothing used here.
        type={(props.type ?? "text") as "text"}
        value={props.value}
        maxLength={props.maxLength}
        autocomplete={props.autocomplete ?? "off"}
        placeholder={props.placeholder}
        aria-invalid={props.fault ? "true" : undefined}
        aria-describedby={described}
        data-testid={props.testid}
        ref={(element) => {
          if (props.autofocus && element && document.activeElement === document.body)
            element.focus();
        }}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      {props.fault ? (
        <p class="field-error" id={`${id}-fault`} role="alert">
          {props.fault}
        </p>
      ) : (
        props.hint && (
          <p class="field-hint" id={`${id}-hint`}>
            {props.hint}
          </p>
        )
      )}
    </div>
  );
}

/** One option of a select or of choices. */
export interface Option<T extends string> {
  value: T;
  label: string;
  detail?: string;
  icon?: IconName;
  disabled?: boolean;
}

interface SelectFieldProps<T extends string> {
  label: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
  hint?: string;
  disabled?: boolean;
  testid?: string;
}

/** One of many. */
export function SelectField<T extends string>(props: SelectFieldProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <select
        id={id}
        class="input"
        value={props.value}
        disabled={props.disabled}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
        data-testid={props.testid}
        onChange={(event) => props.onChange(event.currentTarget.value as T)}
      >
        {props.options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.label}
          </option>
        ))}
      </select>
      {props.hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

interface ChoicesProps<T extends string> {
  label: string;
  name: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
  testid?: string;
}

/** One of a few, all visible: radio buttons with faces. */
export function Choices<T extends string>(props: ChoicesProps<T>) {
  return (
    <fieldset class="field" data-testid={props.testid}>
      <legend class="field-label">{props.label}</legend>
      <div class={choicesClass(props.options)}>
        {props.options.map((option) => (
          <label key={option.value} class="choice">
            <input
              type="radio"
              name={props.name}
              value={option.value}
              checked={props.value === option.value}
              disabled={option.disabled}
              data-testid={props.testid && `${props.testid}-${option.value}`}
              onChange={() => props.onChange(option.value)}
            />
            <span class="choice-face">
              {option.icon && <Icon name={option.icon} />}
              {option.label}
              {option.detail && <small>{option.detail}</small>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Icons stand five in a row; four plain ones in a row or in two. */
function choicesClass(options: readonly Option<string>[]): string {
  if (options.some((option) => option.icon)) return "choices choices-icons";
  return options.length === 4 ? "choices choices-even" : "choices";
}

interface SwitchProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
  testid?: string;
  children: ComponentChildren;
}

/** On or off, at once. */
export function Switch(props: SwitchProps) {
  return (
    <label class="switch">
      <span>{props.children}</span>
      <input
        type="checkbox"
        role="switch"
        checked={props.checked}
        disabled={props.disabled}
        data-testid={props.testid}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
    </label>
  );
}
