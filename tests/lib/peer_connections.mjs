// Keeps the page's RTCPeerConnections where a test can ask them for their own statistics.

/// Runs in the page before its scripts.
export function keepPeerConnections() {
  const kept = [];
  window.__peerConnections = kept;
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...given) {
      super(...given);
      kept.push(this);
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

/// The candidate types of the path in use, local first.
export async function pathEnds(device) {
  return device.page.evaluate(async () => {
    const up = window.__peerConnections.find((pc) => pc.connectionState === 'connected');
    const report = await up.getStats();
    const transport = [...report.values()].find((entry) => entry.type === 'transport');
    const chosen = report.get(transport.selectedCandidatePairId);
    return [chosen.localCandidateId, chosen.remoteCandidateId].map((id) => report.get(id).candidateType);
  });
}
