//! `helio serve` on a terminal: the first ten lines, signals, the end.

use std::io::Write;

use tokio::signal::unix::{SignalKind, signal};

use super::{Running, StartError, start};
use crate::config::Sources;
use crate::settings::{Settings, TlsMode};
use crate::welcome::Welcome;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Why the server did not start.
pub async fn run(settings: Settings, sources: Sources) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::DataDir)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::DataDir)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(StartError::DataDir)?;
    let running = start(settings).await?;
    // Standard output may be closed; that is no reason not to serve.
    let _ = std::io::stdout().write_all(running.welcome().await.as_bytes());
    loop {
        tokio::select! {
            _ = hang_up.recv() => running.reload(&sources),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
}

impl Running {
    async fn welcome(&self) -> String {
        let is_set_up = self.site.control.is_set_up().await.unwrap_or(false);
        let setup_url = if is_set_up {
            None
        } else {
            self.setup_url().await.ok()
        };
        let settings = &self.site.settings;
        Welcome {
            origin: self.origin(),
            other_origins: self.site.origins.all().skip(1).collect(),
            setup_url: setup_url.as_deref(),
            listeners: self.listening.clone(),
            data_dir: settings.data_dir.display().to_string(),
            warnings: warnings(settings),
        }
        .render()
    }
}

/// What is not safe, or not useful, on the internet yet.
fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    match settings.http.tls {
        TlsMode::SelfSigned => warnings.push(
            "self-signed certificate: fine at home, see /trust; for the internet set http.tls"
                .to_owned(),
        ),
        TlsMode::Off if !settings.http.behind_proxy => {
            warnings.push("no TLS: other machines cannot use cameras or keys here".to_owned());
        }
        _ => {}
    }
    if settings.open_rooms {
        warnings
            .push("signalling.open_rooms: anybody who reaches this address may use /ws".to_owned());
    }
    warnings
}
