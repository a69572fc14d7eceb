//! Where a WebSocket's token may stand: in `Authorization`, or, for browsers, which cannot set
//! it, among the offered subprotocols. Never in the URL, which is logged; never in a cookie.

use axum::http::{HeaderMap, Uri, header};
use protocol::problem::{Problem, ProblemCode};

use super::upgrade::offered;

/// The subprotocol that carries a token. The token stands there as it is.
const BEARER_SUBPROTOCOL: &str = "base64url.bearer.authorization.heliograph.";
/// Query members by which others carry tokens.
const TOKEN_MEMBERS: [&str; 6] = [
    "token",
    "access_token",
    "jwt",
    "auth",
    "authorization",
    "bearer",
];

/// The token of a request, if it has one.
///
/// # Errors
/// `token-in-query` when one stands in the URL.
pub(crate) fn bearer<'a>(headers: &'a HeaderMap, uri: &Uri) -> Result<Option<&'a str>, Problem> {
    if uri.query().is_some_and(holds_token) {
        let problem = Problem::new(ProblemCode::TokenInQuery);
        return Err(problem.with_detail("send it in Authorization or as a subprotocol"));
    }
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let from_header = authorization.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    });
    let mut subprotocols = offered(headers);
    Ok(from_header
        .or_else(|| subprotocols.find_map(|offer| offer.strip_prefix(BEARER_SUBPROTOCOL))))
}

/// Whether a member of the query is named like a token, or looks like one whatever its name.
fn holds_token(query: &str) -> bool {
    query.split('&').any(|member| {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        let is_named = TOKEN_MEMBERS
            .iter()
            .any(|token| name.eq_ignore_ascii_case(token));
        is_named || (value.starts_with("eyJ") && value.split('.').count() == 3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn a_token_stands_in_the_header_or_among_the_subprotocols() {
        let uri = Uri::from_static("/api/signal");
        let native = headers("authorization", "Bearer a.b.c");
        assert_eq!(bearer(&native, &uri).unwrap(), Some("a.b.c"));
        let browser = headers(
            "sec-websocket-protocol",
            "heliograph.v1, base64url.bearer.authorization.heliograph.a.b.c",
        );
        assert_eq!(bearer(&browser, &uri).unwrap(), Some("a.b.c"));
        for nobody in [
            headers("authorization", "Basic a.b.c"),
            headers("cookie", "token=a.b.c"),
            headers("sec-websocket-protocol", "heliograph.v1"),
        ] {
            assert_eq!(bearer(&nobody, &uri).unwrap(), None);
        }
    }

    #[test]
    fn a_token_in_the_url_is_refused_whatever_it_is_called() {
        let native = headers("authorization", "Bearer a.b.c");
        for query in ["token=x", "a=1&access_token=x", "TOKEN=", "x=eyJhbGci.b.c"] {
            let uri = format!("/api/signal?{query}").parse().unwrap();
            let problem = bearer(&native, &uri).unwrap_err();
            assert_eq!(problem.code, ProblemCode::TokenInQuery, "{query}");
        }
        let uri = Uri::from_static("/ws?room=tokens");
        assert_eq!(bearer(&native, &uri).unwrap(), Some("a.b.c"));
    }
}
