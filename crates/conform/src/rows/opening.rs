//! An offer and its answer (RFC 9725 §4.2).

use std::collections::BTreeSet;

use str0m::change::SdpAnswer;

use crate::http::Reply;
use crate::offer::{Offer, Role, value, values};
use crate::row::{Miss, Outcome, expect};
use crate::stand::{SDP, Stand};

/// What is drawn at random must be longer, in characters of base64: 128 bits are 22.
const UNGUESSABLE: usize = 16;

pub(super) async fn becomes_a_session(stand: &mut Stand) -> Outcome {
    let opened = stand.open(Role::Publish, &Offer::of(Role::Publish)).await?;
    let reply = &opened.reply;
    expect(reply.media_type() == SDP, || {
        format!("the answer is {:?}", reply.header("content-type"))
    })?;
    let answer = SdpAnswer::from_sdp_string(&reply.body);
    answer.map_or_else(
        |error| Err(Miss::Fault(format!("the answer is no SDP: {error}"))),
        |_| Ok(()),
    )
}

pub(super) async fn refuses_what_is_no_offer(stand: &mut Stand) -> Outcome {
    let offer = Offer::of(Role::Publish).sdp;
    let long = format!("{offer}{}", "a=x-padding:0123456789\r\n".repeat(50_000));
    let cases = [
        ("JSON", "application/json", "{}"),
        ("an offer as text/plain", "text/plain", &offer),
        ("an empty body", SDP, ""),
        ("a body that is no SDP", SDP, "hello"),
        ("half an offer", SDP, &offer[..offer.len() / 2]),
        ("an offer of a megabyte", SDP, &long),
    ];
    for (what, media_type, body) in cases {
        let reply = stand.post_as(Role::Publish, media_type, body).await?;
        is_refused(what, &reply)?;
    }
    Ok(())
}

pub(super) async fn receives_only(stand: &mut Stand) -> Outcome {
    let offer = Offer::of(Role::Publish);
    let opened = stand.open(Role::Publish, &offer).await?;
    let answer = &opened.reply.body;
    for direction in ["a=sendrecv", "a=sendonly"] {
        expect(values(answer, direction).is_empty(), || {
            format!("the answer says {direction}")
        })?;
    }
    for direction in ["a=recvonly", "a=inactive"] {
        let reply = stand
            .post(Role::Publish, &offer.with("a=sendonly", direction).sdp)
            .await?;
        is_refused(&format!("an offer that says {direction}"), &reply)?;
    }
    Ok(())
}

pub(super) async fn tells_its_candidates(stand: &mut Stand) -> Outcome {
    let opened = stand.open(Role::Publish, &Offer::of(Role::Publish)).await?;
    let candidates = values(&opened.reply.body, "a=candidate:");
    expect(!candidates.is_empty(), || {
        "the answer holds no candidate".to_owned()
    })
}

pub(super) async fn bundles(stand: &mut Stand) -> Outcome {
    let opened = stand.open(Role::Publish, &Offer::of(Role::Publish)).await?;
    let answer = &opened.reply.body;
    let group: BTreeSet<_> = value(answer, "a=group:BUNDLE ").split(' ').collect();
    let mids: BTreeSet<_> = values(answer, "a=mid:").into_iter().collect();
    expect(group == mids, || {
        format!("sections {mids:?} and bundle {group:?}")
    })?;
    let muxed = values(answer, "a=rtcp-mux").len();
    expect(muxed >= mids.len(), || {
        format!("{muxed} of {} sections say rtcp-mux", mids.len())
    })
}

pub(super) async fn refuses_what_is_too_much(stand: &mut Stand) -> Outcome {
    let offer = Offer::of(Role::Publish).with("m=audio", "m=application");
    let reply = stand.post(Role::Publish, &offer.sdp).await?;
    is_refused(
        "an offer of a section that is neither sound nor picture",
        &reply,
    )
}

pub(super) async fn takes_all_or_nothing(stand: &mut Stand) -> Outcome {
    let offer = Offer::of(Role::Publish);
    let opened = stand.open(Role::Publish, &offer).await?;
    let sections = |sdp| values(sdp, "m=").len();
    let (offered, answered) = (sections(&offer.sdp), sections(&opened.reply.body));
    expect(offered == answered, || {
        format!("{answered} sections answer {offered}")
    })?;
    let rejected = values(&opened.reply.body, "m=")
        .into_iter()
        .find(|line| line.split(' ').nth(1) == Some("0"));
    expect(rejected.is_none(), || {
        format!("rejected: m={}", rejected.unwrap_or_default())
    })
}

pub(super) async fn takes_each_setup(stand: &mut Stand) -> Outcome {
    for (offered, answers) in [
        ("actpass", &["active", "passive"][..]),
        ("active", &["passive"]),
        ("passive", &["active"]),
    ] {
        let offer = Offer::of(Role::Publish).with("a=setup:actpass", &format!("a=setup:{offered}"));
        let opened = stand.open(Role::Publish, &offer).await?;
        let answered = value(&opened.reply.body, "a=setup:");
        expect(answers.contains(&answered), || {
            format!("setup {offered} is answered with {answered:?}")
        })?;
    }
    Ok(())
}

pub(super) async fn tags_strongly(stand: &mut Stand) -> Outcome {
    let offer = Offer::of(Role::Publish);
    let mut tags = BTreeSet::new();
    for _ in 0..2 {
        let opened = stand.open(Role::Publish, &offer).await?;
        let tag = opened.tag().to_owned();
        expect(
            tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'),
            || format!("ETag is {tag:?}"),
        )?;
        expect(tags.insert(tag.clone()), || {
            format!("two sessions have the tag {tag}")
        })?;
    }
    Ok(())
}

pub(super) async fn names_nobody_can_guess(stand: &mut Stand) -> Outcome {
    let offer = Offer::of(Role::Publish);
    let mut names = BTreeSet::new();
    for _ in 0..3 {
        let opened = stand.open(Role::Publish, &offer).await?;
        let last = opened
            .url
            .path_segments()
            .and_then(|mut segments| segments.next_back());
        let name = format!(
            "{}{}",
            last.unwrap_or_default(),
            opened.url.query().unwrap_or_default()
        );
        expect(name.len() >= UNGUESSABLE, || {
            format!("{name:?} can be guessed")
        })?;
        expect(names.insert(name.clone()), || {
            format!("two sessions are called {name}")
        })?;
    }
    Ok(())
}

pub(super) async fn answers_simulcast(stand: &mut Stand) -> Outcome {
    let layers = "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n";
    let offer = Offer::of(Role::Publish).sdp;
    let ids = "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n";
    let opened = stand
        .open(
            Role::Publish,
            &Offer {
                sdp: format!("{offer}{ids}{layers}"),
            },
        )
        .await?;
    let answer = &opened.reply.body;
    let taken = value(answer, "a=simulcast:");
    if taken.is_empty() {
        return Err(Miss::untold(
            "the answer takes one layer, which a server may",
        ));
    }
    expect(taken.starts_with("recv "), || {
        format!("the answer says a=simulcast:{taken}")
    })?;
    for rid in taken.trim_start_matches("recv ").split([';', ',']) {
        let rid = rid.trim_start_matches('~');
        let line = format!("a=rid:{rid} recv");
        expect(answer.contains(&line), || {
            format!("the answer takes {rid} and has no {line}")
        })?;
    }
    Ok(())
}

/// Whether this was taken for the client's fault.
pub(super) fn is_refused(what: &str, reply: &Reply) -> Outcome {
    expect(reply.is_clients_fault(), || {
        format!("{what} is answered with {}", reply.status)
    })
}
