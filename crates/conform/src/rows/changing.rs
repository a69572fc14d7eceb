//! PATCH and DELETE of a session (RFC 9725 §4.3, §4.5).

use hyper::Method;

use super::opening::is_refused;
use crate::http::Reply;
use crate::offer::{Offer, Role, value, values};
use crate::row::{Miss, Outcome, expect};
use crate::stand::{FRAGMENT, Opened, SDP, Stand};

/// One that any server can use.
const USABLE: &str = "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host";
const UNUSABLE: [&str; 3] = [
    "candidate:2 1 udp 2113937151 0f8a9a3e-5a4c-4f3e-8a52-6b9d7f0c1e2d.local 50001 typ host",
    "candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active",
    "candidate:4 1 udp 1 not-an-address 50002 typ host",
];

async fn opened(stand: &mut Stand) -> Result<(Offer, Opened), Miss> {
    let offer = Offer::of(Role::Publish);
    let opened = stand.open(Role::Publish, &offer).await?;
    Ok((offer, opened))
}

/// A session that takes no PATCH says so once, and then there is nothing to ask about them.
fn is_patched(reply: &Reply) -> Outcome {
    match reply.status {
        405 | 501 => Err(Miss::untold("the server takes no PATCH")),
        _ => Ok(()),
    }
}

pub(super) async fn refuses_what_is_no_fragment(stand: &mut Stand) -> Outcome {
    let (offer, opened) = opened(stand).await?;
    let tag = opened.tag().to_owned();
    let fragment = offer.fragment(&[USABLE]);
    for (what, media_type, body) in [
        ("a fragment as application/sdp", SDP, fragment.as_str()),
        ("JSON", "application/json", "{}"),
        ("a body that is no fragment", FRAGMENT, "hello"),
        ("an empty body", FRAGMENT, ""),
    ] {
        let reply = stand
            .patch_as(&opened, Some(&tag), media_type, body)
            .await?;
        is_refused(what, &reply)?;
    }
    Ok(())
}

pub(super) async fn takes_candidates(stand: &mut Stand) -> Outcome {
    let (offer, opened) = opened(stand).await?;
    let reply = stand
        .patch(&opened, Some(opened.tag()), &offer.fragment(&[USABLE]))
        .await?;
    is_patched(&reply)?;
    expect(reply.status == 204, || {
        format!("they are answered with {}", reply.status)
    })?;
    expect(reply.body.is_empty(), || "the reply has a body".to_owned())?;
    expect(reply.header("etag").is_empty(), || {
        format!("the reply has an ETag, {}", reply.header("etag"))
    })
}

pub(super) async fn wants_the_right_tag(stand: &mut Stand) -> Outcome {
    let (offer, opened) = opened(stand).await?;
    let fragment = offer.fragment(&[USABLE]);
    for (what, tag, status) in [
        ("no If-Match", None, 428),
        ("a stale If-Match", Some("\"of-before\""), 412),
    ] {
        let reply = stand.patch(&opened, tag, &fragment).await?;
        is_patched(&reply)?;
        expect(reply.status == status, || {
            format!("{what} is answered with {}", reply.status)
        })?;
    }
    Ok(())
}

pub(super) async fn drops_what_it_cannot_use(stand: &mut Stand) -> Outcome {
    let (offer, opened) = opened(stand).await?;
    let mut candidates = vec![USABLE];
    candidates.extend(UNUSABLE);
    let reply = stand
        .patch(&opened, Some(opened.tag()), &offer.fragment(&candidates))
        .await?;
    is_patched(&reply)?;
    expect(reply.is_success(), || {
        format!("they are answered with {}", reply.status)
    })
}

pub(super) async fn restarts(stand: &mut Stand) -> Outcome {
    let (offer, opened) = opened(stand).await?;
    for (number, star) in ["*", "\"*\""].into_iter().enumerate() {
        let reply = restart(
            stand,
            &opened,
            star,
            &offer.restart(&format!("anew{number}")),
        )
        .await?;
        expect(reply.media_type() == FRAGMENT, || {
            format!("the fragment is {:?}", reply.media_type())
        })?;
        for line in ["a=ice-ufrag:", "a=ice-pwd:"] {
            let anew = value(&reply.body, line);
            let is_anew = !anew.is_empty() && anew != value(&opened.reply.body, line);
            expect(is_anew, || format!("{line}{anew} after {star}"))?;
        }
        let tag = reply.header("etag");
        expect(!tag.is_empty() && tag != opened.tag(), || {
            format!("its ETag is {tag:?}")
        })?;
    }
    let late = stand
        .patch(&opened, Some(opened.tag()), &offer.fragment(&[USABLE]))
        .await?;
    expect(late.status == 412, || {
        format!("the tag of before is answered with {}", late.status)
    })
}

pub(super) async fn survives_a_failed_restart(stand: &mut Stand) -> Outcome {
    let (offer, opened) = opened(stand).await?;
    let reply = stand
        .patch(&opened, Some("*"), "a=ice-ufrag:x\r\na=ice-pwd:short\r\n")
        .await?;
    is_patched(&reply)?;
    is_refused("a restart with impossible credentials", &reply)?;
    let reply = stand
        .patch(&opened, Some(opened.tag()), &offer.fragment(&[USABLE]))
        .await?;
    expect(reply.status == 204, || {
        format!("then its candidates are answered with {}", reply.status)
    })
}

pub(super) async fn keeps_ice_options(stand: &mut Stand) -> Outcome {
    let (offer, opened) = opened(stand).await?;
    let before = value(&opened.reply.body, "a=ice-options:").to_owned();
    let reply = restart(stand, &opened, "*", &offer.restart("anew")).await?;
    let options = value(&reply.body, "a=ice-options:");
    expect(options == before, || {
        format!("ice-options were {before:?} and are {options:?}")
    })?;
    let candidates = values(&reply.body, "a=candidate:");
    expect(!candidates.is_empty(), || {
        "the fragment holds no candidate".to_owned()
    })
}

pub(super) async fn ends(stand: &mut Stand) -> Outcome {
    let (offer, opened) = opened(stand).await?;
    let ask = crate::http::Ask::new(Method::DELETE, &opened.url).bearer(stand.token(Role::Publish));
    let reply = stand.send(ask.header("if-match", "\"whatever\"")).await?;
    expect(reply.status == 200, || {
        format!("it is answered with {}", reply.status)
    })?;
    let again = stand.ask_session(&opened, Method::DELETE).await?;
    expect(again.status == 404, || {
        format!("a second one is answered with {}", again.status)
    })?;
    let late = stand
        .patch(&opened, Some(opened.tag()), &offer.fragment(&[USABLE]))
        .await?;
    expect(late.status == 404, || {
        format!("a PATCH after it is answered with {}", late.status)
    })
}

async fn restart(
    stand: &mut Stand,
    opened: &Opened,
    star: &str,
    fragment: &str,
) -> Result<Reply, Miss> {
    let reply = stand.patch(opened, Some(star), fragment).await?;
    is_patched(&reply)?;
    expect(reply.status == 200, || {
        format!("If-Match: {star} is answered with {}", reply.status)
    })?;
    Ok(reply)
}
