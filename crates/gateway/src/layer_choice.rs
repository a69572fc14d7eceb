//! Which layer of a simulcast a viewer gets: the best that its connection carries, or the one that
//! it asked for. Pure: told of rates, an estimate and the time.
//!
//! Down at once, up with patience: a layer too high costs everything that waits behind it, one too
//! low costs sharpness. A step up that had to be taken back makes the next one wait longer.

use std::time::{Duration, Instant};

/// What of an estimate is used for a step up; the rest is for sound, repairs and the estimate's
/// error.
const UP_SHARE: f64 = 0.8;
/// What of it a layer may take while it lasts. Layers' rates vary by themselves.
const KEEP_SHARE: f64 = 1.0;
/// How long an estimate must carry more before a step up.
const UP_AFTER: Duration = Duration::from_millis(500);
/// How long it must carry less before a step down: one bad report is none.
const DOWN_AFTER: Duration = Duration::from_millis(150);
/// A step up that is taken back within this time was one too many.
const REGRET: Duration = Duration::from_secs(5);
/// The longest wait after such steps.
const MAX_UP_AFTER: Duration = Duration::from_secs(16);

/// Loss by which a connection shows that it is overrun, before an estimate says so: repairs and
/// chance stay below.
const HEAVY_LOSS: f64 = 0.1;
/// How long what heavy loss left through is taken for all that the connection carries.
const LOSS_COUNTS_FOR: Duration = Duration::from_secs(3);

/// The number of a layer among those of its stream.
pub(crate) type Layer = usize;

/// What the layers of a stream take, in bits a second; none for one that does not come.
pub(crate) type Rates = [Option<u64>];

/// The choice for one viewer.
#[derive(Debug, Clone)]
pub(crate) struct LayerChoice {
    pinned: Option<Layer>,
    wanted: Option<Layer>,
    /// What the connection carries, in bits a second; none where nobody knows.
    estimate_bps: Option<u64>,
    /// What heavy loss left through, and until when that counts.
    ceiling: Option<(u64, Instant)>,
    more_since: Option<Instant>,
    less_since: Option<Instant>,
    stepped_up_at: Option<Instant>,
    up_after: Duration,
}

impl Default for LayerChoice {
    fn default() -> Self {
        Self {
            pinned: None,
            wanted: None,
            estimate_bps: None,
            ceiling: None,
            more_since: None,
            less_since: None,
            stepped_up_at: None,
            up_after: UP_AFTER,
        }
    }
}

impl LayerChoice {
    /// A viewer asks for one layer, or for none in particular.
    pub(crate) fn pin(&mut self, layer: Option<Layer>) {
        self.pinned = layer;
    }

    /// What the viewer asked for.
    pub(crate) fn pinned(&self) -> Option<Layer> {
        self.pinned
    }

