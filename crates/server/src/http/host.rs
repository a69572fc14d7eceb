//! The name a client came by: what its ICE servers should be called too.

use axum::http::HeaderMap;
use axum::http::header::HOST;

/// The host part of `Host`, without port; IPv6 keeps its brackets. Empty when there is none.
pub(crate) fn host(headers: &HeaderMap) -> &str {
    let authority = headers
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_host = authority
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    if !is_host {
        return "";
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_left_out_and_nonsense_is_no_host() {
        let named = |value: &'static str| HeaderMap::from_iter([(HOST, value.parse().unwrap())]);
        assert_eq!(host(&named("box:8443")), "box");
        assert_eq!(host(&named("[fd00::2]:8443")), "[fd00::2]");
        assert_eq!(host(&named("box")), "box");
        assert_eq!(host(&named("a b")), "");
        assert_eq!(host(&named("box?x=1")), "");
    }
}
