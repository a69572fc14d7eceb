//! The two links that people scan or copy: a pairing link `https://HOST/p#1.<key>.<secret>.
//! <rendezvous id>.<expiry>` and a setup link `https://HOST/setup#<secret>`.
//!
//! All that is secret stands after `#`: no server, log or link preview sees it.

use std::fmt;
use std::str::FromStr;

use crate::base64url::Base64Url;

/// Longest life of an invite, in seconds.
pub const INVITE_LIFETIME_S: u64 = 120;
/// The longest link that is read, in bytes.
pub const MAX_LINK_BYTES: usize = 512;
/// The one version of pairing links.
const VERSION: &str = "1";
/// The most digits of an expiry.
const MAX_EXPIRY_DIGITS: usize = 12;

/// What a pairing link says.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingLink {
    /// Origin of the link: part of the handshake's prologue on both sides.
    pub origin: String,
    /// The inviter's static X25519 key.
    pub key: Base64Url<32>,
    /// The one-time secret.
    pub secret: Base64Url<16>,
    /// Where the two meet.
    pub rendezvous: Base64Url<16>,
    /// When the invite ends by the server's clock, in Unix seconds.
    pub expiry_s: u64,
}

/// What a setup link says.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupLink {
    /// The server.
    pub origin: String,
    /// The one-time secret.
    pub secret: Base64Url<16>,
}

/// Why a text is no link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Something is missing or wrong.
    #[error("the link is incomplete or changed: {0}")]
    Broken(&'static str),
    /// Made by a newer version.
    #[error("the pairing link has version {0}, this program knows {VERSION}")]
    Version(String),
}

impl FromStr for PairingLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (origin, parts) = split(text, "/p")?;
        let mut parts = parts.split('.');
        let mut next = |what| parts.next().ok_or(LinkError::Broken(what));
        let version = next("version")?;
        let (key, secret) = (next("key")?, next("secret")?);
        let (rendezvous, expiry) = (next("rendezvous id")?, next("expiry")?);
        if version != VERSION {
            return Err(LinkError::Version(version.chars().take(8).collect()));
        }
        let is_number = expiry.bytes().all(|byte| byte.is_ascii_digit());
        if parts.next().is_some() || !is_number || expiry.len() > MAX_EXPIRY_DIGITS {
            return Err(LinkError::Broken("expiry"));
        }
        Ok(Self {
            origin,
            key: Base64Url::parse(key).map_err(|_| LinkError::Broken("key"))?,
            secret: Base64Url::parse(secret).map_err(|_| LinkError::Broken("secret"))?,
            rendezvous: Base64Url::parse(rendezvous)
                .map_err(|_| LinkError::Broken("rendezvous id"))?,
            expiry_s: expiry.parse().map_err(|_| LinkError::Broken("expiry"))?,
        })
    }
}

impl FromStr for SetupLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (origin, secret) = split(text, "/setup")?;
        let secret = Base64Url::parse(secret).map_err(|_| LinkError::Broken("secret"))?;
        Ok(Self { origin, secret })
    }
}

/// The link's text, as in the QR code.
impl fmt::Display for PairingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            key,
            secret,
            rendezvous,
            expiry_s,
        } = self;
        write!(
            f,
            "{origin}/p#{VERSION}.{key}.{secret}.{rendezvous}.{expiry_s}"
        )
    }
}

/// Origin and fragment of a link whose path is `path`.
fn split<'a>(text: &'a str, path: &str) -> Result<(String, &'a str), LinkError> {
    let text = text.trim();
    if text.len() > MAX_LINK_BYTES {
        return Err(LinkError::Broken("it is too long"));
    }
    let (address, fragment) = text
        .split_once('#')
        .ok_or(LinkError::Broken("nothing after #"))?;
    let origin = address
        .strip_suffix(path)
        .ok_or(LinkError::Broken("its path"))?;
    Ok((read_origin(origin)?, fragment))
}

/// Scheme, host and port as browsers serialise an origin (RFC 6454 §6.2): lower case, a default
/// port left out. Hosts are names and addresses as servers print them; others are refused.
///
/// # Errors
/// [`LinkError::Broken`].
pub fn read_origin(text: &str) -> Result<String, LinkError> {
    let text = text.to_ascii_lowercase();
    let broken = LinkError::Broken("its address");
    let (scheme, default_port) = if text.starts_with("https://") {
        ("https://", ":443")
    } else if text.starts_with("http://") {
        ("http://", ":80")
    } else {
        return Err(broken);
    };
    let authority = &text[scheme.len()..];
    let (host, port) = split_port(authority).ok_or(broken.clone())?;
    if !is_host(host) || !is_port(port) {
        return Err(broken);
    }
    let origin = text.strip_suffix(default_port);
    Ok(origin.map_or(text.clone(), str::to_owned))
}

