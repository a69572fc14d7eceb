//! `docs/configuration.md` holds the example word for word.
//!
//! `HELIO_WRITE_DOCS=1 cargo test -p server --test http` writes it anew.

use std::path::PathBuf;

use server::config::EXAMPLE;

const BEGIN: &str = "```toml\n";
const END: &str = "```\n";

#[test]
fn the_page_shows_the_example_word_for_word() {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/configuration.md"
    ));
    let page = std::fs::read_to_string(&path).expect("docs/configuration.md exists");
    let (before, rest) = page.split_once(BEGIN).expect("a block of TOML");
    let (shown, after) = rest.split_once(END).expect("that ends");
    if std::env::var_os("HELIO_WRITE_DOCS").is_some() {
        let page = format!("{before}{BEGIN}{EXAMPLE}{END}{after}");
        std::fs::write(&path, page).expect("docs are writable");
    } else {
        assert!(shown == EXAMPLE, "HELIO_WRITE_DOCS=1 writes it anew");
    }
}

#[test]
fn the_page_names_every_section_and_what_a_reload_takes_over() {
    let page = include_str!("../../../../docs/configuration.md");
    for line in EXAMPLE.lines().filter(|line| line.starts_with('[')) {
        let section = format!("`{line}`");
        assert!(page.contains(&section), "{section} is not explained");
    }
    for reloaded in ["turn.secrets", "turn.external", "ice.stun_urls"] {
        assert!(page.contains(reloaded), "{reloaded}");
    }
}
