// How this browser may use a stream: as a device of its account, by a share link, or as nobody.
import { ApiError, Streams, type OpenedShare, type StreamAction } from "../../sdk";
import { hasDevice, openSession } from "../shared/session";

/**
 * `device` of the stream's account · `guest` by a share link · `stranger` with neither ·
 * `other` a device that got no token for this stream: it is another account's, or nobody's yet.
 */
export type Who = "device" | "guest" | "stranger" | "other";

/** A stream, what is done with it, and by what right. */
export interface Access {
  stream: string;
  action: StreamAction;
  who: Who;
  endpoint: string;
  bearer: () => Promise<string | null>;
  iceServers: RTCIceServer[];
}

/** The stream that the address `/{stream}/…` names. */
export function streamOfAddress(): string {
  return location.pathname.split("/")[1] ?? "";
}

/** The address of a stream's WHIP or WHEP endpoint on this server. */
function endpointOf(stream: string, action: StreamAction): string {
  return `${location.origin}/${stream}/${action === "view" ? "whep" : "whip"}`;
}

function asNobody(stream: string, action: StreamAction, who: Who): Access {
  const endpoint = endpointOf(stream, action);
  return { stream, action, who, endpoint, bearer: async () => null, iceServers: [] };
}

/** By a share link's code. */
export function accessOfGuest(code: string, share: OpenedShare): Access {
  const { stream, action, iceServers } = share;
  const endpoint = endpointOf(stream, action);
  return { stream, action, who: "guest", endpoint, bearer: async () => code, iceServers };
}

/** As what this browser is. @throws HelioError where the server cannot say. */
export async function accessOfBrowser(stream: string, action: StreamAction): Promise<Access> {
  // A browser that keeps no data is nobody's device.
  const session = await openSession().catch(() => null);
  if (session === null || !hasDevice(session)) return asNobody(stream, action, "stranger");
  const streams = new Streams(session.api);
  try {
    const { iceServers } = await streams.token(stream, action);
    const bearer = async () => (await streams.token(stream, action)).token;
    const endpoint = endpointOf(stream, action);
    return { stream, action, who: "device", endpoint, bearer, iceServers };
  } catch (thrown) {
    // The stream may still be public.
    const isRefused = thrown instanceof ApiError && [401, 403, 404].includes(thrown.status);
    if (isRefused) return asNobody(stream, action, "other");
    throw thrown;
  }
}
