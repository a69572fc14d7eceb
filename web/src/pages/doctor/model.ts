// Runs the doctor on this browser and keeps its findings for the view.
import { computed, signal } from "@preact/signals";
import { asHelioError, Doctor, type Check } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { preferences } from "../shared/preferences";
import { apiFor, openSession } from "../shared/session";

/** The checks in order. */
export const checks = signal<readonly Check[]>([]);
/** Whether checks are still to come. */
export const isRunning = signal(false);
/** Why the examination itself did not end. */
export const doctorFailure = signal<Failure | null>(null);

/** How many checks are faulty. */
export const faults = computed(
  () => checks.value.filter(({ finding }) => finding.state === "bad").length,
);

/** Examines everything anew. */
export async function examine(): Promise<void> {
  if (isRunning.value) return;
  isRunning.value = true;
  doctorFailure.value = null;
  try {
    const doctor = new Doctor({ ...(await whoAsks()), own: ownRelay() });
    checks.value = doctor.checks;
    doctor.on("change", (found) => (checks.value = found));
    await doctor.run();
  } catch (thrown) {
    doctorFailure.value = failureOf("The examination", asHelioError(thrown));
  } finally {
    isRunning.value = false;
  }
}

/** A browser that keeps nothing is examined as well, as nobody. */
async function whoAsks() {
  try {
    const { api, identity } = await openSession();
    return { api, identity };
  } catch {
    return { api: apiFor(null), identity: null };
  }
}

function ownRelay(): RTCIceServer[] {
  const { relay } = preferences.value;
  if (relay === null) return [];
  const { url, username, credential } = relay;
  return [{ urls: url, username, credential }];
}
