//! `edges`: streams that are pulled from another server.

use std::path::PathBuf;

use protocol::stream::StreamName;
use serde::Deserialize;
use whip::{HttpClient, Url};

use crate::config::Reader;

const KEY: &str = "edges";

/// Where streams are pulled from that nobody publishes here.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The stream; none for every one.
    pub stream: Option<StreamName>,
    /// The server's address, without a path.
    pub origin: Url,
    /// A share's code, where the stream is not public there.
    pub credential: Option<String>,
    /// What asks it, believing the authorities that were named, or the system's.
    pub http: HttpClient,
}

/// An entry as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Entry {
    stream: String,
    origin: String,
    credential: String,
    ca: PathBuf,
}

pub(super) fn read(reader: &mut Reader) -> Vec<Edge> {
    let entries = reader.value::<Vec<Entry>>(KEY);
    let entries = entries.into_iter().enumerate();
    entries
        .filter_map(|(index, entry)| edge(&entry).map_err(|why| fault(reader, index, &why)).ok())
        .collect()
}

fn fault(reader: &mut Reader, index: usize, why: &str) {
    reader.fault(&format!("{KEY}[{index}]"), why);
}

fn edge(entry: &Entry) -> Result<Edge, String> {
    let stream = match entry.stream.as_str() {
        "" => return Err("needs stream, a name or \"*\"".to_owned()),
        "*" => None,
        name => Some(StreamName::parse(name).map_err(|error| format!("\"{name}\": {error}"))?),
    };
    let named = &entry.origin;
    let origin = Url::parse(named).ok().filter(is_bare);
    let origin = origin.ok_or_else(|| {
        format!("origin \"{named}\" is not an origin such as https://origin.example.org")
    })?;
    let authorities = match &entry.ca {
        path if path.as_os_str().is_empty() => None,
        path => Some(std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?),
    };
    let http = HttpClient::new(authorities.as_deref()).map_err(|error| error.to_string())?;
    let credential = (!entry.credential.is_empty()).then(|| entry.credential.clone());
    Ok(Edge {
        stream,
        origin,
        credential,
        http,
    })
}

/// Whether it names a server and nothing else.
fn is_bare(url: &Url) -> bool {
    let bare = url.origin().ascii_serialization();
    matches!(url.scheme(), "http" | "https") && url.as_str().strip_suffix('/') == Some(&bare)
}

#[cfg(test)]
mod tests {
    use crate::config::{Sources, read};
    use crate::settings::Settings;

    fn faults(edges: &str) -> String {
        let flags = vec![("edges".to_owned(), edges.to_owned())];
        let reader = read(&Sources {
            flags,
            ..Sources::default()
        });
        let proven = Settings::prove(reader);
        proven.map_or_else(|faults| faults.to_string(), |_| String::new())
    }

    #[test]
    fn an_edge_names_a_stream_and_an_origin() {
        for right in [
            "[]",
            "[{ stream = \"cam0\", origin = \"https://h\" }]",
            "[{ stream = \"*\", origin = \"http://h:8443/\", credential = \"x\" }]",
        ] {
            assert_eq!(faults(right), "", "{right}");
        }
        for (wrong, why) in [
            ("[{ origin = \"https://h\" }]", "needs stream"),
            ("[{ stream = \"api\", origin = \"https://h\" }]", "\"api\""),
            ("[{ stream = \"*\", origin = \"h\" }]", "not an origin"),
            (
                "[{ stream = \"*\", origin = \"ftp://h\" }]",
                "not an origin",
            ),
            (
                "[{ stream = \"*\", origin = \"https://h/cam0\" }]",
                "not an origin",
            ),
            (
                "[{ stream = \"*\", origin = \"https://me:pw@h\" }]",
                "not an origin",
            ),
            (
                "[{ stream = \"*\", origin = \"https://h/#x\" }]",
                "not an origin",
            ),
            (
                "[{ stream = \"*\", origin = \"https://h\", ca = \"/nowhere\" }]",
                "/nowhere",
            ),
            ("[{ stream = \"*\", origins = \"https://h\" }]", "origins"),
        ] {
            assert!(faults(wrong).contains(why), "{wrong}: {}", faults(wrong));
        }
    }
}
