// What the stream pages say: every state has words, and every refusal a next step.
import { expect, test } from "vitest";
import { ApiError, type GatewayPhase, type GatewayState, type LivePath } from "../src/sdk";
import type { Access, Who } from "../src/pages/gateway/access";
import { refusalOf, tellPublisher, tellViewer } from "../src/pages/gateway/words";
import { liveWords } from "../src/pages/streams/liveWords";

const at = (phase: GatewayPhase): GatewayState => ({ phase, error: null });
const FRESH = { isQuiet: false, hadPicture: false };

const PHASES: GatewayPhase[] = [
  "idle",
  "asking",
  "waiting",
  "retrying",
  "connecting",
  "open",
  "restarting",
  "refused",
  "closed",
];

test.each(PHASES)("%s has words for both sides", (phase) => {
  for (const told of [tellViewer(at(phase), FRESH), tellPublisher(at(phase))]) {
    expect(told.short).not.toBe("");
    expect(told.long).toMatch(/\.$/);
  }
});

test("a viewer hears whether nothing came yet, or nothing more comes", () => {
  const before = tellViewer(at("waiting"), FRESH).long;
  const after = tellViewer(at("waiting"), { isQuiet: false, hadPicture: true }).long;
  expect(before).toContain("yet");
  expect(after).toContain("has stopped");
});

test("a connection over which nothing comes is not called live", () => {
  expect(tellViewer(at("open"), FRESH)).toMatchObject({ short: "Live", dot: "open" });
  expect(tellViewer(at("open"), { isQuiet: true, hadPicture: true })).toMatchObject({
    short: "No pictures",
    dot: "waiting",
  });
});

test("a wait for the server says why", () => {
  const error = new ApiError(503, "unavailable", "too many sessions", "Wait.");
  const { long } = tellViewer({ phase: "retrying", error }, FRESH);
  expect(long).toBe("Too many sessions. It is tried again by itself.");
});

const access = (who: Who, action: Access["action"] = "view"): Access => ({
  stream: "cam0",
  action,
  who,
  endpoint: "https://helio.test/cam0/whep",
  bearer: async () => null,
  iceServers: [],
});

const UNAUTHORIZED = new ApiError(401, "unauthorized", "no token", "Pair this device again.");

test.each([
  ["stranger", "view", "This stream is not public"],
  ["other", "view", "This stream is not public"],
  ["stranger", "publish", "You may not publish here"],
  ["guest", "view", "This share link no longer works"],
  ["guest", "publish", "This share link no longer works"],
] as const)("a %s who may not %s is told so, and what to do", (who, action, title) => {
  const failure = refusalOf(UNAUTHORIZED, access(who, action));
  expect(failure.title).toBe(title);
  expect(failure.next).not.toBe("");
  expect(failure.next).not.toContain("Pair this device again");
});

test("what is no matter of rights keeps the gateway's words", () => {
  const error = new ApiError(415, "bad-message", "application/sdp is wanted", "Reload the page.");
  expect(refusalOf(error, access("stranger"))).toMatchObject({
    title: "Watching did not work",
    cause: "Application/sdp is wanted.",
  });
});

const path = (readers: number, ready = true): LivePath => ({
  name: "cam0",
  ready,
  tracks: ["H264"],
  bytesReceived: 1,
  bytesSent: 1,
  readers: Array.from({ length: readers }, () => ({})),
});

test.each([
  [0, "Live · no viewers"],
  [1, "Live · 1 viewer"],
  [1200, "Live · 1,200 viewers"],
])("with %i viewers the line says %j", (readers, words) => {
  expect(liveWords(new Map([["cam0", path(readers)]]), "cam0")).toEqual({ isLive: true, words });
});

test("a stream is off air where the gateway does not carry it, and nothing is said without one", () => {
  expect(liveWords(new Map(), "cam0")?.words).toBe("Off air");
  expect(liveWords(new Map([["cam0", path(0, false)]]), "cam0")?.words).toBe("Off air");
  expect(liveWords(null, "cam0")).toBeNull();
});
