//! Tells the server what became of a link and how it runs (`docs/protocol.md`, Telemetry).
//!
//! Never in the way of the link: a report that cannot be sent is lost.

use std::sync::Arc;
use std::time::Duration;

use protocol::http::telemetry::{
    FailureCause, LinkEvent, LinkReport, LinkStats, Path, PathEnd, Percentiles, Phases, Report,
};
use protocol::id::PairId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::link::{self, Cause, Event, Phase, SetUp, Statistics};
use crate::server_api::ServerApi;

/// How often the figures are reported.
pub(super) const STATISTICS_INTERVAL: Duration = Duration::from_secs(30);
/// Reports that wait to be sent.
const MAX_WAITING: usize = 16;
/// How long a link that ends waits for its last reports.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The reports of one link.
pub(super) struct Reports {
    queue: mpsc::Sender<Report>,
    task: JoinHandle<()>,
    phase: Phase,
    /// Whether a connection that was reported has not ended.
    is_up: bool,
    /// A connection came up whose path is not known yet.
    set_up: Option<SetUp>,
    posted: Statistics,
}

impl Reports {
    pub(super) fn start(api: Arc<ServerApi>, pair: PairId) -> Self {
        let (queue, mut waiting) = mpsc::channel(MAX_WAITING);
        let task = tokio::spawn(async move {
            while let Some(report) = waiting.recv().await {
                if let Err(error) = api.post_telemetry(&pair, &report).await {
                    tracing::debug!(%error, "a report is lost");
                }
            }
        });
        Self {
            queue,
            task,
            phase: Phase::Signalling,
            is_up: false,
            set_up: None,
            posted: Statistics::default(),
        }
    }

    /// Something happened on the link, whose figures are these.
    pub(super) fn handle_event(&mut self, event: &Event, now: impl FnOnce() -> Statistics) {
        match event {
            Event::SetUp(set_up) => self.set_up = Some(*set_up),
            Event::Phase(phase) => {
                let before = std::mem::replace(&mut self.phase, *phase);
                match phase {
                    Phase::Open => self.open(before, now()),
                    Phase::Ended(_) if self.is_up => self.close(&now()),
                    _ => {}
                }
            }
            Event::Failed(cause) => self.post_link(LinkReport {
                cause: Some(failure(*cause)),
                ..link(LinkEvent::Failed)
            }),
            _ => {}
        }
    }

    /// The figures are due; a link that is not open has none, and is not to be taken for one.
    pub(super) fn handle_statistics(&mut self, now: Statistics) {
        if self.phase == Phase::Open {
            let stats = Some(self.since(&now));
            self.posted = now;
            self.post(Report { link: None, stats });
        }
    }

    fn open(&mut self, before: Phase, now: Statistics) {
        let path = now.path.map(path);
        if let Some(set_up) = self.set_up.take() {
            self.is_up = true;
            self.posted = Statistics::default();
            self.post_link(LinkReport {
                path,
                phases_ms: Some(phases(set_up)),
                ..link(LinkEvent::Connected)
            });
        } else if before == Phase::Reconnecting {
            self.post_link(LinkReport {
                path,
                ..link(LinkEvent::Restarted)
            });
        }
    }

    fn close(&mut self, now: &Statistics) {
        // A path would say that the link is up.
        let stats = LinkStats {
            path: None,
            ..self.since(now)
        };
        self.is_up = false;
        self.post(Report {
            link: Some(link(LinkEvent::Closed)),
            stats: Some(stats),
        });
    }

    /// The figures, with what was sent since the last time. A new connection counts from 0.
    fn since(&self, now: &Statistics) -> LinkStats {
        let grown = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        LinkStats {
            path: now.path.map(path),
            rtt_ms: now.rtt.map(ms),
            jitter_ms: now.jitter.map(ms),
            loss_ratio: now.loss_ratio,
            // str0m does not count them.
            retransmits: None,
            media_bytes: Some(grown(now.media_bytes, self.posted.media_bytes)),
            data_bytes: Some(grown(now.data_bytes, self.posted.data_bytes)),
            still_bytes: Vec::new(),
            channel_rtt_ms: now.channel_rtt.map(|trip| Percentiles {
                p50: ms(trip.p50),
                p95: ms(trip.p95),
                p99: ms(trip.p99),
            }),
        }
    }

    fn post_link(&self, link: LinkReport) {
        self.post(Report {
            link: Some(link),
            stats: None,
        });
    }

    fn post(&self, report: Report) {
        if self.queue.try_send(report).is_err() {
            tracing::debug!("a report is lost: the server is slow");
        }
    }

    /// Sends what waits, as far as that is quick.
    pub(super) async fn finish(self) {
        drop(self.queue);
        // What is not sent by then is lost.
        let _ = timeout(LAST_WORDS, self.task).await;
    }
}

fn link(event: LinkEvent) -> LinkReport {
    LinkReport {
        event,
        cause: None,
        path: None,
        phases_ms: None,
    }
}

fn failure(cause: Cause) -> FailureCause {
    match cause {
        Cause::NoCandidates => FailureCause::NoCandidates,
        Cause::ChecksFailed => FailureCause::ChecksFailed,
        Cause::RelayRefused => FailureCause::RelayRefused,
        Cause::DtlsFailed => FailureCause::DtlsFailed,
        Cause::SignatureRefused => FailureCause::SignatureRefused,
        Cause::NoiseFailed => FailureCause::NoiseFailed,
        Cause::SignallingLost => FailureCause::SignallingLost,
    }
}

fn path(path: link::Path) -> Path {
    let end = |end: link::PathEnd| match end {
        link::PathEnd::Host => PathEnd::Host,
        link::PathEnd::ServerReflexive => PathEnd::Srflx,
        link::PathEnd::PeerReflexive => PathEnd::Prflx,
        link::PathEnd::Relayed => PathEnd::Relay,
    };
    Path {
        local: end(path.local),
        remote: end(path.remote),
    }
}

fn phases(set_up: SetUp) -> Phases {
    let ms = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64() * 1000.0);
    Phases {
        offer_to_answer: ms(set_up.offer_to_answer),
        answer_to_connected: ms(set_up.answer_to_connected),
        connected_to_channel: ms(set_up.connected_to_channel),
    }
}
