//! ICE servers as `Link` headers (RFC 9725 §4.4): one for each URL.

use axum::http::header::LINK;
use axum::http::{HeaderMap, HeaderValue};
use protocol::http::IceServer;

/// Adds them. A server that does not fit into a header is left out.
pub(super) fn append(headers: &mut HeaderMap, servers: &[IceServer]) {
    for server in servers {
        for url in &server.urls {
            if let Ok(value) = HeaderValue::from_str(&link(url, server)) {
                headers.append(LINK, value);
            }
        }
    }
}

fn link(url: &str, server: &IceServer) -> String {
    let mut link = format!("<{url}>; rel=\"ice-server\"");
    if let (Some(username), Some(credential)) = (&server.username, &server.credential) {
        let (username, credential) = (quoted(username), quoted(credential));
        link.push_str(&format!(
            "; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\""
        ));
    }
    link
}

/// RFC 9110 §5.6.4.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_link_with_its_credentials_quoted() {
        let server = IceServer {
            urls: vec!["turn:relay.example.org:3478?transport=udp".to_owned()],
            username: Some("1:\"me\"".to_owned()),
            credential: Some("a\\b".to_owned()),
        };
        let mut headers = HeaderMap::new();
        append(&mut headers, &[server]);
        assert_eq!(
            headers[LINK],
            "<turn:relay.example.org:3478?transport=udp>; rel=\"ice-server\"; \
             username=\"1:\\\"me\\\"\"; credential=\"a\\\\b\"; credential-type=\"password\""
        );
    }
}
