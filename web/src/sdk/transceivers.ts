// What is asked of a transceiver before it is negotiated: the order of codecs, and capture times.

/** Codecs with the preferred one first; empty where the browser cannot tell. */
export function preferredCodecs(kind: string, name: string): RTCRtpCodec[] {
  // Only what both directions of this browser know is accepted everywhere.
  const codecs = globalThis.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs ?? [];
  const wanted = `${kind}/${name}`.toLowerCase();
  const first = codecs.filter((codec) => codec.mimeType.toLowerCase() === wanted);
  // Packetization mode 1 carries key frames larger than a packet (RFC 6184 §5.4).
  first.sort((a, b) => Number(isMode1(b)) - Number(isMode1(a)));
  if (first.length === 0) return [];
  return [...first, ...codecs.filter((codec) => !first.includes(codec))];
}

function isMode1(codec: RTCRtpCodec): boolean {
  return codec.sdpFmtpLine?.includes("packetization-mode=1") ?? false;
}

interface HeaderExtension {
  uri: string;
  direction: string;
}

/** Capture times travel with the frames where the browser can (Chromium), to measure latency. */
export function carryCaptureTime(transceiver: RTCRtpTransceiver): void {
  const extensible = transceiver as RTCRtpTransceiver & {
    getHeaderExtensionsToNegotiate?: () => HeaderExtension[];
    setHeaderExtensionsToNegotiate?: (extensions: HeaderExtension[]) => void;
  };
  const extensions = extensible.getHeaderExtensionsToNegotiate?.();
  if (extensions === undefined) return;
  for (const extension of extensions) {
    if (extension.uri.endsWith("/abs-capture-time")) extension.direction = "sendrecv";
  }
  try {
    extensible.setHeaderExtensionsToNegotiate?.(extensions);
  } catch {
    // Latency is then estimated from its parts.
  }
}
