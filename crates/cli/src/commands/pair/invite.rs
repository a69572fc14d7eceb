//! `helio pair --invite`: a QR code and the same as a link, a countdown, three sets of words.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use peer::pairing::{self, Progress};
use peer::server_api::ServerApi;
use protocol::invite_link::PairingLink;
use serde_json::json;
use tokio::sync::mpsc;

use super::{Command, join_failure, pairing_failure, unix_ms};
use crate::device_home::{api_failure, server_named};
use crate::output::Failure;

impl Command {
    pub(super) async fn invite(self, origin: Option<&str>) -> Result<(), Failure> {
        let origin = server_named(&self.device, "--server", origin)?;
        let api = ServerApi::for_device(&origin, &self.device, self.authority.as_deref());
        let api = api.map_err(|error| api_failure(&error))?;
        self.settle(&api).await?;
        let invite = pairing::invite(self.device.clone(), api).await;
        let (mut pairing, link) = invite.map_err(join_failure)?;
        self.show_link(&link);
        let mut lines = None;
        let mut is_choosing = false;
        let mut countdown = Countdown::new(&self, &link);
        loop {
            tokio::select! {
                progress = pairing.next() => {
                    let Some(progress) = progress else { return Ok(()) };
                    countdown.clear();
                    self.show(&progress);
                    is_choosing = matches!(progress, Progress::Choosing { .. });
                    countdown.is_shown = matches!(progress, Progress::Waiting | Progress::Retrying(_));
                    if is_choosing {
                        // What was typed before the question is no answer to it.
                        let lines = lines.get_or_insert_with(standard_input);
                        while lines.try_recv().is_ok() {}
                    }
                    if let Progress::Failed(error) = progress {
                        return Err(pairing_failure(&error));
                    }
                }
                line = next_line(&mut lines), if is_choosing => {
                    is_choosing = false;
                    match line.as_deref().map(str::trim) {
                        Some("1") => pairing.choose(0).await,
                        Some("2") => pairing.choose(1).await,
                        Some("3") => pairing.choose(2).await,
                        _ => pairing.cancel().await,
                    }
                }
                () = countdown.tick() => {}
            }
        }
    }

    fn show_link(&self, link: &PairingLink) {
        let url = link.to_string();
        let facts = json!({ "link": url, "expiresMs": link.expiry_s * 1000 });
        self.say("invite", facts, || {
            let code = server::welcome::qr_code(&url);
            format!("{code}\nScan this with the other device, or open there:\n{url}")
        });
    }
}

/// The lines of standard input, by a thread of its own: nothing else can be waited for beside a
/// blocking read, and the process ends without it.
fn standard_input() -> mpsc::Receiver<String> {
    let (tell, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// `None` at the end of input: nobody is there to choose.
async fn next_line(lines: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// The seconds that the code still serves, on a terminal.
struct Countdown {
    expires_ms: u64,
    is_terminal: bool,
    is_shown: bool,
}

impl Countdown {
    fn new(command: &Command, link: &PairingLink) -> Self {
        Self {
            expires_ms: link.expiry_s * 1000,
            is_terminal: std::io::stderr().is_terminal() && !command.output.json,
            is_shown: false,
        }
    }

    async fn tick(&self) {
        if !self.is_terminal || !self.is_shown {
            return std::future::pending().await;
        }
        let left_ms = self.expires_ms.saturating_sub(unix_ms());
        let _ = write!(
            std::io::stderr(),
            "\rThe code serves for {:>3} s ",
            left_ms / 1000
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    fn clear(&self) {
        if self.is_terminal && self.is_shown {
            let _ = write!(std::io::stderr(), "\r{:40}\r", "");
        }
    }
}
