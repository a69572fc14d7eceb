//! What peers report of their links, as metrics, and the links that are up now.
//!
//! A link counts as up while one of its devices reports; both ends of a link are one link. Its
//! statistics make it known again to a server that has started since.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use protocol::http::telemetry::{LinkEvent, LinkReport, LinkStats, Path, PathEnd, Report};
use protocol::id::{DeviceId, PairId};

/// Peers report every 30 s; after two reports that did not come a link is gone.
const LINK_SILENCE: Duration = Duration::from_secs(75);
const MINUTE: Duration = Duration::from_secs(60);

/// Reports of one device in the minute that began at `since`.
#[derive(Debug)]
struct Budget {
    since: Instant,
    spent: u32,
}

/// The links of one pair, one after the other.
#[derive(Debug)]
struct Link {
    seen: Instant,
    up: bool,
    route: Route,
    /// How many links each device reported as established. The reports of two devices cross, so
    /// that neither tells which of the other's is the same link; their numbers do.
    reported: BTreeMap<DeviceId, u64>,
    counted: u64,
}

/// How a link runs, as a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Direct,
    Relayed,
    /// No report has named its path yet.
    Unknown,
}

#[derive(Debug, Default)]
struct Seen {
    budgets: BTreeMap<DeviceId, Budget>,
    links: BTreeMap<PairId, Link>,
}

/// Takes reports. One for the whole server.
#[derive(Debug)]
pub(crate) struct Telemetry {
    per_minute: u32,
    seen: Mutex<Seen>,
}

impl Telemetry {
    /// Devices may report `per_minute` times.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            seen: Mutex::default(),
        }
    }

    /// Records a report.
    ///
    /// # Errors
    /// How long the device has to wait when it reports too often.
    pub(crate) fn record(
        &self,
        device: &DeviceId,
        pair: &PairId,
        report: &Report,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut seen = self.lock();
        seen.spend(device, self.per_minute, now)?;
        if let Some(link) = &report.link {
            seen.handle_link(device, pair, link, now);
        }
        if let Some(stats) = &report.stats {
            seen.handle_stats(pair, stats, now);
            count_stats(stats);
        }
        seen.publish(now);
        Ok(())
    }

    /// Brings the gauges up to date, before they are read.
    pub(crate) fn refresh(&self, now: Instant) {
        self.lock().publish(now);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no holder of the reports panics")
    }
}

impl Seen {
    fn spend(&mut self, device: &DeviceId, per_minute: u32, now: Instant) -> Result<(), Duration> {
        self.budgets
            .retain(|_, budget| now.saturating_duration_since(budget.since) < MINUTE);
        let budget = self.budgets.entry(device.clone()).or_insert(Budget {
            since: now,
            spent: 0,
        });
        if budget.spent >= per_minute {
            return Err(MINUTE.saturating_sub(now.saturating_duration_since(budget.since)));
        }
        budget.spent += 1;
        Ok(())
    }

    fn handle_link(&mut self, device: &DeviceId, pair: &PairId, report: &LinkReport, now: Instant) {
        count_phases(report);
        match report.event {
            LinkEvent::Connected => {
                if self.keep(pair, report.path, now).is_another(device) {
                    let path = Route::of(report.path).as_str();
                    metrics::counter!("helio_links_total", "path" => path).increment(1);
                }
            }
            LinkEvent::Restarted => {
                self.keep(pair, report.path, now);
            }
            LinkEvent::Failed => {
                self.end(pair);
                let cause = report.cause.map_or("unknown", |cause| cause.as_str());
                metrics::counter!("helio_link_failures_total", "cause" => cause).increment(1);
            }
            LinkEvent::Closed => self.end(pair),
        }
    }

    /// Without a path they may be of a link that is not up yet, or no longer.
    fn handle_stats(&mut self, pair: &PairId, stats: &LinkStats, now: Instant) {
        if stats.path.is_some() || self.links.get(pair).is_some_and(|link| link.up) {
            self.keep(pair, stats.path, now);
        }
    }

