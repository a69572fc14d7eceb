// Why browsers warn about this server, what trusting its authority means, and how, per system.
import { useState } from "preact/hooks";
import { LinkButton } from "../../ui/button";
import { Choices } from "../../ui/field";
import { mount } from "../../ui/mount";
import { Notice } from "../../ui/notice";
import { Head, Shell } from "../../ui/shell";
import { guessSystem, SYSTEMS, type System } from "./systems";

function Trust() {
  const [system, setSystem] = useState<System>(() => guessSystem(navigator.userAgent));
  const chosen = SYSTEMS[system];
  return (
    <Shell at="other">
      <div class="stack stack-loose">
        <Head title="Trust this server">
          Browsers warn about this server because no public authority vouches for it: it made its
          own certificate. Trust that once on each device and the warning goes away.
        </Head>
        <section class="card stack" aria-labelledby="certificate">
          <h2 id="certificate">Its certificate authority</h2>
          <p class="soft">
            It can vouch for this server's own names and addresses only. The certificate itself says
            so, and your device enforces it. Its key never leaves the server.
          </p>
          <div class="row">
            <LinkButton
              href="/trust/ca.crt"
              look="primary"
              icon="download"
              download="heliograph-ca.crt"
              testid="ca-download"
            >
              Download certificate
            </LinkButton>
          </div>
        </section>
        <section class="stack" aria-labelledby="steps">
          <h2 id="steps">On this device</h2>
          <Choices
            label="System"
            name="system"
            value={system}
            options={Object.entries(SYSTEMS).map(([value, { label }]) => ({
              value: value as System,
              label,
            }))}
            onChange={setSystem}
          />
          <ol class="steps" data-testid="trust-steps">
            {chosen.steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
          <p class="faint">{chosen.undo}</p>
        </section>
        <Notice tone="warn" title="Only on a network you trust">
          <p>
            Whoever stands between you and your server could hand you another certificate. Fetch it
            at home, or copy the file <code>tls/ca.pem</code> from the server's data directory.
          </p>
        </Notice>
      </div>
    </Shell>
  );
}

mount(<Trust />);
