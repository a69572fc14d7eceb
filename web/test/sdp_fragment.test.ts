// Fragments as RFC 8840 §9 and the examples of RFC 9725 §4.3 write them.
import { expect, test } from "vitest";
import { answerAfterRestart, readFragment, writeFragment } from "../src/sdk/sdp_fragment";

const crlf = (text: string): string => `${text.trim().split("\n").join("\r\n")}\r\n`;

const OFFER = crlf(`v=0
o=- 5228595038118931041 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-options:trickle ice2
m=video 0 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=fingerprint:sha-256 DA:7B:57:DC
a=setup:actpass
a=mid:0
a=sendonly
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=mid:1
a=sendonly`);

const FIRST =
  "candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw";
const SECOND = "candidate:3471623853 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active";

test("a fragment names the bundle, one section, its credentials and the candidates", () => {
  const batch = { candidates: [FIRST, SECOND], isLast: true };
  expect(writeFragment(OFFER, batch)).toBe(
    crlf(`a=group:BUNDLE 0 1
a=ice-options:trickle ice2
m=video 9 UDP/TLS/RTP/SAVPF 96 97
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=${FIRST}
a=${SECOND}
a=end-of-candidates`),
  );
});

test("without candidates it asks for a restart, and more may come", () => {
  const fragment = writeFragment(OFFER, { candidates: [], isLast: false });
  expect(fragment).toContain("a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n");
  expect(fragment).not.toMatch(/candidate/);
});

test("credentials at the session level are found too", () => {
  const offer = crlf("v=0\na=ice-ufrag:up\na=ice-pwd:here\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:a");
  expect(writeFragment(offer, { candidates: [], isLast: false })).toBe(
    crlf("m=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:a\na=ice-ufrag:up\na=ice-pwd:here"),
  );
});

const RESTARTED = crlf(`a=ice-lite
a=ice-options:trickle ice2
a=group:BUNDLE 0 1
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:0
a=ice-ufrag:289b31b754eaa438
a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a
a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host
a=end-of-candidates`);

test.each([
  ["with CRLF", RESTARTED],
  ["with LF", RESTARTED.replaceAll("\r\n", "\n")],
])("the answer to a restart is read %s", (_name, text) => {
  expect(readFragment(text)).toEqual({
    ufrag: "289b31b754eaa438",
    password: "0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a",
    candidates: ["candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host"],
  });
});

test.each([
  ["", "nothing"],
  ["a=ice-ufrag:only\r\n", "no password"],
  ["<html></html>", "a page"],
])("%j names no credentials: %s", (text, _what) => {
  expect(readFragment(text)).toBeNull();
});

const ANSWER = crlf(`v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:0
a=ice-ufrag:old
a=ice-pwd:oldpassword
a=candidate:1 1 udp 1 192.0.2.7 1 typ host
a=end-of-candidates
a=recvonly
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:1
a=ice-ufrag:old
a=ice-pwd:oldpassword
a=recvonly`);

test("after a restart only credentials and candidates of the answer are others", () => {
  const fragment = { ufrag: "new", password: "newpassword", candidates: [SECOND, FIRST] };
  expect(answerAfterRestart(ANSWER, fragment)).toBe(
    crlf(`v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:0
a=ice-ufrag:new
a=ice-pwd:newpassword
a=recvonly
a=${SECOND}
a=${FIRST}
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:1
a=ice-ufrag:new
a=ice-pwd:newpassword
a=recvonly`),
  );
});
