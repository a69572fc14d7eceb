// A session with a gateway in virtual time: made, trickled, restarted, waited for, ended.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { GatewayState } from "../src/sdk/gateway_session";
import { Silence, SILENCE_MS, WhepSession } from "../src/sdk/whep";
import { WhipSession } from "../src/sdk/whip";
import { Trickle, TRICKLE_LIMIT } from "../src/sdk/trickle";
import { ENDPOINT, FakeConnection, FakeGateway, type Asked } from "./support/gateway";

let gateway: FakeGateway;
let connections: FakeConnection[];
let session: WhepSession;
let states: GatewayState[];
let token: string | null;

beforeEach(() => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  connections = [];
  states = [];
  token = "t1";
  session = new WhepSession({
    endpoint: ENDPOINT,
    bearer: async () => token,
    fetch: gateway.fetch,
    iceServers: [{ urls: "stun:first.test" }],
    connect: (configuration) => {
      const made = new FakeConnection(configuration);
      connections.push(made);
      return made as unknown as RTCPeerConnection;
    },
  });
  session.on("state", (state) => states.push(state));
});

afterEach(() => {
  session.close();
  vi.useRealTimers();
});

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const phases = (): string[] => states.map(({ phase }) => phase);
const newest = (): FakeConnection => connections.at(-1)!;
const patches = (): Asked[] => gateway.asked.filter(({ method }) => method === "PATCH");

/** Refuses a method with a status, as often as it is asked or so many times. */
function refuse(method: string, status: number, { times = Infinity, headers = {} } = {}): void {
  let left = times;
  gateway.refuse = (asked) => {
    if (asked.method !== method || left <= 0) return null;
    left -= 1;
    return new Response("{}", { status, headers });
  };
}

async function open(): Promise<void> {
  session.start();
  await settle();
  newest().turn("connected", "connected");
}

test("it offers to receive one video and one sound, shows its token, and takes the answer", async () => {
  await open();
  expect(newest().kinds).toEqual(["video", "audio"]);
  expect(gateway.asked[0]).toMatchObject({ method: "POST", token: "Bearer t1" });
  expect(gateway.asked[0]?.body).toContain("a=ice-ufrag:own1");
  expect(newest().remoteDescription?.sdp).toContain("a=ice-ufrag:gate1");
  expect(phases()).toEqual(["asking", "connecting", "open"]);
});

test("the gateway's own ICE servers serve from the first gathering on", async () => {
  await open();
  expect(newest().configuration.iceServers).toEqual([
    { urls: "turn:turn.test", username: "u", credential: "c" },
  ]);
  // Candidates are gathered from setLocalDescription on: the offer that was sent had none.
  expect(gateway.asked[0]?.body).not.toContain("candidate");
});

test("candidates found together travel together, with the session's entity tag", async () => {
  session.start();
  await settle();
  newest().find("candidate:1 1 udp 1 192.0.2.9 1 typ host");
  newest().find("candidate:2 1 udp 1 192.0.2.9 2 typ host");
  newest().find(null);
  await settle(100);
  expect(patches()).toHaveLength(1);
  expect(patches()[0]).toMatchObject({ path: "/cam0/whep/1", match: '"made-1"' });
  expect(patches()[0]?.body).toMatch(/a=candidate:1 .*\r\na=candidate:2 .*\r\na=end-of-candidates/);
});

test("a gateway that refuses candidates does not end the session", async () => {
  refuse("PATCH", 405);
  await open();
  newest().find("candidate:1 1 udp 1 192.0.2.9 1 typ host");
  await settle(100);
  expect(session.state).toEqual({ phase: "open", error: null });
});

const COUNTER_OFFER = [
  "v=0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=rtpmap:111 opus/48000/2",
  "a=ice-ufrag:gate1",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=rtpmap:96 H264/90000",
  "",
].join("\r\n");

/** The gateway offers what is published; this browser plays these payload types. */
async function counter(...plays: string[]): Promise<void> {
  gateway.refuse = ({ method }) => {
    if (method !== "POST") return null;
    newest().plays = plays;
    const headers = {
      "content-type": 'application/sdp; valid-until="Sun, 22 Nov 2026 07:00:00 GMT"',
      location: "/cam0/whep/1",
      etag: '"offered"',
    };
    return new Response(COUNTER_OFFER, { status: 406, headers });
  };
  await open();
}

test("an offer of the gateway's is answered, and its candidates told", async () => {
  await counter("96", "111");
  expect(newest().remoteDescription).toMatchObject({ type: "offer", sdp: COUNTER_OFFER });
  expect(patches()[0]).toMatchObject({ path: "/cam0/whep/1", match: null });
  expect(patches()[0]?.body).toContain("m=video 9 ");
  expect(session.state).toEqual({ phase: "open", error: null });
});

test("a part that this browser cannot play is named, the other one played", async () => {
  await counter("111");
  expect(patches()[0]?.body).toContain("m=video 0 ");
  expect(session.state).toMatchObject({ phase: "open", error: { code: "codec-unplayable" } });
  expect(session.state.error?.message).toContain("H264");
});

test("a stream of which nothing can be played is given up, and the reason told", async () => {
  await counter();
  expect(patches()).toEqual([]);
  expect(session.state).toMatchObject({ phase: "refused", error: { code: "codec-unplayable" } });
});

