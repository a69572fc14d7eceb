//! The configuration as written: defaults, file, environment and flags, one on top of the other.
//!
//! The commented example is the lowest layer, so documented and real defaults are the same bytes.
//! What comes out is a [`Reader`]; [`crate::settings`] turns it into values that were proven.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

mod reader;

pub use reader::{Fault, Faults, Reader};

/// Every key at its default, with its comment.
pub const EXAMPLE: &str = include_str!("../helio.example.toml");

/// Prefix of the environment variables that set a key, as in `HELIOGRAPH_HTTP__LISTEN`.
pub const ENV_PREFIX: &str = "HELIOGRAPH_";

/// Where the layers above the defaults come from.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    /// `--config`: a TOML file.
    pub file: Option<PathBuf>,
    /// The process environment, handed in by the composition root.
    pub env: Vec<(String, String)>,
    /// `--set section.key=value`, in order.
    pub flags: Vec<(String, String)>,
}

/// Lays the sources over the defaults.
///
/// Unknown keys, an unreadable file and malformed values are kept as faults of the reader, so that
/// [`crate::settings::Settings::prove`] reports them with all others.
pub fn read(sources: &Sources) -> Reader {
    let mut table = defaults();
    let mut faults = Faults::default();
    if let Some(path) = &sources.file {
        match read_file(path) {
            Ok(layer) => lay_over(&mut table, layer, "", &mut faults),
            Err(fault) => faults.push(fault),
        }
    }
    for (name, value) in &sources.env {
        if let Some(key) = env_key(name) {
            set(&mut table, &key, value, &mut faults);
        }
    }
    add_relay_from_env(&mut table, &sources.env);
    for (key, value) in &sources.flags {
        set(&mut table, key, value, &mut faults);
    }
    Reader::new(table, faults)
}

fn defaults() -> Table {
    EXAMPLE.parse().expect("a test parses the example")
}

fn read_file(path: &Path) -> Result<Table, Fault> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Fault::new(&name, error))?;
    text.parse::<Table>()
        .map_err(|error| Fault::new(&name, syntax_fault(&text, &error)))
}

/// What is wrong and where; the line itself may hold a secret.
fn syntax_fault(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("line {line}: {}", error.message())
}

/// Replaces what `layer` names; a name that the defaults lack is a fault.
fn lay_over(base: &mut Table, layer: Table, prefix: &str, faults: &mut Faults) {
    for (name, value) in layer {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match (base.get_mut(&name), value) {
            (Some(Value::Table(section)), Value::Table(inner)) => {
                lay_over(section, inner, &key, faults);
            }
            (Some(Value::Table(_)), _) => {
                faults.push(Fault::new(&key, "is a section, not a value"))
            }
            (Some(slot), value) => *slot = value,
            (None, _) => faults.push(Fault::new(&key, "unknown key")),
        }
    }
}

/// `HELIOGRAPH_HTTP__LISTEN` → `http.listen`. A name without a section is a top-level key.
fn env_key(name: &str) -> Option<String> {
    let rest = name.strip_prefix(ENV_PREFIX)?;
    Some(rest.to_ascii_lowercase().replace("__", "."))
}

/// `TURN_URLS` (comma-separated), `TURN_USER` and `TURN_PASS` add one static relay.
fn add_relay_from_env(table: &mut Table, env: &[(String, String)]) {
    let find = |wanted: &str| {
        env.iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let Some(urls) = find("TURN_URLS").filter(|urls| !urls.is_empty()) else {
        return;
    };
    let text = |name| Value::String(find(name).cloned().unwrap_or_default());
    let urls = urls
        .split(',')
        .map(|url| Value::String(url.trim().to_owned()))
        .collect();
    let relay = Table::from_iter([
        ("kind".to_owned(), Value::String("static".to_owned())),
        ("urls".to_owned(), Value::Array(urls)),
        ("username".to_owned(), text("TURN_USER")),
        ("credential".to_owned(), text("TURN_PASS")),
    ]);
    let external = table
        .get_mut("turn")
        .and_then(|turn| turn.get_mut("external"));
    if let Some(Value::Array(relays)) = external {
        relays.push(Value::Table(relay));
    }
}

/// A value as TOML where it parses as such, else as a plain string.
fn set(table: &mut Table, key: &str, text: &str, faults: &mut Faults) {
    let value = format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let layer = key.rsplit('.').fold(value, |inner, part| {
        Value::Table(Table::from_iter([(part.to_owned(), inner)]))
    });
    if let Value::Table(layer) = layer {
        lay_over(table, layer, "", faults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_flags(flags: &[(&str, &str)]) -> Reader {
        let flags = flags
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        read(&Sources {
            flags,
            ..Sources::default()
        })
    }

    #[test]
    fn flags_win_over_environment_and_file() {
        let dir = std::env::temp_dir().join(format!("helio-config-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("helio.toml");
        std::fs::write(&file, "[turn]\nrealm = \"file\"\n[log]\nlevel = \"warn\"\n").unwrap();
        let mut reader = read(&Sources {
            file: Some(file),
            env: vec![("HELIOGRAPH_TURN__REALM".into(), "env".into())],
            flags: vec![("turn.realm".into(), "flag".into())],
        });
        assert_eq!(reader.value::<String>("turn.realm"), "flag");
        assert_eq!(reader.value::<String>("log.level"), "warn");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn unknown_keys_are_all_reported() {
        let mut reader = with_flags(&[("http.lisen", "[]"), ("trun.realm", "x")]);
        let _: String = reader.value("turn.realm");
        let faults = reader.finish().unwrap_err().to_string();
        assert!(faults.contains("http.lisen: unknown key"), "{faults}");
        assert!(faults.contains("trun: unknown key"), "{faults}");
    }
}
