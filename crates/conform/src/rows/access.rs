//! Who may, from which site, and what those hear who may not (RFC 9725 §4.2, §4.4, §4.6).

use hyper::Method;

use super::opening::is_refused;
use crate::http::Ask;
use crate::offer::{Offer, Role};
use crate::row::{Miss, Outcome, expect};
use crate::stand::{FRAGMENT, SDP, Stand};

const ICE_SERVER: &str = "ice-server";
const EXTENSION: &str = "urn:ietf:params:wh";

pub(super) async fn shows_nothing(stand: &mut Stand) -> Outcome {
    let endpoint = stand.ask(Role::Publish, Method::GET).await?;
    let opened = stand.open(Role::Publish, &Offer::of(Role::Publish)).await?;
    let session = stand.ask_session(&opened, Method::GET).await?;
    for (what, reply) in [("endpoint", endpoint), ("session", session)] {
        expect(reply.is_success(), || {
            format!("GET of the {what} is answered with {}", reply.status)
        })?;
        expect(reply.body.is_empty(), || {
            format!("GET of the {what} brings a body")
        })?;
    }
    Ok(())
}

pub(super) async fn says_what_it_takes(stand: &mut Stand) -> Outcome {
    let reply = stand
        .send(Ask::new(Method::OPTIONS, &stand.target.whip.clone()))
        .await?;
    expect(reply.status == 200, || {
        format!("it is answered with {}", reply.status)
    })?;
    let takes = reply.header("accept-post");
    expect(takes.contains(SDP), || format!("Accept-Post is {takes:?}"))?;
    let (methods, headers) = (
        reply.header("access-control-allow-methods"),
        reply.header("access-control-allow-headers"),
    );
    for method in ["POST", "PATCH", "DELETE"] {
        expect(methods.contains(method), || {
            format!("{method} is not among {methods:?}")
        })?;
    }
    for header in ["authorization", "content-type", "if-match"] {
        expect(headers.to_ascii_lowercase().contains(header), || {
            format!("{header} is not among {headers:?}")
        })?;
    }
    let origin = reply.header("access-control-allow-origin");
    expect(!origin.is_empty(), || "no origin is allowed".to_owned())
}

pub(super) async fn needs_no_token_for_preflight(stand: &mut Stand) -> Outcome {
    let ask = Ask::new(Method::OPTIONS, &stand.target.whip.clone())
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        );
    let reply = stand.send(ask).await?;
    expect(reply.is_success(), || {
        format!("it is answered with {}", reply.status)
    })?;
    let told = reply
        .headers("link")
        .iter()
        .any(|link| link.contains(ICE_SERVER));
    expect(!told, || "strangers are told ICE servers".to_owned())
}

pub(super) async fn needs_a_token(stand: &mut Stand) -> Outcome {
    if stand.token(Role::Publish).is_none() {
        return Err(Miss::untold("no token is needed here"));
    }
    let offer = Offer::of(Role::Publish);
    let opened = stand.open(Role::Publish, &offer).await?;
    let (endpoint, session) = (stand.target.whip.clone(), opened.url);
    let asks = [
        Ask::new(Method::POST, &endpoint).body(SDP, &offer.sdp),
        Ask::new(Method::POST, &endpoint)
            .bearer(Some("of-nobody"))
            .body(SDP, &offer.sdp),
        Ask::new(Method::PATCH, &session).body(FRAGMENT, &offer.fragment(&[])),
        Ask::new(Method::DELETE, &session),
    ];
    for (ask, what) in
        asks.into_iter()
            .zip(["POST", "POST with a foreign token", "PATCH", "DELETE"])
    {
        let reply = stand.send(ask).await?;
        expect(reply.status == 401, || {
            format!("{what} is answered with {}", reply.status)
        })?;
    }
    Ok(())
}

pub(super) async fn links_each_ice_server(stand: &mut Stand) -> Outcome {
    let opened = stand.open(Role::Publish, &Offer::of(Role::Publish)).await?;
    let reply = &opened.reply;
    let links = reply.headers("link");
    let servers: Vec<_> = links
        .iter()
        .filter(|link| link.contains(ICE_SERVER))
        .collect();
    if servers.is_empty() {
        return Err(Miss::untold("no ICE servers are told"));
    }
    for link in &servers {
        let urls = link.matches("<stun").count() + link.matches("<turn").count();
        expect(urls >= 1, || format!("no server in {link:?}"))?;
        let rel = link.contains("rel=\"ice-server\"") || link.contains("rel=ice-server");
        expect(rel, || format!("no rel=\"ice-server\" in {link:?}"))?;
    }
    let exposed = reply
        .header("access-control-expose-headers")
        .to_ascii_lowercase();
    for header in ["location", "link", "etag"] {
        expect(exposed.contains(header) || exposed == "*", || {
            format!("pages may not read {header}: {exposed:?}")
        })?;
    }
    Ok(())
}

pub(super) async fn advertises_extensions(stand: &mut Stand) -> Outcome {
    stand.publish().await?;
    let opened = stand.open(Role::Watch, &Offer::of(Role::Watch)).await?;
    let links = opened.reply.headers("link");
    let extensions: Vec<_> = links
        .iter()
        .filter(|link| link.contains(EXTENSION))
        .collect();
    if extensions.is_empty() {
        return Err(Miss::untold("no extension is told"));
    }
    for link in extensions {
        let is_link = link.trim_start().starts_with('<') && link.contains("rel=");
        expect(is_link, || format!("{link:?} is no link"))?;
    }
    Ok(())
}

pub(super) async fn explains_itself(stand: &mut Stand) -> Outcome {
    let reply = stand.post(Role::Publish, "hello").await?;
    is_refused("a body that is no SDP", &reply)?;
    let kind = reply.media_type();
    expect(kind == "application/problem+json", || {
        format!("the refusal is {kind:?}")
    })?;
    let problem: serde_json::Value = serde_json::from_str(&reply.body)
        .map_err(|error| Miss::Fault(format!("the refusal is no JSON: {error}")))?;
    let says = problem["title"].is_string() || problem["detail"].is_string();
    expect(says, || {
        "the refusal has neither title nor detail".to_owned()
    })
}
