//! Arguments of the form `name=value`.

use std::collections::HashMap;
use std::str::FromStr;

/// The program's arguments by name.
#[derive(Debug)]
pub struct Arguments(HashMap<String, String>);

impl Arguments {
    /// Those of this process.
    pub fn of_process() -> Self {
        let pairs = std::env::args().skip(1).map(|argument| {
            let (name, value) = argument
                .split_once('=')
                .unwrap_or_else(|| panic!("\"{argument}\" is not name=value"));
            (name.to_owned(), value.to_owned())
        });
        Self(pairs.collect())
    }

    /// A value that must be there.
    pub fn required<T: FromStr>(&self, name: &str) -> T {
        let value = self.0.get(name);
        let value = value.unwrap_or_else(|| panic!("{name}=… is missing"));
        let parsed = value.parse().ok();
        parsed.unwrap_or_else(|| panic!("{name}={value} does not parse"))
    }
}
