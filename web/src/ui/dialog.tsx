// Modal dialogs on the platform's own <dialog>: focus trap, Escape and backdrop come with it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button } from "./button";

interface DialogProps {
  title: string;
  onClose: () => void;
  testid?: string;
  children: ComponentChildren;
  /** The buttons at the foot, the safe one first. */
  actions?: ComponentChildren;
}

/** An open dialog; mount it to open, unmount it to close. */
export function Dialog({ title, onClose, testid, children, actions }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      data-testid={testid}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
        {actions && <div class="dialog-actions">{actions}</div>}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  children: ComponentChildren;
  /** What the dangerous button says: the act itself, never "OK". */
  act: string;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be undone. */
export function Confirm(props: ConfirmProps) {
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      testid="confirm-dialog"
      actions={
        <>
          <Button onClick={props.onClose} testid="cancel">
            Keep it
          </Button>
          <Button
            look="danger"
            busy={props.busy ?? false}
            onClick={props.onConfirm}
            testid="confirm"
          >
            {props.act}
          </Button>
        </>
      }
    >
      <div class="stack stack-tight soft">{props.children}</div>
    </Dialog>
  );
}