/// Host and port; an IPv6 address stands in brackets.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let (host, rest) = authority.split_at(authority.find(']')? + 1);
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    !host.is_empty() && host.bytes().all(is_plain)
}

fn is_port(port: Option<&str>) -> bool {
    port.is_none_or(|port| {
        let is_plain = !port.starts_with(['0', '+']);
        is_plain && port.parse::<u16>().is_ok()
    })
}

impl fmt::Debug for PairingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PairingLink({}/p#…)", self.origin)
    }
}

impl fmt::Debug for SetupLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetupLink({}/setup#…)", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> PairingLink {
        PairingLink {
            origin: "https://192.168.1.5:8443".to_owned(),
            key: Base64Url([1; 32]),
            secret: Base64Url([2; 16]),
            rendezvous: Base64Url([3; 16]),
            expiry_s: 1_760_000_120,
        }
    }

    #[test]
    fn a_pairing_link_reads_back_as_it_was_written() {
        let text = link().to_string();
        assert!(
            text.starts_with("https://192.168.1.5:8443/p#1.AQEB"),
            "{text}"
        );
        assert_eq!(text.parse(), Ok(link()));
        assert_eq!(format!(" {text}\n").parse(), Ok(link()), "as pasted");
    }

    #[test]
    fn a_link_says_what_is_wrong_with_it() {
        let text = link().to_string();
        let fault = |text: &str| text.parse::<PairingLink>().unwrap_err();
        assert_eq!(fault("hello"), LinkError::Broken("nothing after #"));
        assert_eq!(
            fault(&text.replace("/p#", "/q#")),
            LinkError::Broken("its path")
        );
        assert_eq!(
            fault(&text.replace("https:", "ftp:")),
            LinkError::Broken("its address")
        );
        assert_eq!(
            fault(&text.replace("#1.", "#2.")),
            LinkError::Version("2".to_owned())
        );
        assert_eq!(
            fault(&text.replace("#1.AQ", "#1.")),
            LinkError::Broken("key")
        );
        assert_eq!(
            fault(&text.replace(".AgIC", ".")),
            LinkError::Broken("secret")
        );
        assert_eq!(
            fault(&text.replace(".AwMD", ".")),
            LinkError::Broken("rendezvous id")
        );
        assert_eq!(
            fault(&text.replace(".1760000120", "")),
            LinkError::Broken("expiry")
        );
        assert_eq!(fault(&format!("{text}.1")), LinkError::Broken("expiry"));
        assert_eq!(
            fault(&format!("{text}123")),
            LinkError::Broken("expiry"),
            "13 digits"
        );
        assert_eq!(
            fault(&text.replace(".176", ".+176")),
            LinkError::Broken("expiry")
        );
        let long = text.replace("192.168.1.5", &"a".repeat(MAX_LINK_BYTES));
        assert_eq!(fault(&long), LinkError::Broken("it is too long"));
    }

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for (text, origin) in [
            ("HTTPS://Box.Local:8443", "https://box.local:8443"),
            ("https://helio.example:443", "https://helio.example"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("https://[fd77::1]:8443", "https://[fd77::1]:8443"),
            ("https://[fd77::1]:443", "https://[fd77::1]"),
        ] {
            assert_eq!(read_origin(text).as_deref(), Ok(origin), "{text}");
        }
        for text in [
            "https://",
            "https://a b",
            "https://a/",
            "https://a:",
            "https://a:0",
            "https://a:65536",
            "https://a:080",
            "https://u@h",
            "https://[::1",
            "https://[x]",
            "https://[::1]8",
            "a.b",
        ] {
            assert!(read_origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_setup_link_holds_origin_and_secret() {
        let link: SetupLink = "https://h:8443/setup#AgICAgICAgICAgICAgICAg"
            .parse()
            .unwrap();
        assert_eq!(link.origin, "https://h:8443");
        assert_eq!(link.secret, Base64Url([2; 16]));
        assert!("https://h:8443/setup#AgIC".parse::<SetupLink>().is_err());
        assert!("https://h:8443/setup".parse::<SetupLink>().is_err());
    }

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        assert_eq!(
            format!("{:?}", link()),
            "PairingLink(https://192.168.1.5:8443/p#…)"
        );
    }
}
