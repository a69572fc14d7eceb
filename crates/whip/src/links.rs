//! What a server names in its `Link` headers (RFC 8288): relays (RFC 9725 §4.4), and extensions; and
//! in `Via`: servers that it has the stream from.

use http::HeaderMap;
use http::header::{LINK, VIA};
use url::Url;

/// Links of one reply that are kept.
const MAX_LINKS: usize = 32;
/// Servers of one stream that are kept.
const MAX_SERVERS: usize = 16;
const EXTENSION: &str = "urn:ietf:params:whep:ext:core:";

/// A STUN or TURN server that the server names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URL.
    pub url: String,
    /// Where it is a relay.
    pub username: Option<String>,
    /// Its password.
    pub credential: Option<String>,
}

/// What else belongs to a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// STUN and TURN servers, in the server's order.
    pub ice_servers: Vec<IceServer>,
    /// Extensions of WHEP by their names, like `layer`, and where they are asked for.
    pub extensions: Vec<(String, Url)>,
    /// Servers that the stream comes through, as they name themselves, the asked one last
    /// (RFC 9110 §7.6.3).
    pub servers: Vec<String>,
}

impl Links {
    /// Of a reply to a request for this URL.
    pub(crate) fn of(headers: &HeaderMap, base: &Url) -> Self {
        let mut links = Self::default();
        let values = headers.get_all(LINK).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        for link in values.flat_map(|value| split(value, ',')).take(MAX_LINKS) {
            links.add(link, base);
        }
        links.servers = servers(headers);
        links
    }

    fn add(&mut self, link: &str, base: &Url) {
        let mut parts = split(link, ';').map(str::trim);
        let target = parts.next().and_then(|target| target.strip_prefix('<'));
        let Some(target) = target.and_then(|target| target.strip_suffix('>')) else {
            return;
        };
        let parts: Vec<_> = parts.filter_map(parameter).collect();
        let named = |name: &str| {
            let found = parts.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        let relation = named("rel").unwrap_or_default();
        if relation == "ice-server" {
            self.ice_servers.push(IceServer {
                url: target.to_owned(),
                username: named("username"),
                credential: named("credential"),
            });
        } else if let Some(name) = relation.strip_prefix(EXTENSION)
            && let Ok(url) = base.join(target)
        {
            self.extensions.push((name.to_owned(), url));
        }
    }
}

/// The names in `Via`: each stands behind its protocol.
fn servers(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(VIA).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let hops = values.flat_map(|value| value.split(','));
    let names = hops.filter_map(|hop| hop.split_whitespace().nth(1));
    names.map(str::to_owned).take(MAX_SERVERS).collect()
}

/// `name=value`, quoted or not.
fn parameter(text: &str) -> Option<(&str, String)> {
    let (name, value) = text.split_once('=')?;
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let value = match quoted {
        Some(quoted) => unescaped(quoted),
        None => value.to_owned(),
    };
    Some((name.trim(), value))
}

/// Without the backslashes of a quoted string (RFC 9110 §5.6.4).
fn unescaped(quoted: &str) -> String {
    let mut is_escaped = false;
    let kept = quoted.chars().filter(|c| {
        is_escaped = *c == '\\' && !is_escaped;
        !is_escaped
    });
    kept.collect()
}

/// Parts between separators that stand neither in quotes nor in angle brackets.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_target, mut is_escaped) = (false, false, false);
    let is_end = move |c: char| {
        let is_literal = std::mem::take(&mut is_escaped);
        match c {
            _ if is_literal => {}
            '\\' if is_quoted => is_escaped = true,
            '"' if !is_target => is_quoted = !is_quoted,
            '<' if !is_quoted => is_target = true,
            '>' if !is_quoted => is_target = false,
            _ => return c == separator && !is_quoted && !is_target,
        }
        false
    };
    text.split(is_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(values: &[&str]) -> Links {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LINK, value.parse().unwrap());
        }
        Links::of(&headers, &"https://h/cam0/whep/7".parse().unwrap())
    }

    #[test]
    fn relays_and_extensions_are_read_from_one_header_or_several() {
        let links = links(&[
            r#"<stun:h:3478>; rel="ice-server", <turn:h:3478?transport=udp>; rel="ice-server"; username="17:a,b"; credential="p\"w;d"; credential-type="password""#,
            r#"</cam0/whep/7/layers>; rel="urn:ietf:params:whep:ext:core:layer""#,
        ]);
        assert_eq!(links.ice_servers.len(), 2);
        assert_eq!(links.ice_servers[0].username, None);
        let relay = &links.ice_servers[1];
        assert_eq!(relay.url, "turn:h:3478?transport=udp");
        assert_eq!(relay.username.as_deref(), Some("17:a,b"));
        assert_eq!(relay.credential.as_deref(), Some("p\"w;d"));
        let layers = "https://h/cam0/whep/7/layers".parse().unwrap();
        assert_eq!(links.extensions, [("layer".to_owned(), layers)]);
    }

    #[test]
    fn what_is_no_link_is_left_out() {
        for value in [
            "",
            "<",
            "<a",
            ";",
            "<a>; rel",
            "a>; rel=ice-server",
            "<a>; rel=next",
            "\"",
            "<>;=,;,",
        ] {
            assert_eq!(links(&[value]), Links::default(), "{value:?}");
        }
    }

    #[test]
    fn servers_are_named_behind_their_protocols_up_to_the_limit() {
        let mut headers = HeaderMap::new();
        headers.append(VIA, "1.1 a, HTTP/1.1 b (of ours)".parse().unwrap());
        headers.append(VIA, "c, 1.1 d".parse().unwrap());
        assert_eq!(servers(&headers), ["a", "b", "d"]);
        let many = vec!["1.1 x"; MAX_SERVERS + 1].join(",");
        headers.insert(VIA, many.parse().unwrap());
        assert_eq!(servers(&headers).len(), MAX_SERVERS);
    }

    #[test]
    fn no_more_links_than_the_limit_are_kept() {
        let many = vec!["<stun:h>; rel=ice-server"; MAX_LINKS + 1];
        assert_eq!(links(&many).ice_servers.len(), MAX_LINKS);
        assert_eq!(links(&[&many.join(",")]).ice_servers.len(), MAX_LINKS);
    }
}
