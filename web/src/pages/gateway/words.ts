// A gateway session in words: one or two for the bar, a sentence for the stage, and why not.
import { ApiError, type GatewayState, type HelioError } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf, sentence } from "../shared/failure";
import type { Access } from "./access";

/** What is told of a session. */
export interface Told {
  short: string;
  long: string;
  /** How the bar's dot looks. */
  dot: "open" | "waiting" | "ended";
}

/** What a viewer is told besides the session's state. */
export interface Viewing {
  /** The connection stands and nothing comes over it. */
  isQuiet: boolean;
  /** There was a picture since the page opened. */
  hadPicture: boolean;
}

const ENDED = { short: "Stopped", long: "Stopped.", dot: "ended" } as const;

/** What both sides are told. */
function tellBoth({ phase, error }: GatewayState): Told {
  switch (phase) {
    case "asking":
      return { short: "Asking the server", long: "Asking the server.", dot: "waiting" };
    case "retrying": {
      const cause = error ? sentence(error.message) : "The server does not answer.";
      return {
        short: "Trying again",
        long: `${cause} It is tried again by itself.`,
        dot: "waiting",
      };
    }
    case "connecting":
      return { short: "Connecting", long: "Looking for a path to the server.", dot: "waiting" };
    case "restarting": {
      const cause = error ? `${sentence(error.message)} ${error.nextStep}` : "The path was lost.";
      return { short: "Reconnecting", long: `${cause} Another is looked for.`, dot: "waiting" };
    }
    case "refused":
      return { short: "Refused", long: "The server refused it.", dot: "ended" };
    default:
      return ENDED;
  }
}

/** What a viewer is told. */
export function tellViewer(state: GatewayState, { isQuiet, hadPicture }: Viewing): Told {
  if (state.phase === "waiting") {
    return hadPicture
      ? {
          short: "Off air",
          long: "The publisher has stopped. The picture comes back by itself.",
          dot: "waiting",
        }
      : {
          short: "Off air",
          long: "Nothing is published here yet. The picture appears by itself.",
          dot: "waiting",
        };
  }
  if (state.phase !== "open") return tellBoth(state);
  if (state.error !== null) {
    const long = `${sentence(state.error.message)} ${state.error.nextStep}`;
    return { short: "Not all of it", long, dot: "open" };
  }
  if (!isQuiet) return { short: "Live", long: "The first picture is on its way.", dot: "open" };
  const long =
    "No pictures arrive: the publisher has stopped, or lost its network. They come back by themselves.";
  return { short: "No pictures", long, dot: "waiting" };
}

/** What a publisher is told. */
export function tellPublisher(state: GatewayState): Told {
  switch (state.phase) {
    case "idle":
    case "closed":
      return { short: "Not publishing", long: "Nothing is sent.", dot: "ended" };
    case "waiting":
      return {
        short: "Waiting",
        long: "Another device publishes on this stream. Yours begins by itself when it stops.",
        dot: "waiting",
      };
    case "open":
      return { short: "Live", long: "Published.", dot: "open" };
    default:
      return tellBoth(state);
  }
}

/** Why a session was refused, and what its person can do. */
export function refusalOf(error: HelioError, access: Access): Failure {
  const { stream, action, who } = access;
  const isDenied = error instanceof ApiError && [401, 403, 404].includes(error.status);
  if (!isDenied || who === "device") {
    return failureOf(action === "view" ? "Watching" : "Publishing", error);
  }
  if (who === "guest") return { ...DEAD_LINK, code: error.code };
  const next =
    who === "other"
      ? "If it is to be yours, create it under Streams. Else ask its owner for a share link."
      : "Ask its owner for a share link, or pair this browser with one of the owner's devices.";
  if (action === "publish") {
    const cause = `Only devices of its owner, and guests with a link for it, may send to “${stream}”.`;
    return { title: "You may not publish here", cause, next, code: error.code };
  }
  const cause = `Only devices of its owner, and guests with a share link, may watch “${stream}”.`;
  return { title: "This stream is not public", cause, next, code: error.code };
}

/** For a share link whose code opens nothing. */
export const DEAD_LINK: Failure = {
  title: "This share link no longer works",
  cause: "It has run out, or whoever made it has taken it back.",
  next: "Ask for another link.",
};