test("what the gateway offered is opened anew when its path is lost", async () => {
  await counter("96", "111");
  newest().turn("failed", "failed");
  await settle(20_000);
  expect(patches().filter(({ match }) => match === "*")).toEqual([]);
  expect(connections.length).toBeGreaterThan(1);
});

test("nothing published is waited for as long as the gateway says", async () => {
  refuse("POST", 409, { times: 2, headers: { "retry-after": "3" } });
  session.start();
  await settle(2999);
  expect(gateway.log).toEqual(["POST /cam0/whep"]);
  expect(session.state.phase).toBe("waiting");
  await settle(3001);
  expect(gateway.log).toHaveLength(3);
  expect(phases()).toEqual(["asking", "waiting", "waiting", "connecting"]);
});

test("a refusal is final and says why, until somebody starts it again", async () => {
  refuse("POST", 401, { times: 1 });
  session.start();
  await settle(600_000);
  expect(gateway.log).toEqual(["POST /cam0/whep"]);
  expect(session.state.phase).toBe("refused");
  expect(session.state.error?.code).toBe("http-401");
  session.start();
  await settle();
  expect(session.state.phase).toBe("connecting");
});

test("a path that is lost is looked for with another name and password", async () => {
  await open();
  newest().turn("disconnected", "disconnected");
  expect(session.state.phase).toBe("restarting");
  await settle(2000);
  expect(patches()).toMatchObject([{ path: "/cam0/whep/1", match: "*" }]);
  expect(patches()[0]?.body).toContain("a=ice-ufrag:own2");
  expect(newest().remoteDescription?.sdp).toContain("a=ice-ufrag:again1");
  newest().turn("connected", "connected");
  expect(session.state.phase).toBe("open");
  expect(connections).toHaveLength(1);
});

test("after a restart candidates carry the new entity tag, and old ones are left out", async () => {
  await open();
  newest().turn("disconnected", "disconnected");
  await settle(2000);
  newest().find("candidate:old 1 udp 1 192.0.2.9 1 typ host", "own1");
  newest().find("candidate:new 1 udp 1 192.0.2.9 1 typ host", "own2");
  await settle(100);
  expect(patches()[1]?.match).toBe('"restarted"');
  expect(patches()[1]?.body).toContain("candidate:new");
  expect(patches()[1]?.body).not.toContain("candidate:old");
});

test("a gateway that no longer knows the session gets another one", async () => {
  await open();
  refuse("PATCH", 404);
  newest().turn("disconnected", "disconnected");
  await settle(2000);
  expect(gateway.log.at(-1)).toBe("POST /cam0/whep");
  expect(connections).toHaveLength(2);
  expect(connections[0]?.connectionState).toBe("closed");
});

test("a restart that nobody answers leaves the connection as it was, and is tried again", async () => {
  await open();
  refuse("PATCH", 503, { times: 1 });
  newest().turn("disconnected", "disconnected");
  await settle(2000);
  expect(newest().signalingState).toBe("stable");
  await settle(35_000);
  expect(patches().length).toBeGreaterThan(1);
  expect(connections).toHaveLength(1);
});

test("when the gateway says farewell it is asked anew", async () => {
  await open();
  refuse("POST", 409);
  newest().end();
  await settle();
  expect(session.state.phase).toBe("waiting");
});

test("a publisher that was sent away does not come back by itself", async () => {
  const publisher = new WhipSession({
    endpoint: ENDPOINT,
    bearer: async () => token,
    fetch: gateway.fetch,
    connect: (configuration) => {
      connections.push(new FakeConnection(configuration));
      return newest() as unknown as RTCPeerConnection;
    },
  });
  publisher.start();
  await settle();
  newest().turn("connected", "connected");
  newest().end();
  await settle(600_000);
  expect(publisher.state.phase).toBe("refused");
  expect(publisher.state.error?.code).toBe("ended-by-server");
  expect(gateway.log.filter((line) => line.startsWith("POST"))).toHaveLength(1);
});

test("closing ends the session at the gateway in the same task, as a page that goes away must", async () => {
  await open();
  session.close();
  expect(gateway.asked.at(-1)).toMatchObject({
    method: "DELETE",
    path: "/cam0/whep/1",
    token: "Bearer t1",
  });
  expect(newest().connectionState).toBe("closed");
  await settle(600_000);
  expect(gateway.log).toHaveLength(2);
});

test("a session that was made after it was closed is ended at once", async () => {
  session.start();
  session.close();
  await settle(1000);
  expect(gateway.log).toEqual(["POST /cam0/whep", "DELETE /cam0/whep/1"]);
  expect(session.state.phase).toBe("closed");
});

test("a stranger shows no token", async () => {
  token = null;
  await open();
  expect(gateway.asked[0]?.token).toBeNull();
});

test("candidates above the limit stay at home", async () => {
  const sent: string[] = [];
  const trickle = new Trickle(({ candidates }) => sent.push(...candidates));
  for (let index = 0; index <= TRICKLE_LIMIT; index += 1) trickle.add(`candidate:${index}`);
  expect(sent).toEqual([]);
  trickle.release();
  await settle(1000);
  expect(sent).toHaveLength(TRICKLE_LIMIT);
});

test("silence is what lasts, and ends with the next packet", () => {
  const silence = new Silence();
  expect(silence.note(10, 0)).toBe(false);
  expect(silence.note(10, SILENCE_MS - 1)).toBe(false);
  expect(silence.note(10, SILENCE_MS)).toBe(true);
  expect(silence.note(11, SILENCE_MS + 1)).toBe(false);
});