    /// Another publisher, with layers of its own.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            estimate_bps: self.estimate_bps,
            ..Self::default()
        };
    }

    /// What the connection carries, in bits a second.
    pub(crate) fn handle_estimate(&mut self, estimate_bps: u64) {
        self.estimate_bps = Some(estimate_bps);
    }

    /// The viewer has reported the share of packets that did not arrive, while it was sent `rate_bps`.
    pub(crate) fn handle_loss(&mut self, loss: f64, rate_bps: u64, now: Instant) {
        if loss >= HEAVY_LOSS {
            // Rounded: less than a bit.
            let arrived = (rate_bps as f64 * (1.0 - loss)) as u64;
            self.ceiling = Some((arrived, now + LOSS_COUNTS_FOR));
        }
    }

    /// The layer that the viewer is to get from its next key frame on.
    pub(crate) fn decide(&mut self, rates: &Rates, now: Instant) -> Option<Layer> {
        self.ceiling = self.ceiling.filter(|(_, until)| now < *until);
        let is_alive = |layer: Layer| rates.get(layer).copied().flatten().is_some();
        if let Some(pinned) = self.pinned.filter(|layer| is_alive(*layer)) {
            self.want(Some(pinned));
            return self.wanted;
        }
        let Some(wanted) = self.wanted.filter(|layer| is_alive(*layer)) else {
            let first = self.best(rates, UP_SHARE);
            self.want(first);
            return self.wanted;
        };
        let rate = |layer: Option<Layer>| layer.and_then(|layer| rates[layer]).unwrap_or(0);
        let (keep, up) = (self.best(rates, KEEP_SHARE), self.best(rates, UP_SHARE));
        let current = rate(Some(wanted));
        if rate(keep) < current {
            self.more_since = None;
            let since = *self.less_since.get_or_insert(now);
            if now >= since + DOWN_AFTER {
                self.step_down(keep, now);
            }
        } else if rate(up) > current {
            self.less_since = None;
            let since = *self.more_since.get_or_insert(now);
            if now >= since + self.up_after {
                self.want(up);
                self.stepped_up_at = Some(now);
            }
        } else {
            (self.less_since, self.more_since) = (None, None);
        }
        self.wanted
    }

    fn step_down(&mut self, layer: Option<Layer>, now: Instant) {
        let is_regretted = self.stepped_up_at.is_some_and(|at| now < at + REGRET);
        self.up_after = match is_regretted {
            true => (self.up_after * 2).min(MAX_UP_AFTER),
            false => UP_AFTER,
        };
        self.want(layer);
    }

    fn want(&mut self, layer: Option<Layer>) {
        if layer != self.wanted {
            self.wanted = layer;
            (self.less_since, self.more_since) = (None, None);
        }
    }

    /// The layer of the highest rate within this share of the estimate, else the lowest one.
    fn best(&self, rates: &Rates, share: f64) -> Option<Layer> {
        let alive = || (0..rates.len()).filter_map(|layer| Some((rates[layer]?, layer)));
        // Rounded: less than a bit.
        let estimate = self.estimate_bps.into_iter();
        let carried = estimate.chain(self.ceiling.map(|(bps, _)| bps)).min();
        let budget = carried.map(|bps| (bps as f64 * share) as u64);
        let fitting = alive().filter(|(rate, _)| budget.is_none_or(|budget| *rate <= budget));
        let best = fitting.max().or_else(|| alive().min());
        best.map(|(_, layer)| layer)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use super::*;

    const RATES: [Option<u64>; 3] = [Some(120_000), Some(450_000), Some(1_500_000)];
    const TICK: Duration = Duration::from_millis(50);

    /// Decides for a while; what it decided last, and after how long it became that.
    fn settle(
        choice: &mut LayerChoice,
        rates: &Rates,
        now: &mut Instant,
        span: Duration,
    ) -> (Option<Layer>, Duration) {
        let (start, mut last) = (*now, (choice.decide(rates, *now), Duration::ZERO));
        while *now < start + span {
            *now += TICK;
            let decided = choice.decide(rates, *now);
            if decided != last.0 {
                last = (decided, *now - start);
            }
        }
        last
    }

    fn told(estimate_bps: u64) -> (LayerChoice, Instant) {
        let mut choice = LayerChoice::default();
        choice.handle_estimate(estimate_bps);
        (choice, Instant::now())
    }

    #[test]
    fn a_viewer_gets_the_best_layer_that_its_estimate_carries() {
        for (estimate, layer) in [(50_000, 0), (400_000, 0), (600_000, 1), (9_000_000, 2)] {
            let (mut choice, now) = told(estimate);
            assert_eq!(choice.decide(&RATES, now), Some(layer), "{estimate} bit/s");
        }
        let nobody_knows = LayerChoice::default().decide(&RATES, Instant::now());
        assert_eq!(nobody_knows, Some(2));
    }

    #[test]
    fn it_steps_down_fast_and_up_with_patience() {
        let (mut choice, mut now) = told(5_000_000);
        choice.decide(&RATES, now);
        choice.handle_estimate(300_000);
        let second = Duration::from_secs(1);
        let (down, after) = settle(&mut choice, &RATES, &mut now, second);
        assert_eq!(down, Some(0));
        assert!(after <= Duration::from_millis(200), "{after:?}");
        choice.handle_estimate(5_000_000);
        let (up, after) = settle(&mut choice, &RATES, &mut now, 2 * second);
        assert_eq!(up, Some(2));
        assert!(after >= UP_AFTER, "{after:?}");
    }

    #[test]
    fn heavy_loss_counts_before_the_estimate_does_and_light_loss_not_at_all() {
        let (mut choice, mut now) = told(5_000_000);
        assert_eq!(choice.decide(&RATES, now), Some(2));
        choice.handle_loss(0.05, 1_500_000, now);
        let second = Duration::from_secs(1);
        assert_eq!(settle(&mut choice, &RATES, &mut now, second).0, Some(2));
        choice.handle_loss(0.8, 1_500_000, now);
        assert_eq!(settle(&mut choice, &RATES, &mut now, second).0, Some(0));
        let (again, after) = settle(&mut choice, &RATES, &mut now, 4 * second);
        assert_eq!(again, Some(2));
        assert!(after >= LOSS_COUNTS_FOR - second, "{after:?}");
    }

    #[test]
    fn one_bad_report_and_an_estimate_near_a_layer_move_nothing() {
        let (mut choice, mut now) = told(600_000);
        assert_eq!(choice.decide(&RATES, now), Some(1));
        choice.handle_estimate(400_000);
        now += TICK;
        assert_eq!(choice.decide(&RATES, now), Some(1));
        choice.handle_estimate(500_000);
        let (layer, _) = settle(&mut choice, &RATES, &mut now, Duration::from_secs(3));
        assert_eq!(layer, Some(1), "kept, though it would not be begun");
    }

    #[test]
    fn a_step_up_that_is_taken_back_makes_the_next_one_wait_longer() {
        let (mut choice, mut now) = told(600_000);
        choice.decide(&RATES, now);
        let mut waits = Vec::new();
        for _ in 0..7 {
            choice.handle_estimate(5_000_000);
            let (up, after) = settle(&mut choice, &RATES, &mut now, MAX_UP_AFTER + TICK);
            assert_eq!(up, Some(2));
            waits.push(after);
            // The step is regretted at once.
            choice.stepped_up_at = Some(now);
            choice.handle_estimate(600_000);
            settle(&mut choice, &RATES, &mut now, Duration::from_secs(1));
        }
        assert!(waits.is_sorted(), "{waits:?}");
        assert_eq!(waits.last(), Some(&MAX_UP_AFTER), "and no longer than that");
    }

    #[test]
    fn a_pinned_layer_is_kept_whatever_it_costs_and_left_when_it_ends() {
        let (mut choice, mut now) = told(200_000);
        choice.pin(Some(2));
        let second = Duration::from_secs(1);
        assert_eq!(settle(&mut choice, &RATES, &mut now, second).0, Some(2));
        let without = [RATES[0], RATES[1], None];
        assert_eq!(choice.decide(&without, now), Some(0));
        assert_eq!(choice.decide(&RATES, now), Some(2), "it is back");
        choice.pin(None);
        assert_eq!(settle(&mut choice, &RATES, &mut now, second).0, Some(0));
    }

    #[test]
    fn a_stream_without_layers_has_the_one() {
        let (mut choice, now) = told(10_000);
        assert_eq!(choice.decide(&[Some(3_000_000)], now), Some(0));
        assert_eq!(choice.decide(&[], now), None);
    }
}
