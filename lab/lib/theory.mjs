// Which path two devices must get, from what is known of their access (RFC 4787, RFC 5128).

/// `direct` or `relayed`, and the rule that says so.
///
/// ICE opens a direct path when the checks of one device reach the other: their answer goes back
/// the way they came, whatever stands there. So one direction is enough.
export function expectedPath(a, b) {
  if (a.family !== b.family) return { path: 'relayed', rule: 'no IP version in common' };
  if (a.udp === null || b.udp === null) return { path: 'relayed', rule: 'UDP does not leave' };
  if (isReachable(a.udp, b.udp) || isReachable(b.udp, a.udp)) {
    return { path: 'direct', rule: 'the checks of one reach the other' };
  }
  return { path: 'relayed', rule: 'a symmetric mapping meets a filter that looks at ports' };
}

/// Whether checks of the sender come in at the address that the receiver has told the sender.
function isReachable(receiver, sender) {
  // What a STUN server saw of a symmetric NAT is mapped for the STUN server alone.
  if (receiver.mapping !== 'endpoint-independent') return false;
  // The receiver has sent checks too: to the sender's address, so that filter is open, and to the
  // port that the sender was told it has. Behind a symmetric NAT the sender comes from another.
  return receiver.filtering !== 'address-and-port-dependent' || sender.mapping === 'endpoint-independent';
}
