// The devices of the account, this one marked.
import { useState } from "preact/hooks";
import type { DeviceInfo } from "../../sdk";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { Icon, kindIcon } from "../../ui/icon";
import { ago } from "../../ui/format";
import { devices, renameDevice, revokeDevice } from "./model";
import { RenameDialog } from "./renameDialog";

/** All devices of the account, this one first. */
export function DeviceList() {
  const sorted = devices.value.toSorted(
    (a, b) => Number(b.self) - Number(a.self) || a.created - b.created,
  );
  return (
    <section class="stack" aria-labelledby="devices">
      <h2 id="devices">Devices of this account</h2>
      <ul class="list" data-testid="device-list">
        {sorted.map((device) => (
          <DeviceRow key={device.deviceId} device={device} />
        ))}
      </ul>
    </section>
  );
}

function DeviceRow({ device }: { device: DeviceInfo }) {
  const [open, setOpen] = useState<"rename" | "revoke" | null>(null);
  const name = device.label ?? device.name;
  return (
    <li class="list-row" data-testid="device-row" data-device={device.deviceId}>
      <Icon name={kindIcon(device.kind)} />
      <div class="list-row-text">
        <p class="name clip" title={name}>
          {name}
        </p>
        <p class="row small soft">
          {device.self ? (
            <>
              <span class="tag">This device</span>
              {device.role === "admin" && <span class="tag">Admin</span>}
            </>
          ) : (
            <>
              <span class={device.online ? "dot dot-on" : "dot"} aria-hidden="true" />
              {presence(device)}
            </>
          )}
        </p>
      </div>
      <div class="row-acts">
        <Button
          look="quiet"
          icon="edit"
          label={`Rename ${name}`}
          testid="rename-device"
          onClick={() => setOpen("rename")}
        />
        {!device.self && (
          <Button
            look="quiet"
            icon="trash"
            label={`Revoke ${name}`}
            testid="revoke-device"
            onClick={() => setOpen("revoke")}
          />
        )}
      </div>
      {open === "rename" && (
        <RenameDialog
          title="Rename this device"
          name={name}
          hint="Seen by your account only. What a device calls itself is set on that device."
          onSave={(label) => renameDevice(device.deviceId, label)}
          onClose={() => setOpen(null)}
        />
      )}
      {open === "revoke" && (
        <RevokeDevice device={device} name={name} onClose={() => setOpen(null)} />
      )}
    </li>
  );
}

function presence({ online, lastSeen }: DeviceInfo): string {
  if (online) return "Online";
  return lastSeen === undefined ? "Offline" : `Last seen ${ago(lastSeen, Date.now())}`;
}

function RevokeDevice(props: { device: DeviceInfo; name: string; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  return (
    <Confirm
      title={`Revoke ${props.name}?`}
      act="Revoke device"
      busy={busy}
      onClose={props.onClose}
      onConfirm={() => {
        setBusy(true);
        void revokeDevice(props.device.deviceId).finally(props.onClose);
      }}
    >
      <p>
        It loses its account and all its pairs at once, and every link to it closes. Do this when it
        is lost or sold.
      </p>
    </Confirm>
  );
}
