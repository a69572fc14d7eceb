//! The checklist: RFC 9725 (W) and draft-ietf-wish-whep (E), in the order of their numbers.
//!
//! The rows stand with what they are about: `opening` an offer and its answer, `access` who may and
//! from where, `changing` PATCH and DELETE, `living` media, `watching` WHEP.

use crate::row::Row;

mod access;
mod changing;
mod living;
mod opening;
mod watching;

macro_rules! row {
    ($id:literal, $check:path, $says:literal) => {
        Row {
            id: $id,
            says: $says,
            check: |stand| Box::pin($check(stand)),
        }
    };
}

/// Every row.
pub const ROWS: [Row; 36] = [
    row!(
        "W1",
        opening::becomes_a_session,
        "an offer is answered 201 with an answer, application/sdp and Location"
    ),
    row!(
        "W2",
        opening::refuses_what_is_no_offer,
        "a wrong type or malformed SDP is the client's fault, 4xx"
    ),
    row!(
        "W3",
        opening::receives_only,
        "the answer receives only; an offer that sends nothing is refused"
    ),
    row!(
        "W4",
        opening::tells_its_candidates,
        "the answer holds the server's candidates"
    ),
    row!(
        "W5",
        opening::bundles,
        "the answer is one bundle with rtcp-mux"
    ),
    row!(
        "W6",
        opening::refuses_what_is_too_much,
        "more tracks than are supported are refused, 4xx"
    ),
    row!(
        "W7",
        opening::takes_all_or_nothing,
        "no section of an answer is rejected by itself"
    ),
    row!(
        "W8",
        opening::takes_each_setup,
        "offers with setup active, passive and actpass are taken"
    ),
    row!(
        "W9",
        access::shows_nothing,
        "GET of endpoint and session succeeds without content"
    ),
    row!(
        "W10",
        access::says_what_it_takes,
        "OPTIONS is answered 200 with Accept-Post and the headers of CORS"
    ),
    row!(
        "W11",
        access::needs_no_token_for_preflight,
        "a preflight needs no token and tells no ICE servers"
    ),
    row!(
        "W12",
        access::needs_a_token,
        "POST, PATCH and DELETE without a token are answered 401"
    ),
    row!(
        "W13",
        opening::tags_strongly,
        "each session has a strong entity tag of its own"
    ),
    row!(
        "W14",
        changing::refuses_what_is_no_fragment,
        "a PATCH of a wrong type or body is the client's fault, 4xx"
    ),
    row!(
        "W15",
        changing::takes_candidates,
        "candidates with the right If-Match are answered 204, nothing else"
    ),
    row!(
        "W16",
        changing::wants_the_right_tag,
        "a PATCH without If-Match is answered 428, with a stale one 412"
    ),
    row!(
        "W18",
        changing::drops_what_it_cannot_use,
        "candidates that cannot be used are dropped in silence"
    ),
    row!(
        "W19",
        changing::restarts,
        "If-Match * restarts ICE: 200, a fragment, another tag, the old one is stale"
    ),
    row!(
        "W20",
        changing::survives_a_failed_restart,
        "a restart that fails leaves the session as it was"
    ),
    row!(
        "W21",
        changing::keeps_ice_options,
        "a restart keeps the ICE options and tells candidates"
    ),
    row!(
        "W22",
        changing::ends,
        "DELETE is answered 200 whatever If-Match says; then the session is gone"
    ),
    row!(
        "W23",
        living::ends_when_nobody_consents,
        "a session whose client is gone ends by itself"
    ),
    row!(
        "W25",
        access::links_each_ice_server,
        "each ICE server is a Link of its own, and pages may read it"
    ),
    row!(
        "W26",
        opening::names_nobody_can_guess,
        "session URLs cannot be guessed"
    ),
    row!(
        "W27",
        opening::answers_simulcast,
        "an offer of simulcast is answered as RFC 8853 wants it"
    ),
    row!(
        "W28",
        access::advertises_extensions,
        "extensions are told by Link"
    ),
    row!(
        "W29",
        access::explains_itself,
        "a refusal says why, application/problem+json"
    ),
    row!(
        "W30",
        living::flows_from_nothing,
        "an offer without candidates, then a fragment, brings media from WHIP to WHEP"
    ),
    row!(
        "E1",
        watching::counters,
        "406 is an offer with Location, whose answer by PATCH is answered 204"
    ),
    row!(
        "E2",
        watching::has_nothing_yet,
        "a stream that nobody publishes is answered 409 with Retry-After"
    ),
    row!(
        "E3",
        watching::tells_its_type,
        "HEAD is answered 200 with a Content-Type"
    ),
    row!(
        "E4",
        watching::is_one_stream,
        "the answer is one stream, of one sound and one picture at most"
    ),
    row!(
        "E5",
        watching::tells_events,
        "the extension of events: 201 to a list, 400 to one that holds an unknown"
    ),
    row!(
        "E6",
        watching::tells_what_was_asked,
        "an event stream tells the events that were asked for and no others"
    ),
    row!(
        "E7",
        watching::changes_layers,
        "the extension of layers: a layer is pinned and let go"
    ),
    row!(
        "W24",
        living::turns_away_properly,
        "a redirect says where, an overload when (where one was met)"
    ),
];
