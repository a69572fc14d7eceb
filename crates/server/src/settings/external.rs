//! `[[turn.external]]`: relays that others run, and `TURN_URLS`, `TURN_USER`, `TURN_PASS`.

use serde::Deserialize;

use crate::config::Reader;

/// A relay that somebody else runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternalRelay {
    /// Signs REST credentials with a shared secret, as coturn's `use-auth-secret`.
    Coturn {
        /// `turn:` and `turns:` URLs (RFC 7065).
        urls: Vec<String>,
        /// The shared secret.
        secret: String,
    },
    /// One name and password for everybody.
    Static {
        /// `turn:` and `turns:` URLs (RFC 7065).
        urls: Vec<String>,
        /// Sent to clients as `username`.
        username: String,
        /// Sent to clients as `credential`.
        credential: String,
    },
}

/// An entry as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Entry {
    kind: String,
    urls: Vec<String>,
    secret: String,
    secret_file: String,
    username: String,
    credential: String,
}

const KEY: &str = "turn.external";

pub(super) fn read(reader: &mut Reader) -> Vec<ExternalRelay> {
    let entries = reader.value::<Vec<Entry>>(KEY);
    entries
        .into_iter()
        .enumerate()
        .filter_map(|(index, entry)| relay(reader, index, entry))
        .collect()
}

fn relay(reader: &mut Reader, index: usize, entry: Entry) -> Option<ExternalRelay> {
    let key = format!("{KEY}[{index}]");
    if entry.urls.is_empty() {
        reader.fault(&key, "needs urls");
    }
    for url in entry
        .urls
        .iter()
        .filter(|url| !url.starts_with("turn:") && !url.starts_with("turns:"))
    {
        reader.fault(&key, format!("\"{url}\" is not a turn: URL (RFC 7065)"));
    }
    match entry.kind.as_str() {
        "coturn" => {
            let secret = secret(reader, &key, &entry);
            Some(ExternalRelay::Coturn {
                urls: entry.urls,
                secret,
            })
        }
        "static" => {
            if entry.username.is_empty() || entry.credential.is_empty() {
                reader.fault(&key, "kind \"static\" needs username and credential");
            }
            let Entry {
                urls,
                username,
                credential,
                ..
            } = entry;
            Some(ExternalRelay::Static {
                urls,
                username,
                credential,
            })
        }
        "twilio" | "cloudflare" => {
            reader.fault(&key, format!("kind \"{}\" is not built yet", entry.kind));
            None
        }
        other => {
            reader.fault(
                &key,
                format!("kind \"{other}\" must be \"coturn\" or \"static\""),
            );
            None
        }
    }
}

fn secret(reader: &mut Reader, key: &str, entry: &Entry) -> String {
    let secret = if entry.secret_file.is_empty() {
        entry.secret.clone()
    } else {
        std::fs::read_to_string(&entry.secret_file)
            .map(|text| text.trim().to_owned())
            .unwrap_or_else(|error| {
                reader.fault(key, format!("{}: {error}", entry.secret_file));
                String::new()
            })
    };
    if secret.is_empty() {
        reader.fault(key, "kind \"coturn\" needs secret or secret_file");
    }
    secret
}
