// The settings page (`/settings`): this device, its defaults, and forgetting it.
import { useState } from "preact/hooks";
import { Button, LinkButton } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { mount } from "../../ui/mount";
import { FailureNotice } from "../../ui/notice";
import { Waiting } from "../../ui/progress";
import { Head, Shell } from "../../ui/shell";
import { DeviceForm } from "../shared/deviceForm";
import { Defaults } from "./defaults";
import { actFailure, forget, isBusy, load, rename, server, settingsState } from "./model";
import type { DeviceRecord } from "../../sdk";
import "./settings.css";

function Settings() {
  const state = settingsState.value;
  return (
    <Shell at="settings">
      <div class="stack stack-loose">
        <Head title="Settings" />
        {state.at === "loading" && <Waiting>Reading what this browser keeps</Waiting>}
        {state.at === "failed" && (
          <FailureNotice failure={state.failure} testid="settings-failure" />
        )}
        {state.at === "ready" && (
          <>
            {state.record ? <ThisDevice record={state.record} /> : <NoDevice />}
            <Defaults />
            <About />
            {state.record && <Danger name={state.record.name} />}
          </>
        )}
      </div>
    </Shell>
  );
}

function ThisDevice({ record }: { record: DeviceRecord }) {
  return (
    <section class="card stack" aria-labelledby="this-device">
      <h2 id="this-device">This device</h2>
      {actFailure.value && <FailureNotice failure={actFailure.value} testid="settings-failure" />}
      <DeviceForm
        name={record.name}
        kind={record.kind}
        submit="Save"
        busy={isBusy.value}
        onSubmit={(name, kind) => void rename(name, kind)}
        testid="settings"
      />
      <dl class="facts">
        <dt>Device id</dt>
        <dd>
          <code data-testid="device-id">{record.deviceId}</code>
        </dd>
      </dl>
    </section>
  );
}

function NoDevice() {
  return (
    <section class="card stack">
      <h2>This browser is not a device yet</h2>
      <p class="soft">It gets a name and keys when you set it up or pair it.</p>
      <div class="row">
        <LinkButton href="/">How to begin</LinkButton>
      </div>
    </section>
  );
}

function About() {
  return (
    <section class="card stack" aria-labelledby="about">
      <h2 id="about">This server</h2>
      <dl class="facts">
        <dt>Version</dt>
        <dd data-testid="server-version">{server.value?.version ?? "not reached"}</dd>
        <dt>Address</dt>
        <dd>{location.origin}</dd>
      </dl>
      <ul class="plain-links">
        <li>
          <a href="/trust">Trust its certificate</a>
        </li>
        <li>
          <a href="/api/openapi.json" data-testid="api-document">
            Description of its HTTP API
          </a>
        </li>
      </ul>
    </section>
  );
}

function Danger({ name }: { name: string }) {
  const [isOpen, setOpen] = useState(location.hash === "#forget");
  return (
    <section class="card stack" aria-labelledby="danger" id="forget">
      <h2 id="danger">Forget this identity</h2>
      <p class="soft">
        Deletes this device's keys and pairs from this browser and revokes the device on the server.
        Nothing can bring them back.
      </p>
      <div class="row">
        <Button look="warn" icon="trash" testid="forget" onClick={() => setOpen(true)}>
          Forget {name}
        </Button>
      </div>
      {isOpen && (
        <Confirm
          title={`Forget ${name}?`}
          act="Forget it"
          busy={isBusy.value}
          onConfirm={() => void forget()}
          onClose={() => setOpen(false)}
        >
          <p>
            Its keys are deleted and its pairs end. If it is the only admin device, run{" "}
            <code>helio setup</code> on the server afterwards to get back in.
          </p>
        </Confirm>
      )}
    </section>
  );
}

mount(<Settings />);
void load();
