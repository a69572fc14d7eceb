//! How the process logs: text for people or JSON lines, to standard error.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::LogSettings;

/// Crates of others say at most this: their DEBUG holds addresses and headers.
const LEVEL_OF_OTHERS: tracing::Level = tracing::Level::WARN;
/// They warn of every malformed packet of a stranger, and trace integrity keys.
const NEVER_HEARD: [&str; 2] = ["stun_types", "turn_types"];
const OURS: [&str; 7] = [
    "cli",
    "server",
    "signalling",
    "turn",
    "registry",
    "identity",
    "protocol",
];

/// Installs the process-wide subscriber; later calls change nothing.
pub(crate) fn install(settings: &LogSettings) {
    let targets = OURS.iter().map(|target| (*target, settings.level));
    let filter = Targets::new()
        .with_default(LEVEL_OF_OTHERS.min(settings.level))
        .with_targets(targets)
        .with_targets(NEVER_HEARD.map(|target| (target, tracing::Level::ERROR)));
    let format = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(filter);
    // Only the first of several servers in one process, as in tests, gets its way.
    let _ = if settings.json {
        registry.with(format.json().flatten_event(true)).try_init()
    } else {
        registry.with(format).try_init()
    };
}
