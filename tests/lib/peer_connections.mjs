// Keeps the page's RTCPeerConnections where a test can ask them for their own statistics.

/// Runs in the page before its scripts.
export function keepPeerConnections() {
  const kept = [];
  window.__peerConnections = kept;
  window.__wasEverConnected = false;
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...given) {
      super(...given);
      kept.push(this);
      this.addEventListener('connectionstatechange', () => {
        window.__wasEverConnected ||= this.connectionState === 'connected';
      });
    }
  };
}

/// The statistics of one type, of every connection that is up.
export async function statistics(device, type) {
  return device.page.evaluate(async (wanted) => {
    const up = window.__peerConnections.filter((pc) => pc.connectionState === 'connected');
    const reports = await Promise.all(up.map((pc) => pc.getStats()));
    return reports.flatMap((report) => [...report.values()].filter((entry) => entry.type === wanted));
  }, type);
}

/// The two candidates of the path in use, local first.
export async function pathOf(device) {
  return device.page.evaluate(async () => {
    const up = window.__peerConnections.find((pc) => pc.connectionState === 'connected');
    const report = await up.getStats();
    const transport = [...report.values()].find((entry) => entry.type === 'transport');
    const chosen = report.get(transport.selectedCandidatePairId);
    return [chosen.localCandidateId, chosen.remoteCandidateId].map((id) => report.get(id));
  });
}

/// The candidate types of the path in use, local first.
export async function pathEnds(device) {
  return (await pathOf(device)).map(({ candidateType }) => candidateType);
}

/// Whether any connection of this page has ever been up.
export function wasEverConnected(device) {
  return device.page.evaluate(() => window.__wasEverConnected);
}

/// The ICE user name fragment of the connection that is up: every ICE restart makes a new one.
export function iceUfrag(device) {
  return device.page.evaluate(() => {
    const up = window.__peerConnections.find((pc) => pc.connectionState === 'connected');
    return /a=ice-ufrag:(\S+)/.exec(up.localDescription.sdp)[1];
  });
}

/// Waits until a device has restarted ICE since its fragment was `before` and is connected.
export async function restartedIce(device, before) {
  await device.page.waitForFunction((old) => {
    const up = window.__peerConnections.find((pc) => pc.connectionState === 'connected');
    if (up === undefined || up.signalingState !== 'stable') return false;
    const fragment = (description) => /a=ice-ufrag:(\S+)/.exec(description?.sdp ?? '')?.[1];
    return fragment(up.localDescription) !== old;
  }, before);
}
