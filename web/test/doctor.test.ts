// The doctor's conclusions: each from what was gathered, none without a measurement.
import { describe, expect, test } from "vitest";
import { checkAccess, checkServer, checkWebSocket } from "../src/sdk/doctor_access";
import type { Gathered } from "../src/sdk/doctor_gathering";
import { linkFinding } from "../src/sdk/doctor_loop_back";
import {
  comparable,
  hasAnswered,
  hasNoNat,
  hiddenFinding,
  ipv6Finding,
  mappingFinding,
  stunFinding,
} from "../src/sdk/doctor_mapping";
import { hasRelay, relayFinding, udpFinding, type Tried } from "../src/sdk/doctor_relays";
import { Api } from "../src/sdk/api";
import type { Socket } from "../src/sdk/sockets";
import { makeDevice, memoryFetch, ORIGIN } from "./support/device";

const HOST = "helio.test";
const NOTHING: Gathered = {
  hosts: ["a.local"],
  srflx: [],
  relays: 0,
  errors: [],
  isComplete: false,
  tookMs: null,
};
const MAPPED: Gathered = {
  ...NOTHING,
  srflx: ["203.0.113.7:4000"],
  isComplete: true,
  tookMs: 12,
};
const A = { url: "stun:helio.test:3478", gathered: MAPPED };
const B = { url: "stun:helio.test:8443", gathered: MAPPED };

function tried(transport: Tried["transport"], gathered: Partial<Gathered>): Tried {
  const url = `turn:helio.test:3478?transport=${transport}`;
  return { server: { urls: url }, url, transport, gathered: { ...NOTHING, ...gathered } };
}

describe("STUN", () => {
  test("one that says nothing in time has not answered, and its port is named", () => {
    const silent = { url: "stun:helio.test:3479", gathered: NOTHING };
    expect(stunFinding([silent], HOST)).toMatchObject({
      state: "bad",
      line: 'turn.listen = ["[::]:3479"]',
    });
    expect(stunFinding([A, silent], HOST).state).toBe("note");
    expect(stunFinding([A], HOST)).toEqual({
      state: "good",
      measured: ["stun:helio.test:3478: 203.0.113.7:4000 in 12 ms"],
    });
  });

  test("a browser that is done without an address tells only where it shows its own", () => {
    expect(hasAnswered({ ...NOTHING, isComplete: true })).toBeNull();
    expect(hasAnswered({ ...NOTHING, isComplete: true, hosts: ["192.0.2.1"] })).toBe(true);
    const error = { code: 701, text: "timed out" };
    expect(hasAnswered({ ...NOTHING, isComplete: true, errors: [error] })).toBe(false);
  });
});

describe("the mapping", () => {
  test("is told by one socket that two ports see, and by nothing less", () => {
    expect(mappingFinding([A], null).state).toBe("untold");
    expect(mappingFinding([A, B], null).state).toBe("untold");
    expect(mappingFinding([A, B], MAPPED).state).toBe("good");
    const two = { ...MAPPED, srflx: ["203.0.113.7:4000", "203.0.113.7:4001"] };
    expect(mappingFinding([A, B], two).state).toBe("note");
    expect(mappingFinding([A, B], { ...two, isComplete: false }).state).toBe("untold");
    expect(mappingFinding([A, B], { ...MAPPED, srflx: [] }).state).toBe("untold");
  });

  test("is asked of servers that are reached by the same families only", () => {
    const six = {
      url: "stun:[2001:db8::1]",
      gathered: { ...MAPPED, srflx: ["[2001:db8::2]:4000"] },
    };
    const silent = { url: "stun:helio.test:3479", gathered: NOTHING };
    expect(comparable([A, six, silent])).toEqual([A]);
    expect(comparable([six, silent, A, B])).toEqual([A, B]);
    expect(comparable([silent])).toEqual([]);
  });

  test("needs no second port where the server sees this device's own address", () => {
    const bare = { ...NOTHING, hosts: ["192.0.2.1"], isComplete: true };
    const seen = { url: "stun:helio.test:3478", gathered: bare };
    expect(hasNoNat([seen])).toBe(true);
    expect(hasNoNat([seen, A])).toBe(false);
    expect(hasNoNat([{ ...seen, gathered: NOTHING }])).toBe(false);
  });

  test("never claims to know the filtering", () => {
    expect(mappingFinding([A, B], MAPPED).measured.join()).toContain("filtering: not told");
  });
});

describe("this device's addresses", () => {
  test("IPv6 is not denied where the browser hides addresses", () => {
    expect(ipv6Finding([NOTHING]).state).toBe("untold");
    expect(ipv6Finding([{ ...NOTHING, hosts: ["192.0.2.1", "fe80::1"] }]).state).toBe("note");
    expect(ipv6Finding([{ ...NOTHING, hosts: ["2001:db8::1"] }]).state).toBe("good");
    expect(ipv6Finding([{ ...NOTHING, srflx: ["[2001:db8::1]:4000"] }]).state).toBe("good");
  });

  test("no host candidate at all is a fault, a hidden one is not", () => {
    expect(hiddenFinding({ ...NOTHING, hosts: [] }).state).toBe("bad");
    expect(hiddenFinding(NOTHING).state).toBe("note");
    expect(hiddenFinding({ ...NOTHING, hosts: ["192.0.2.1"] }).state).toBe("good");
  });
});

