//! Where we answer otherwise than coturn 4.6, and why.

/// One difference that is meant to be.
pub(crate) struct Listed {
    pub(crate) scenario: &'static str,
    pub(crate) step: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) coturn: &'static str,
    pub(crate) reason: &'static str,
}

const fn listed(
    scenario: &'static str,
    step: &'static str,
    ours: &'static str,
    coturn: &'static str,
    reason: &'static str,
) -> Listed {
    Listed {
        scenario,
        step,
        ours,
        coturn,
        reason,
    }
}

const MORE_ADDRESSES: &str = "coturn adds MAPPED-ADDRESS and RESPONSE-ORIGIN (RFC 3489, RFC 5780): bytes for an amplifier, nothing for a client of RFC 8489";
const TRANSPORT: &str = "RFC 8656 section 7.2: an unsupported transport is 442";
const NO_ALLOCATION: &str =
    "RFC 8656 section 5: any method but Allocate without an allocation is 437";
const EMBEDDED: &str = "the embedded IPv4 address is judged (coturn: CVE-2026-27624)";
const DENIED: &str = "denied unless the operator allows it; coturn denies what its operator lists";
const SIGNED: &str = "we sign what answers a signed request (RFC 8489 section 9.2.4)";

pub(crate) const LISTED: &[Listed] = &[
    listed(
        "binding",
        "plain",
        "success 0020",
        "success 0001 0020 802b",
        MORE_ADDRESSES,
    ),
    listed(
        "binding",
        "with fingerprint",
        "success 0020 8028",
        "success 0001 0020 8028 802b",
        MORE_ADDRESSES,
    ),
    listed(
        "binding",
        "unknown optional attribute",
        "success 0020",
        "success 0001 0020 802b",
        MORE_ADDRESSES,
    ),
    listed(
        "binding",
        "rfc 3489, no cookie",
        "no answer",
        "68 bytes that are no STUN with a cookie",
        "clients of RFC 3489 have no cookie to demultiplex by; none is left",
    ),
    listed(
        "binding",
        "unknown method",
        "no answer",
        "error 401 0009 0014 0015",
        "RFC 8489 section 6.3: an unknown method is silently discarded",
    ),
    listed(
        "allocate, refused",
        "tcp",
        "error 442 0008 0009",
        "error 400 0008 0009",
        TRANSPORT,
    ),
    listed(
        "allocate, refused",
        "sctp",
        "error 442 0008 0009",
        "error 400 0008 0009",
        TRANSPORT,
    ),
    listed(
        "allocate, refused",
        "token of nobody",
        "error 508 0008 0009",
        "error 404 0008 0009",
        "RFC 8656 section 7.2: an invalid token is 508; 404 is no code of STUN",
    ),
    listed(
        "allocate, refused",
        "permission without allocation",
        "error 437 0008 0009",
        "error 400 0008 0009",
        NO_ALLOCATION,
    ),
    listed(
        "allocate, refused",
        "channel without allocation",
        "error 437 0008 0009",
        "error 400 0008 0009",
        NO_ALLOCATION,
    ),
    listed(
        "allocate, refused",
        "connect without allocation",
        "no answer",
        "error 403 0008 0009",
        "RFC 6062 is not offered, so its methods are unknown ones",
    ),
    listed(
        "allocate",
        "another",
        "error 437 0008 0009",
        "error 437 0009",
        SIGNED,
    ),
    listed(
        "allocate",
        "binding on the same 5-tuple",
        "success 0020",
        "success 0001 0020 802b",
        MORE_ADDRESSES,
    ),
    listed(
        "allocate ipv6",
        "mapped peer",
        "error 403 0008 0009",
        "success 0008",
        EMBEDDED,
    ),
    listed(
        "allocate ipv6",
        "mapped private peer",
        "error 403 0008 0009",
        "success 0008",
        EMBEDDED,
    ),
    listed(
        "allocate ipv6",
        "6to4 of a private peer",
        "error 403 0008 0009",
        "success 0008",
        EMBEDDED,
    ),
    listed(
        "allocate ipv6",
        "link-local peer",
        "error 403 0008 0009",
        "success 0008",
        DENIED,
    ),
    listed(
        "refresh",
        "by another user",
        "error 441 0008 0009",
        "error 441 0009",
        SIGNED,
    ),
    listed(
        "refresh",
        "after the end",
        "error 437 0008 0009",
        "success lifetime=0 0008 000d",
        "RFC 8656 section 8.2: a Refresh without an allocation is 437, which clients take for success",
    ),
    listed(
        "permission",
        "private peer",
        "error 403 0008 0009",
        "success 0008",
        DENIED,
    ),
    listed(
        "permission",
        "metadata peer",
        "error 403 0008 0009",
        "success 0008",
        DENIED,
    ),
    listed(
        "permission",
        "multicast peer",
        "error 403 0008 0009",
        "success 0008",
        DENIED,
    ),
    listed(
        "permission",
        "broadcast peer",
        "error 403 0008 0009",
        "success 0008",
        DENIED,
    ),
    listed(
        "channel",
        "own dead port",
        "error 403 0008 0009",
        "success 0008",
        "of the server's own ports only live relays and media are reached",
    ),
];
