//! Where a device lives when nobody says.

use std::ffi::OsString;
use std::path::PathBuf;

/// `$HELIO_HOME`, else `$XDG_DATA_HOME/heliograph`, else `~/.local/share/heliograph` (XDG base
/// directory specification); `None` where not even `HOME` is set. `variable` reads the
/// environment; a relative `XDG_DATA_HOME` counts as unset, as that specification asks.
pub fn home_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let data = || path("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let home = || path("HOME").map(|home| home.join(".local/share"));
    path("HELIO_HOME").or_else(|| data().or_else(home).map(|data| data.join("heliograph")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(variables: &[(&str, &str)]) -> Option<PathBuf> {
        home_dir(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_most_specific_variable_says_where_a_device_lives() {
        let all = [
            ("HELIO_HOME", "/a"),
            ("XDG_DATA_HOME", "/b"),
            ("HOME", "/c"),
        ];
        assert_eq!(home(&all), Some("/a".into()));
        assert_eq!(home(&all[1..]), Some("/b/heliograph".into()));
        assert_eq!(home(&all[2..]), Some("/c/.local/share/heliograph".into()));
        assert_eq!(home(&[]), None);
        let relative = [("HELIO_HOME", ""), ("XDG_DATA_HOME", "b"), ("HOME", "/c")];
        assert_eq!(home(&relative), Some("/c/.local/share/heliograph".into()));
    }
}
