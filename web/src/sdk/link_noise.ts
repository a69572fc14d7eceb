// Proves both keys on a fresh connection: Noise KKpsk2 on the channel `noise`, bound to the two
// DTLS certificates (docs/protocol.md, channels).
import {
  asciiLess,
  fromBase64url,
  lengthPrefixed,
  sha256,
  toBase64url,
  utf8,
  type Bytes,
} from "./bytes";
import { HelioError } from "./errors";
import type { Identity } from "./identity";
import { Handshake, type HandshakeResult } from "./noise";
import { staticKeysOf } from "./pairing";
import { certificateHashOf } from "./sdp";
import type { StoredPair } from "./store";

/** How long the handshake may take once its channel is open, in milliseconds. */
const LIMIT_MS = 5000;

/** Bytes that name an end of a conversation. */
const CONVERSATION_BYTES = 16;

function failed(what: string): HelioError {
  return new HelioError("noise-failed", `key proof: ${what}`, "Reload both pages and try again.");
}

/** The prologue binds the pair, the roles and both certificates. */
export function linkPrologue(
  pairId: string,
  initiator: { deviceId: string; certificateHash: Bytes },
  responder: { deviceId: string; certificateHash: Bytes },
): Bytes {
  return lengthPrefixed(
    utf8("heliograph-link-v1"),
    utf8(pairId),
    utf8(initiator.deviceId),
    utf8(responder.deviceId),
    initiator.certificateHash,
    responder.certificateHash,
  );
}

/** SHA-256 of the peer's certificate: as seen on the wire, else as the verified SDP fixed it. */
async function remoteCertificateHash(pc: RTCPeerConnection): Promise<Bytes | null> {
  const transport = pc.sctp?.transport as
    (RTCDtlsTransport & { getRemoteCertificates?: () => ArrayBuffer[] }) | undefined;
  const seen = transport?.getRemoteCertificates?.()[0];
  if (seen !== undefined) return sha256(new Uint8Array(seen));
  return certificateHashOf(pc.remoteDescription?.sdp ?? "");
}

async function startHandshake(
  pc: RTCPeerConnection,
  identity: Identity,
  pair: StoredPair,
): Promise<Handshake> {
  const localHash = certificateHashOf(pc.localDescription?.sdp ?? "");
  const remoteHash = await remoteCertificateHash(pc);
  if (localHash === null || remoteHash === null) throw failed("a certificate is unknown");
  if (pair.secret === null) throw failed("the pair has no secret");
  const local = { deviceId: identity.deviceId, certificateHash: localHash };
  const remote = { deviceId: pair.peer.deviceId, certificateHash: remoteHash };
  const initiator = asciiLess(local.deviceId, remote.deviceId);
  const [first, second] = initiator ? [local, remote] : [remote, local];
  return Handshake.start({
    pattern: "KKpsk2",
    initiator,
    prologue: linkPrologue(pair.pairId, first, second),
    staticKeys: staticKeysOf(identity),
    remoteStatic: fromBase64url(pair.peer.x25519),
    psk: pair.secret,
  });
}

/** The next message of a channel. */
function messages(channel: RTCDataChannel): () => Promise<Bytes> {
  const arrived: Bytes[] = [];
  let wake: (() => void) | null = null;
  channel.binaryType = "arraybuffer";
  channel.onmessage = ({ data }) => {
    // The handshake has two messages; what a peer sends beyond them is not kept.
    if (data instanceof ArrayBuffer && arrived.length < 2) arrived.push(new Uint8Array(data));
    wake?.();
  };
  return async () => {
    for (;;) {
      const message = arrived.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
}

function opened(channel: RTCDataChannel): Promise<void> {
  if (channel.readyState === "open") return Promise.resolve();
  return new Promise((resolve) =>
    channel.addEventListener("open", () => resolve(), { once: true }),
  );
}

/** Names an end of the conversation on a link, for as long as it numbers its frames on. */
export function drawConversation(): Bytes {
  return crypto.getRandomValues(new Uint8Array(CONVERSATION_BYTES));
}

/** What a proof brings. */
export interface ProvenKeys {
  keys: HandshakeResult;
  /** The peer's end of the conversation; null where it named none. */
  peerConversation: string | null;
}

function conversationOf(payload: Bytes): string | null {
  return payload.length === CONVERSATION_BYTES ? toBase64url(payload) : null;
}

/**
 * Runs the handshake on a channel; call it in the task in which the channel appeared.
 * `conversation` names this end of the conversation to the peer.
 * @throws HelioError `noise-failed`, or `noise-timeout` after 5 s.
 */
export async function proveKeys(
  pc: RTCPeerConnection,
  channel: RTCDataChannel,
  identity: Identity,
  pair: StoredPair,
  conversation: Bytes,
): Promise<ProvenKeys> {
  const nextMessage = messages(channel);
  await opened(channel);
  const initiator = asciiLess(identity.deviceId, pair.peer.deviceId);
  const run = async (): Promise<ProvenKeys> => {
    const handshake = await startHandshake(pc, identity, pair);
    if (initiator) channel.send(await handshake.write(conversation));
    const said = await handshake.read(await nextMessage());
    if (!initiator) channel.send(await handshake.write(conversation));
    return { keys: await handshake.result(), peerConversation: conversationOf(said) };
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    const step = "It tries again by itself.";
    const error = new HelioError("noise-timeout", `no key proof within ${LIMIT_MS / 1000} s`, step);
    timer = setTimeout(() => reject(error), LIMIT_MS);
  });
  try {
    return await Promise.race([run(), limit]);
  } finally {
    clearTimeout(timer);
  }
}