    /// Notes that a link is up; a report without a path changes none.
    fn keep(&mut self, pair: &PairId, path: Option<Path>, now: Instant) -> &mut Link {
        let link = self.links.entry(pair.clone()).or_insert_with(|| Link {
            seen: now,
            up: true,
            route: Route::Unknown,
            reported: BTreeMap::new(),
            counted: 0,
        });
        link.seen = now;
        link.up = true;
        if path.is_some() {
            link.route = Route::of(path);
        }
        link
    }

    fn end(&mut self, pair: &PairId) {
        if let Some(link) = self.links.get_mut(pair) {
            link.up = false;
            link.route = Route::Unknown;
        }
    }

    fn publish(&mut self, now: Instant) {
        self.links
            .retain(|_, link| now.saturating_duration_since(link.seen) < LINK_SILENCE);
        for route in [Route::Direct, Route::Relayed, Route::Unknown] {
            let count = self.count(route);
            metrics::gauge!("helio_links", "path" => route.as_str()).set(f64::from(count));
        }
    }

    fn count(&self, route: Route) -> u32 {
        let up = self.links.values().filter(|link| link.up);
        u32::try_from(up.filter(|link| link.route == route).count()).unwrap_or(u32::MAX)
    }
}

impl Link {
    /// Whether what a device reports as established is a link of which the other has not told.
    fn is_another(&mut self, device: &DeviceId) -> bool {
        let reported = self.reported.entry(device.clone()).or_default();
        *reported += 1;
        let another = *reported > self.counted;
        self.counted = self.counted.max(*reported);
        another
    }
}

impl Route {
    fn of(path: Option<Path>) -> Self {
        match path {
            None => Self::Unknown,
            Some(path) if path.local == PathEnd::Relay || path.remote == PathEnd::Relay => {
                Self::Relayed
            }
            Some(_) => Self::Direct,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relayed => "relayed",
            Self::Unknown => "unknown",
        }
    }
}

fn count_phases(link: &LinkReport) {
    let Some(phases) = link.phases_ms else { return };
    let named = [
        ("offer-to-answer", phases.offer_to_answer),
        ("answer-to-connected", phases.answer_to_connected),
        ("connected-to-channel", phases.connected_to_channel),
    ];
    for (phase, ms) in named {
        if let Some(ms) = ms {
            metrics::histogram!("helio_link_phase_seconds", "phase" => phase).record(ms / 1000.0);
        }
    }
}

