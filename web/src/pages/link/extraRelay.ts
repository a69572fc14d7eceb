// The person's own relay, beside those that the server names (spec: a page's settings can name one).
import type { ExtraRelay } from "../shared/preferences";
import { preferences } from "../shared/preferences";
import { onLink } from "./model";

onLink((link) => {
  const { relay } = preferences.value;
  if (!relay) return;
  const known = new WeakSet<RTCPeerConnection>();
  link.on("state", () => {
    const connection = link.peerConnection;
    if (!connection || known.has(connection)) return;
    known.add(connection);
    addRelay(connection, relay);
  });
});

/**
 * Adds the relay before candidates are gathered, and again whenever the link takes fresh servers:
 * setting them replaces the whole list.
 */
function addRelay(connection: RTCPeerConnection, { url, username, credential }: ExtraRelay): void {
  const own: RTCIceServer = { urls: [url], username, credential };
  const replace = connection.setConfiguration.bind(connection);
  connection.setConfiguration = (configuration = {}) =>
    replace({ ...configuration, iceServers: [...(configuration.iceServers ?? []), own] });
  connection.setConfiguration(connection.getConfiguration());
}
