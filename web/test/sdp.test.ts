// Signed session descriptions: what an evil server tries, and what it gets.
import { beforeEach, expect, test } from "vitest";
import { certificateHashOf, fingerprintsOf, iceUfragOf, withStartBitrate } from "../src/sdk/sdp";
import { CLOCK_LIMIT_MS, SdpSignatures } from "../src/sdk/sdp_signature";
import { makeDevice, type Device } from "./support/device";

const FINGERPRINT = Array.from({ length: 32 }, (_, index) =>
  index.toString(16).padStart(2, "0").toUpperCase(),
).join(":");

const SDP = [
  "v=0",
  "a=ice-ufrag:abcd",
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98",
  "a=ice-ufrag:abcd",
  `a=fingerprint:SHA-256 ${FINGERPRINT.toLowerCase()}`,
  "a=rtpmap:96 VP8/90000",
  "a=rtpmap:97 rtx/90000",
  "a=fmtp:97 apt=96",
  "a=rtpmap:98 H264/90000",
  "a=fmtp:98 packetization-mode=1",
  "",
].join("\r\n");

const PAIR = "p".repeat(43);
let alice: Device;
let bob: Device;
let fromAlice: SdpSignatures;
let toBob: SdpSignatures;
let bobNow: number;

beforeEach(async () => {
  alice = await makeDevice("Alice");
  bob = await makeDevice("Bob");
  bobNow = 1_760_000_000_000;
  const peerOf = (device: Device) => ({ pairId: PAIR, peer: device.identity.record });
  fromAlice = new SdpSignatures(alice.identity, alice.store, peerOf(bob), () => 1_760_000_000_000);
  toBob = new SdpSignatures(bob.identity, bob.store, peerOf(alice), () => bobNow);
});

test("fingerprints are read in one form, without doubles", () => {
  expect(fingerprintsOf(SDP)).toEqual([`sha-256 ${FINGERPRINT}`]);
  expect(iceUfragOf(SDP)).toBe("abcd");
  expect([...(certificateHashOf(SDP) ?? [])].slice(0, 3)).toEqual([0, 1, 2]);
});

test("two certificates are no certificate", () => {
  const other = FINGERPRINT.replace("00", "FF");
  expect(certificateHashOf(`${SDP}a=fingerprint:sha-256 ${other}\r\n`)).toBeNull();
});

test("the start bitrate is added to each video codec once", () => {
  const changed = withStartBitrate(SDP, 3000).split("\r\n");
  expect(changed).toContain("a=fmtp:96 x-google-start-bitrate=3000");
  expect(changed).toContain("a=fmtp:98 packetization-mode=1;x-google-start-bitrate=3000");
  expect(changed).toContain("a=fmtp:97 apt=96");
  expect(changed.filter((line) => line.includes("x-google"))).toHaveLength(2);
});

test("a signed offer and its answer are accepted", async () => {
  await toBob.verify(await fromAlice.sign("offer", SDP, ""), "");
  await toBob.verify(await fromAlice.sign("answer", SDP, "the offer"), "the offer");
});

test("an offer without signature is refused", async () => {
  const { type, sdp } = await fromAlice.sign("offer", SDP, "");
  await expect(toBob.verify({ type, sdp }, "")).rejects.toMatchObject({ code: "unsigned" });
});

test.each([
  ["a swapped fingerprint", (sdp: string) => sdp.replaceAll(/0[01]:/g, "FF:")],
  ["another ufrag", (sdp: string) => sdp.replaceAll("abcd", "efgh")],
  ["an added line", (sdp: string) => `${sdp}a=extra\r\n`],
])("%s is refused", async (_name, change) => {
  const signed = await fromAlice.sign("offer", SDP, "");
  const forged = { ...signed, sdp: change(SDP) };
  expect(forged.sdp).not.toBe(SDP);
  await expect(toBob.verify(forged, "")).rejects.toMatchObject({ code: "signature-refused" });
});

test("an answer passed off as an offer is refused and said so", async () => {
  const signed = await fromAlice.sign("answer", SDP, "");
  const refusal = toBob.verify({ ...signed, type: "offer" }, "");
  await expect(refusal).rejects.toMatchObject({ code: "signature-refused" });
});

test("an answer to another offer is refused", async () => {
  const signed = await fromAlice.sign("answer", SDP, "first offer");
  await expect(toBob.verify(signed, "second offer")).rejects.toMatchObject({
    code: "signature-refused",
  });
});

test("an own offer sent back is refused", async () => {
  const own = await toBob.sign("offer", SDP, "");
  await expect(toBob.verify(own, "")).rejects.toMatchObject({ code: "signature-refused" });
});

test("an old offer is refused when it comes again", async () => {
  const first = await fromAlice.sign("offer", SDP, "");
  const second = await fromAlice.sign("offer", SDP, "");
  expect(second.ts).toBeGreaterThan(first.ts);
  await toBob.verify(second, "");
  await expect(toBob.verify(first, "")).rejects.toMatchObject({ code: "replayed" });
  await expect(toBob.verify(second, "")).rejects.toMatchObject({ code: "replayed" });
});

test("the same offer taken by two tabs at once is accepted once", async () => {
  const signed = await fromAlice.sign("offer", SDP, "");
  const results = await Promise.allSettled([toBob.verify(signed, ""), toBob.verify(signed, "")]);
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test.each([
  [CLOCK_LIMIT_MS, "accepted"],
  [CLOCK_LIMIT_MS + 1, "10 minutes behind"],
  [-CLOCK_LIMIT_MS - 1, "10 minutes ahead of"],
])("a clock off by %i ms is %s", async (offsetMs, outcome) => {
  bobNow += offsetMs;
  const signed = await fromAlice.sign("offer", SDP, "");
  if (outcome === "accepted") await toBob.verify(signed, "");
  else {
    const refusal = toBob.verify(signed, "");
    await expect(refusal).rejects.toMatchObject({ code: "clock-skew" });
    await expect(refusal).rejects.toThrow(outcome);
  }
});

test("a refused offer does not raise the remembered time", async () => {
  const signed = await fromAlice.sign("offer", SDP, "");
  const future = { ...signed, ts: signed.ts + 1000 };
  await expect(toBob.verify(future, "")).rejects.toThrow();
  await toBob.verify(signed, "");
});
