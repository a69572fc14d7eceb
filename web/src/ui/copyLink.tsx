// A link to pass on: readable, selectable, copied or shared with one tap.
import { Button } from "./button";
import { toast } from "./toast";

interface CopyLinkProps {
  url: string;
  /** Title for the system's share sheet. */
  title: string;
  testid: string;
}

/** The link with Copy and, where the system has it, Share. */
export function CopyLink({ url, title, testid }: CopyLinkProps) {
  const canShare = typeof navigator.share === "function";
  return (
    <div class="copy">
      <input
        class="input copy-url"
        readOnly
        value={url}
        aria-label="Link"
        data-testid={testid}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="copy-acts">
        <Button icon="copy" onClick={() => void copy(url)} testid="copy-link">
          Copy link
        </Button>
        {canShare && (
          <Button
            icon="share"
            onClick={() => void navigator.share({ title, url }).catch(() => undefined)}
          >
            Share
          </Button>
        )}
      </div>
    </div>
  );
}

async function copy(url: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(url);
    toast("Link copied");
  } catch {
    toast("This browser does not let pages copy. Select the link and copy it by hand.");
  }
}