fn count_stats(stats: &LinkStats) {
    if let Some(rtt_ms) = stats.rtt_ms {
        metrics::histogram!("helio_link_rtt_seconds").record(rtt_ms / 1000.0);
    }
    if let Some(rtt_ms) = stats.channel_rtt_ms {
        metrics::histogram!("helio_link_channel_rtt_seconds").record(rtt_ms.p50 / 1000.0);
    }
    for bytes in &stats.still_bytes {
        let bytes = u32::try_from(*bytes).unwrap_or(u32::MAX);
        metrics::histogram!("helio_still_bytes").record(f64::from(bytes));
    }
    if let Some(count) = stats.retransmits {
        metrics::counter!("helio_link_retransmits_total").increment(count);
    }
    for (kind, bytes) in [("media", stats.media_bytes), ("data", stats.data_bytes)] {
        metrics::counter!("helio_link_bytes_total", "kind" => kind).increment(bytes.unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use protocol::http::telemetry::FailureCause;

    use super::*;

    fn ids() -> (DeviceId, PairId) {
        (DeviceId::from_bytes(&[1; 32]), PairId::from_bytes(&[2; 32]))
    }

    fn report(event: LinkEvent) -> Report {
        let path = Some(Path {
            local: PathEnd::Relay,
            remote: PathEnd::Host,
        });
        let cause = (event == LinkEvent::Failed).then_some(FailureCause::DtlsFailed);
        Report {
            link: Some(LinkReport {
                event,
                cause,
                path,
                phases_ms: None,
            }),
            stats: None,
        }
    }

    #[test]
    fn one_report_more_than_a_minute_allows_is_told_when_to_come_back() {
        let (device, pair) = ids();
        let telemetry = Telemetry::new(2);
        let now = Instant::now();
        let report = report(LinkEvent::Connected);
        for _ in 0..2 {
            telemetry.record(&device, &pair, &report, now).unwrap();
        }
        let later = now + Duration::from_secs(10);
        assert_eq!(
            telemetry.record(&device, &pair, &report, later),
            Err(Duration::from_secs(50))
        );
        telemetry
            .record(&device, &pair, &report, now + MINUTE)
            .unwrap();
    }

    #[test]
    fn both_ends_are_one_link_and_silence_ends_it() {
        let (device, pair) = ids();
        let telemetry = Telemetry::new(60);
        let now = Instant::now();
        let other = DeviceId::from_bytes(&[3; 32]);
        telemetry
            .record(&device, &pair, &report(LinkEvent::Connected), now)
            .unwrap();
        telemetry
            .record(&other, &pair, &report(LinkEvent::Connected), now)
            .unwrap();
        assert_eq!(telemetry.lock().links.len(), 1);
        telemetry.refresh(now + LINK_SILENCE);
        assert_eq!(telemetry.lock().links.len(), 0);
    }

    #[test]
    fn a_pairs_next_link_is_counted_once_in_whatever_order_its_ends_report() {
        let (laptop, pair) = ids();
        let phone = DeviceId::from_bytes(&[3; 32]);
        let (open, closed) = (report(LinkEvent::Connected), report(LinkEvent::Closed));
        let late = stats(host_to(PathEnd::Host));
        for next_link in [
            [
                (&laptop, &closed),
                (&phone, &late),
                (&laptop, &open),
                (&phone, &open),
            ],
            [
                (&laptop, &closed),
                (&laptop, &open),
                (&phone, &closed),
                (&phone, &open),
            ],
            [
                (&laptop, &closed),
                (&phone, &closed),
                (&phone, &open),
                (&laptop, &open),
            ],
        ] {
            let telemetry = Telemetry::new(60);
            let now = Instant::now();
            let first = [(&phone, &open), (&laptop, &open)];
            for (device, report) in first.into_iter().chain(next_link) {
                telemetry.record(device, &pair, report, now).unwrap();
            }
            let seen = telemetry.lock();
            assert_eq!(seen.links[&pair].counted, 2);
            assert_eq!(seen.count(Route::Relayed), 1);
        }
    }

    fn stats(path: Option<Path>) -> Report {
        Report {
            link: None,
            stats: Some(LinkStats {
                path,
                ..LinkStats::default()
            }),
        }
    }

    fn host_to(remote: PathEnd) -> Option<Path> {
        let local = PathEnd::Host;
        Some(Path { local, remote })
    }

    #[test]
    fn statistics_with_a_path_make_a_link_known_until_they_stop() {
        let (device, pair) = ids();
        let telemetry = Telemetry::new(60);
        let now = Instant::now();
        let record = |report: &Report, now| telemetry.record(&device, &pair, report, now);
        record(&stats(None), now).unwrap();
        assert_eq!(telemetry.lock().links.len(), 0);
        record(&stats(host_to(PathEnd::Host)), now).unwrap();
        assert_eq!(telemetry.lock().count(Route::Direct), 1);
        let later = now + Duration::from_secs(60);
        record(&stats(host_to(PathEnd::Relay)), later).unwrap();
        telemetry.refresh(now + LINK_SILENCE);
        assert_eq!(telemetry.lock().count(Route::Relayed), 1);
        telemetry.refresh(later + LINK_SILENCE);
        assert_eq!(telemetry.lock().links.len(), 0);
    }

    #[test]
    fn a_report_without_a_path_leaves_the_path_as_it_was() {
        let (device, pair) = ids();
        let telemetry = Telemetry::new(60);
        let now = Instant::now();
        let mut restarted = report(LinkEvent::Restarted);
        restarted.link.as_mut().unwrap().path = None;
        for report in [report(LinkEvent::Connected), restarted, stats(None)] {
            telemetry.record(&device, &pair, &report, now).unwrap();
            assert_eq!(telemetry.lock().count(Route::Relayed), 1);
        }
    }
}
