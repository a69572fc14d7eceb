// A relay (TURN server) of the person's own, beside those of the server.
import { useState } from "preact/hooks";
import { TextField } from "../../ui/field";
import { isRelayUrl, type ExtraRelay } from "./preferences";

interface RelayFormProps {
  relay: ExtraRelay | null;
  onChange: (relay: ExtraRelay | null) => void;
}

/** Address, user name and password; an empty address means none. */
export function RelayForm({ relay, onChange }: RelayFormProps) {
  const [draft, setDraft] = useState<ExtraRelay>(
    relay ?? { url: "", username: "", credential: "" },
  );
  const isWrong = draft.url !== "" && !isRelayUrl(draft.url);
  const change = (part: Partial<ExtraRelay>) => {
    const next = { ...draft, ...part };
    setDraft(next);
    if (next.url === "") onChange(null);
    else if (isRelayUrl(next.url)) onChange(next);
  };
  return (
    <details class="fold" open={relay !== null}>
      <summary data-testid="relay-fold">A relay of your own</summary>
      <div class="stack">
        <TextField
          label="Address"
          value={draft.url}
          onInput={(url) => change({ url: url.trim() })}
          placeholder="turn:relay.example.org:3478"
          hint="Beside the server's own. Empty for none."
          {...(isWrong && { fault: "Begin with turn: or turns:, then the host and the port." })}
          testid="relay-url"
        />
        {draft.url !== "" && (
          <>
            <TextField
              label="User name"
              value={draft.username}
              onInput={(username) => change({ username })}
              testid="relay-username"
            />
            <TextField
              label="Password"
              type="password"
              value={draft.credential}
              onInput={(credential) => change({ credential })}
              hint="Kept in this browser only."
              testid="relay-credential"
            />
          </>
        )}
      </div>
    </details>
  );
}
