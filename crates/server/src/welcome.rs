//! What `helio serve` says at its start: ten lines and a QR code.

use std::fmt::Write;

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// Facts of a server that has just started.
#[derive(Debug)]
pub struct Welcome<'a> {
    /// The origin to open.
    pub origin: &'a str,
    /// Other origins that work.
    pub other_origins: Vec<&'a str>,
    /// The one-time setup link, while nobody has set up.
    pub setup_url: Option<&'a str>,
    /// `host:port` lists by what they serve.
    pub listeners: Vec<(&'static str, String)>,
    /// Where everything durable is.
    pub data_dir: String,
    /// What is not safe for the internet yet.
    pub warnings: Vec<String>,
}

impl Welcome<'_> {
    /// The text, QR code last so that it stays on the screen.
    pub fn render(&self) -> String {
        let mut text = format!("Heliograph {} is running.\n", env!("CARGO_PKG_VERSION"));
        for (what, addresses) in &self.listeners {
            line(&mut text, what, addresses);
        }
        line(&mut text, "Open", self.origin);
        if !self.other_origins.is_empty() {
            line(&mut text, "or", &self.other_origins.join(", "));
        }
        line(&mut text, "Data", &self.data_dir);
        for warning in &self.warnings {
            line(&mut text, "Careful", warning);
        }
        match self.setup_url {
            Some(url) => {
                line(&mut text, "Set up", url);
                text.push_str("Scan or open it within 15 minutes on your first device; `helio setup` prints a new one.\n");
                text.push_str(&qr_code(url));
            }
            None => line(
                &mut text,
                "More",
                "`helio setup` prints a link for one more admin device.",
            ),
        }
        text
    }
}

fn line(text: &mut String, what: &str, value: &str) {
    writeln!(text, "  {what:<9}{value}").expect("a String takes every line");
}

/// A QR code of two modules a character, dark on light whatever the terminal's colours.
pub fn qr_code(url: &str) -> String {
    match QrCode::with_error_correction_level(url, EcLevel::L) {
        Ok(code) => code.render::<Dense1x2>().quiet_zone(true).build() + "\n",
        // Longer than a QR code holds: the link itself is printed beside it.
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setup_link_is_printed_while_nobody_has_set_up() {
        let welcome = Welcome {
            origin: "https://192.168.1.5:8443",
            other_origins: vec!["https://localhost:8443"],
            setup_url: Some("https://192.168.1.5:8443/setup#abc"),
            listeners: vec![("HTTPS", "[::]:8443".to_owned())],
            data_dir: "heliograph-data".to_owned(),
            warnings: Vec::new(),
        };
        let text = welcome.render();
        assert!(text.contains("https://192.168.1.5:8443/setup#abc"));
        assert!(text.contains('█'), "a QR code follows");
    }
}