describe("a relay", () => {
  test("that refuses the credentials is told from one that is not there", () => {
    const refused = relayFinding(
      "udp",
      [tried("udp", { errors: [{ code: 401, text: "Unauthorized" }] })],
      HOST,
    );
    expect(refused).toMatchObject({
      state: "bad",
      measured: ["turn:helio.test:3478?transport=udp: refused: 401 Unauthorized"],
    });
    expect(refused.line).toContain("turn.secrets");
    const away = relayFinding("tcp", [tried("tcp", { errors: [{ code: 701, text: "" }] })], HOST);
    expect(away.cause).toBe("nothing answers at turn:helio.test:3478?transport=tcp");
    expect(away.remedy).toContain("TCP port 3478");
  });

  test("of others is never blamed on our configuration", () => {
    const silent = tried("udp", {});
    expect(relayFinding("udp", [silent], HOST).line).toBe('turn.listen = ["[::]:3478"]');
    expect(relayFinding("udp", [silent], "other.test").line).toBeUndefined();
    const stun = { url: "stun:[2001:db8::1]:3479", gathered: NOTHING };
    expect(stunFinding([stun], HOST).line).toBeUndefined();
    expect(stunFinding([stun], "[2001:db8::1]").line).toBe('turn.listen = ["[::]:3479"]');
  });

  test("that fails beside one that works is worth knowing, no fault", () => {
    const finding = relayFinding(
      "udp",
      [tried("udp", { relays: 1, tookMs: 3 }), tried("udp", {})],
      HOST,
    );
    expect(finding.state).toBe("note");
    expect(relayFinding("udp", [], HOST).state).toBe("untold");
  });

  test("is known by its scheme and transport", () => {
    expect(hasRelay("turn:a", "udp")).toBe(true);
    expect(hasRelay("turn:a?transport=tcp", "tcp")).toBe(true);
    expect(hasRelay("turn:a?transport=tcp", "udp")).toBe(false);
    expect(hasRelay("turns:a?transport=tcp", "tls")).toBe(true);
    expect(hasRelay("turns:a?transport=tcp", "tcp")).toBe(false);
    expect(hasRelay("stun:a", "udp")).toBe(false);
  });
});

describe("UDP", () => {
  test("is blocked where a relay answers over TCP alone", () => {
    const tcp = tried("tcp", { relays: 1 });
    const finding = udpFinding([NOTHING], [tried("udp", {}), tcp], true);
    expect(finding.state).toBe("bad");
    expect(finding.cause).toContain("UDP is blocked on the way");
  });

  test("is told from servers that do not listen only by TCP", () => {
    const finding = udpFinding([NOTHING], [tried("udp", {}), tried("tcp", {})], true);
    expect(finding.cause).toContain("look alike");
    expect(udpFinding([NOTHING], [], false).state).toBe("untold");
    expect(udpFinding([], [], true).state).toBe("untold");
  });

  test("passes when a relay refuses over it", () => {
    const refused = tried("udp", { errors: [{ code: 401, text: "" }] });
    expect(udpFinding([NOTHING], [refused], true).state).toBe("good");
  });
});

test("a link that does not open over a relay that gave addresses is the relay's doing", () => {
  const stuck = { openedMs: null, roundTripMs: NaN, ice: "checking" } as const;
  expect(linkFinding("relay", stuck).line).toContain("turn.allow_peers");
  expect(linkFinding("direct", stuck).line).toBeUndefined();
});

describe("the way to the server", () => {
  test("tells a clock that is 31 s off from one that is 29 s off", async () => {
    const at = (offsetMs: number) =>
      new Api({
        origin: ORIGIN,
        fetch: memoryFetch((_, path) =>
          path === "/api/server" ? [200, { version: "1", now: Date.now() + offsetMs }] : null,
        ),
      });
    expect((await checkServer(at(29_000))).state).toBe("good");
    expect((await checkServer(at(31_000))).state).toBe("note");
  });

  test("a server that does not answer is the finding, and asks nothing of what needs it", async () => {
    const api = new Api({ origin: ORIGIN, fetch: () => Promise.reject(new TypeError("no route")) });
    expect(await checkServer(api)).toMatchObject({ state: "bad", cause: "unreachable" });
    const never = (): Socket => {
      throw new Error("no socket is opened to a server that is away");
    };
    expect((await checkWebSocket(ORIGIN, false, never)).state).toBe("untold");
  });

  test("without an identity there is no token to tell of", async () => {
    const { finding, servers } = await checkAccess(new Api({ origin: ORIGIN }), null, true);
    expect(finding.state).toBe("untold");
    expect(servers).toEqual([]);
  });

  test("a refused assertion is told with the server's reason", async () => {
    const { api, identity } = await makeDevice("Ada", (_, path) =>
      path === "/api/auth/webrtc-token" ? [403, { code: "revoked", detail: "was revoked" }] : null,
    );
    const { finding } = await checkAccess(api, identity, true);
    expect(finding).toMatchObject({ state: "bad", cause: "revoked", measured: ["was revoked"] });
  });

  test("a socket that closes before it opens is told with its code", async () => {
    const closing = (): Socket => {
      const socket: Socket = {
        onopen: null,
        onmessage: null,
        onclose: null,
        send: () => undefined,
        close: () => undefined,
      };
      queueMicrotask(() => socket.onclose?.({ code: 1006 }));
      return socket;
    };
    const finding = await checkWebSocket(ORIGIN, true, closing);
    expect(finding.state).toBe("bad");
    expect(finding.measured[0]).toContain("1006");
  });
});
