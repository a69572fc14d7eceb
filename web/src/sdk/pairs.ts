// This device's pairs: what it keeps, refreshed by what the server lists.
import type { Api, PairInfo } from "./api";
import { verifyRecord, type DeviceRecord } from "./record";
import type { Store, StoredPair } from "./store";

/** One row of the pair list. */
export interface PairView {
  pairId: string;
  /** The peer by its pinned record, else (keys not on this device) by the server's list. */
  peer: DeviceRecord;
  label: string | undefined;
  verified: boolean;
  created: number;
  online: boolean;
  /** What this device keeps; null when it holds no keys for the pair and cannot link. */
  stored: StoredPair | null;
}

/** A newer record of the same keys replaces the pinned one; anything else is ignored. */
async function refreshed(stored: StoredPair, offered: unknown): Promise<StoredPair> {
  let record: DeviceRecord;
  try {
    record = await verifyRecord(offered);
  } catch {
    return stored;
  }
  const { peer } = stored;
  const sameKeys = record.deviceId === peer.deviceId && record.x25519 === peer.x25519;
  // No downgrade: a server that replays an old record must not take features away.
  return sameKeys && record.created > peer.created ? { ...stored, peer: record } : stored;
}

async function unverifiedPair(info: PairInfo, offered: unknown): Promise<StoredPair | null> {
  try {
    const peer = await verifyRecord(offered);
    const { pairId, created } = info;
    return { pairId, peer, secret: null, verified: false, created };
  } catch {
    return null;
  }
}

async function viewOf(info: PairInfo, selfId: string, store: Store): Promise<PairView | null> {
  const self = info.devices.some((device) => device.record.deviceId === selfId);
  const other = info.devices.find((device) => device.record.deviceId !== selfId);
  if (!self || other === undefined) return null;
  const kept = await store.pair(info.pairId);
  let stored = kept;
  if (kept !== null) stored = await refreshed(kept, other.record);
  else if (!info.verified) stored = await unverifiedPair(info, other.record);
  if (stored !== null && stored !== kept) await store.putPair(stored);
  return {
    pairId: info.pairId,
    peer: stored?.peer ?? other.record,
    label: info.label,
    // What this device saw counts, not what the server says.
    verified: stored?.verified ?? false,
    created: info.created,
    online: other.online,
    stored,
  };
}

/** Pairs of this device, as the server lists them, checked against what this device keeps. */
export async function listPairs(api: Api, store: Store, selfId: string): Promise<PairView[]> {
  const views: PairView[] = [];
  const listed = await api.pairs();
  // Read after the reply: what was revoked meanwhile must not come back by an old list.
  const revoked = new Set(await store.revokedPairs());
  for (const info of listed) {
    if (revoked.has(info.pairId)) continue;
    const view = await viewOf(info, selfId, store);
    if (view !== null) views.push(view);
  }
  return views;
}
