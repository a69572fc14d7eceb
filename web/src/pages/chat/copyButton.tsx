// Copies a text, and says for a moment that it did.
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../ui/icon";

/** How long "Copied" stands, in milliseconds. */
const TOLD_MS = 2000;

/** A small button. */
export function CopyButton({
  text,
  label,
  testid,
}: {
  text: string;
  label: string;
  testid: string;
}) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), TOLD_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      // Not allowed here: the text can be selected.
    }
  };
  return (
    <button
      type="button"
      class="copy-text"
      title={label}
      aria-label={label}
      data-testid={testid}
      onClick={() => void copy()}
    >
      <Icon name={isCopied ? "check" : "copy"} />
      <span role="status">{isCopied ? "Copied" : "Copy"}</span>
    </button>
  );
}
