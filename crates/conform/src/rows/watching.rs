//! WHEP alone (draft-ietf-wish-whep).

use hyper::Method;
use url::Url;

use crate::http::{Ask, Reply};
use crate::media::Client;
use crate::offer::{Offer, Role, values};
use crate::row::{Miss, Outcome, expect};
use crate::stand::{Opened, SDP, Stand};

const EVENTS: &str = "urn:ietf:params:whep:ext:core:server-sent-events";
const LAYER: &str = "urn:ietf:params:whep:ext:core:layer";
const EVENT_STREAM: &str = "text/event-stream";
const JSON: &str = "application/json";

pub(super) async fn counters(stand: &mut Stand) -> Outcome {
    stand.publish().await?;
    // Once something of it has come, the server has seen its codecs.
    let (mut ordinary, _) = Client::open(stand, Role::Watch).await?;
    ordinary.connect().await.map_err(|_| no_media())?;
    ordinary.hear().await.map_err(|_| no_media())?;
    // The picture is VP8.
    let lacking = Offer::of(Role::Watch).with("VP8/", "VP7/");
    let (reply, opened) = stand.open_countered(&lacking).await?;
    if reply.status != 406 {
        let why = format!(
            "an offer that lacks the codec is answered with {}",
            reply.status
        );
        return Err(Miss::Untold(why));
    }
    expect(reply.media_type() == SDP, || {
        format!("406 comes with {:?}, not an offer", reply.media_type())
    })?;
    let opened = opened.ok_or_else(|| Miss::Fault("there is no Location".to_owned()))?;
    let mut client = Client::answer(stand, &opened).await?;
    client.connect().await?;
    client.hear().await
}

/// Row W30 tells more of it.
fn no_media() -> Miss {
    Miss::untold("an ordinary viewer gets no media")
}

pub(super) async fn has_nothing_yet(stand: &mut Stand) -> Outcome {
    let reply = stand.post(Role::Watch, &Offer::of(Role::Watch).sdp).await?;
    expect(reply.status == 409, || {
        format!("it is answered with {}", reply.status)
    })?;
    expect(!reply.header("retry-after").is_empty(), || {
        "there is no Retry-After".to_owned()
    })
}

pub(super) async fn tells_its_type(stand: &mut Stand) -> Outcome {
    let reply = stand.ask(Role::Watch, Method::HEAD).await?;
    expect(reply.status == 200, || {
        format!("it is answered with {}", reply.status)
    })?;
    expect(!reply.media_type().is_empty(), || {
        "there is no Content-Type".to_owned()
    })
}

pub(super) async fn is_one_stream(stand: &mut Stand) -> Outcome {
    let opened = watched(stand).await?;
    let answer = &opened.reply.body;
    let mut streams: Vec<_> = values(answer, "a=msid:")
        .iter()
        .filter_map(|msid| msid.split(' ').next())
        .collect();
    streams.dedup();
    expect(streams.len() <= 1, || {
        format!("the answer holds the streams {streams:?}")
    })?;
    for kind in ["m=audio", "m=video"] {
        let sections = values(answer, kind).len();
        expect(sections <= 1, || {
            format!("the answer holds {sections} sections of {kind}")
        })?;
    }
    Ok(())
}

pub(super) async fn tells_events(stand: &mut Stand) -> Outcome {
    let opened = watched(stand).await?;
    let url = extension(&opened, EVENTS)?;
    let reply = post(stand, &url, r#"["active","inactive"]"#).await?;
    expect(reply.status == 201, || {
        format!("a list is answered with {}", reply.status)
    })?;
    expect(!reply.header("location").is_empty(), || {
        "there is no Location".to_owned()
    })?;
    let reply = post(stand, &url, r#"["active","of-no-draft"]"#).await?;
    expect(reply.status == 400, || {
        format!("an unknown event is answered with {}", reply.status)
    })
}

pub(super) async fn tells_what_was_asked(stand: &mut Stand) -> Outcome {
    let opened = watched(stand).await?;
    let url = extension(&opened, EVENTS)?;
    let reply = post(stand, &url, r#"["active"]"#).await?;
    let location = url.join(reply.header("location"));
    let location = location.map_err(|error| Miss::Fault(format!("Location: {error}")))?;
    // As the EventSource of a page asks: without a token.
    let ask = Ask::new(Method::GET, &location).header("accept", EVENT_STREAM);
    let told = stand.peek(ask, "\n\n").await?;
    let kind = told.media_type();
    expect(kind == EVENT_STREAM, || format!("the stream is {kind:?}"))?;
    let events = values(&told.body, "event:");
    let others = events.iter().find(|event| event.trim() != "active");
    expect(others.is_none(), || {
        format!(
            "it begins with {:?}",
            others.map_or("", |event| event.trim())
        )
    })?;
    expect(!events.is_empty(), || {
        format!("it begins with {:?}", told.body)
    })
}

pub(super) async fn changes_layers(stand: &mut Stand) -> Outcome {
    let opened = watched(stand).await?;
    let url = extension(&opened, LAYER)?;
    let mids = values(&opened.reply.body, "a=mid:");
    let last = mids.last().copied().unwrap_or_default();
    let reply = post(stand, &url, &format!(r#"{{"mediaId":"{last}"}}"#)).await?;
    expect(reply.is_success(), || {
        format!("a return to automatic is answered with {}", reply.status)
    })?;
    let reply = post(stand, &url, "[").await?;
    expect(reply.is_clients_fault(), || {
        format!("what is no JSON is answered with {}", reply.status)
    })
}

/// A session of somebody who watches what is published meanwhile.
async fn watched(stand: &mut Stand) -> Result<Opened, Miss> {
    stand.publish().await?;
    stand.open(Role::Watch, &Offer::of(Role::Watch)).await
}

/// The URL of an extension that the session advertises.
fn extension(opened: &Opened, name: &str) -> Result<Url, Miss> {
    let headers = opened.reply.headers("link");
    let mut links = headers.iter().flat_map(|header| links(header));
    let target = links.find(|(_, parameters)| parameters.contains(name));
    let Some((target, _)) = target else {
        return Err(Miss::untold("the extension is not offered"));
    };
    opened
        .url
        .join(target)
        .map_err(|error| Miss::Fault(format!("{target}: {error}")))
}

/// The links of one header, which may hold several (RFC 8288 §3): targets, and what is said of each.
fn links(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = header.split('<').skip(1);
    parts.filter_map(|link| link.split_once('>'))
}

async fn post(stand: &mut Stand, url: &Url, body: &str) -> Result<Reply, Miss> {
    let ask = Ask::new(Method::POST, url)
        .bearer(stand.token(Role::Watch))
        .body(JSON, body);
    Ok(stand.send(ask).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_one_link_or_several() {
        let one: Vec<_> = links("</a>; rel=\"x\"").collect();
        assert_eq!(one, [("/a", "; rel=\"x\"")]);
        let two: Vec<_> = links("</a>; rel=x, </b>; rel=y")
            .map(|(at, _)| at)
            .collect();
        assert_eq!(two, ["/a", "/b"]);
    }
}
