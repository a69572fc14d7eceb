//! Takes typed values out of the merged table and collects every fault on the way.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// One thing that is wrong, and the key it is wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    key: String,
    what: String,
}

impl Fault {
    /// A fault of `key`.
    pub fn new(key: &str, what: impl fmt::Display) -> Self {
        Self {
            key: key.to_owned(),
            what: what.to_string(),
        }
    }
}

/// All faults of a configuration, one a line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The faults in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        self.0
            .iter()
            .map(|fault| format!("{}: {}", fault.key, fault.what))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            f.write_str(&line)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The merged configuration, read key by key.
#[derive(Debug)]
pub struct Reader {
    table: Table,
    faults: Faults,
}

impl Reader {
    pub(super) fn new(table: Table, faults: Faults) -> Self {
        Self { table, faults }
    }

    /// The effective configuration for `helio config`, its secrets left out.
    pub fn to_redacted_toml(&self) -> String {
        let mut table = Value::Table(self.table.clone());
        redact(&mut table);
        toml::to_string(&table).expect("what was read as TOML can be written")
    }

    /// The value of `section.key`; of the wrong type, a fault and the type's default.
    pub fn value<T: DeserializeOwned + Default>(&mut self, key: &str) -> T {
        self.typed(key).unwrap_or_default()
    }

    /// A value that must lie within `range`.
    pub fn number(&mut self, key: &str, range: std::ops::RangeInclusive<u64>) -> u64 {
        let (low, high) = (*range.start(), *range.end());
        let Some(value) = self.typed::<u64>(key) else {
            return low;
        };
        if !range.contains(&value) {
            self.fault(key, format!("{value} is not within {low} to {high}"));
        }
        value
    }

    fn typed<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        match self.raw(key).clone().try_into::<T>() {
            Ok(value) => Some(value),
            Err(error) => {
                // The decoder's message repeats the value.
                let is_secret = SECRET_KEYS.iter().any(|secret| key.ends_with(secret));
                let what = if is_secret {
                    "is of the wrong type"
                } else {
                    error.message()
                };
                self.fault(key, what);
                None
            }
        }
    }

    /// A list of texts, each turned into a `T` by its `FromStr`.
    pub fn parsed_list<T: std::str::FromStr>(&mut self, key: &str) -> Vec<T>
    where
        T::Err: fmt::Display,
    {
        let texts = self.value::<Vec<String>>(key);
        texts
            .iter()
            .filter_map(|text| match text.parse() {
                Ok(value) => Some(value),
                Err(error) => {
                    self.fault(key, format!("\"{text}\": {error}"));
                    None
                }
            })
            .collect()
    }

    /// Refuses a key of a part that does not exist yet, unless it is at its default.
    pub fn not_built(&mut self, key: &str, default: &Value) {
        if self.raw(key) != default {
            self.fault(key, "not built yet");
        }
    }

    /// Records a fault found by the caller.
    pub fn fault(&mut self, key: &str, what: impl fmt::Display) {
        self.faults.push(Fault::new(key, what));
    }

    /// Whether a fault of `key` was found already.
    pub fn is_faulty(&self, key: &str) -> bool {
        self.faults.0.iter().any(|fault| fault.key == key)
    }

    /// # Errors
    /// Every fault found since the configuration was read.
    pub fn finish(self) -> Result<(), Faults> {
        if self.faults.0.is_empty() {
            Ok(())
        } else {
            Err(self.faults)
        }
    }

    fn raw(&self, key: &str) -> &Value {
        let mut parts = key.split('.');
        let first = parts.next().unwrap_or_default();
        parts
            .fold(self.table.get(first), |value, part| {
                value.and_then(|value| value.get(part))
            })
            .expect("keys asked for stand in the example, which is the lowest layer")
    }
}

/// Keys whose values are never printed.
const SECRET_KEYS: [&str; 3] = ["secrets", "secret", "credential"];

fn redact(value: &mut Value) {
    match value {
        Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                match value {
                    Value::String(text) if SECRET_KEYS.contains(&key.as_str()) => {
                        *text = "<secret>".to_owned();
                    }
                    Value::Array(list) if SECRET_KEYS.contains(&key.as_str()) => {
                        list.fill(Value::String("<secret>".to_owned()));
                    }
                    value => redact(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(redact),
        _ => {}
    }
}
