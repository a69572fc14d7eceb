// Gathers candidates as a link would (RFC 8445 §5.1.1) and keeps what the doctor concludes from.

/** No answer within this is taken for none, in milliseconds; UDP requests are repeated by then. */
export const ANSWER_LIMIT_MS = 5000;

/** Makes a peer connection. */
export type Connect = (configuration: RTCConfiguration) => RTCPeerConnection;

/** What an ICE server made the browser report (W3C WebRTC §4.8.2). */
export interface IceError {
  /** A STUN error code (RFC 8489 §14.8), or 701 when the server was not reached. */
  code: number;
  text: string;
}

/** What one gathering brought. */
export interface Gathered {
  /** Addresses of this device; browsers may show `.local` names in their place. */
  hosts: readonly string[];
  /** `address:port` as STUN servers saw it, each once. */
  srflx: readonly string[];
  /** How many relayed addresses were given. */
  relays: number;
  errors: readonly IceError[];
  /** Whether the browser said that it was done. */
  isComplete: boolean;
  /** Until the first candidate that is not of this device, in milliseconds. */
  tookMs: number | null;
}

/** Gathers until the browser is done or `ANSWER_LIMIT_MS` have passed. */
export async function gather(connect: Connect, configuration: RTCConfiguration): Promise<Gathered> {
  const pc = connect(configuration);
  const hosts = new Set<string>();
  const srflx = new Set<string>();
  const errors: IceError[] = [];
  let relays = 0;
  let tookMs: number | null = null;
  const startMs = performance.now();
  pc.addEventListener("icecandidateerror", ({ errorCode, errorText }) => {
    errors.push({ code: errorCode, text: errorText });
  });
  try {
    const isComplete = await new Promise<boolean>((resolve, reject) => {
      const limit = setTimeout(() => resolve(false), ANSWER_LIMIT_MS);
      pc.addEventListener("icecandidate", ({ candidate }) => {
        if (candidate === null) {
          clearTimeout(limit);
          return resolve(true);
        }
        const { type, port } = candidate;
        // Chromium writes IPv6 addresses in brackets, Firefox does not.
        const address = candidate.address?.replace(/^\[|\]$/g, "");
        if (type === "host" && address) hosts.add(address);
        if (type === "srflx" && address) srflx.add(`${bracketed(address)}:${port}`);
        if (type === "relay") relays += 1;
        if (type !== "host" && candidate.candidate !== "") tookMs ??= performance.now() - startMs;
      });
      pc.createDataChannel("doctor");
      pc.setLocalDescription().catch(reject);
    });
    return { hosts: [...hosts], srflx: [...srflx], relays, errors, isComplete, tookMs };
  } finally {
    pc.close();
  }
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
