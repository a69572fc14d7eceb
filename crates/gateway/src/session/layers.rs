//! Which layer a viewer gets, and what its connection is tried for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::media::Mid;
use str0m::net::Transmit;
use str0m::rtp::Extension;

use super::{Session, TrackState};
use crate::layer_choice::{Layer, Rates};
use crate::stream::Track;

/// How long a viewer's connection is tried for more than it is used for, and how long it is not
/// then.
const TRY_FOR: Duration = Duration::from_millis(1300);
const REST: Duration = Duration::from_millis(200);

/// Trying a connection for more.
#[derive(Debug)]
pub(crate) struct Trial {
    next_at: Instant,
    is_on: bool,
}

impl Trial {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            next_at: now,
            is_on: false,
        }
    }
}

impl Session {
    /// Begins to look at what the viewer's connection carries, where the viewer reports what arrives
    /// (transport-wide congestion control).
    pub(crate) fn begin_estimate(&mut self, now: Instant) {
        let mid = self.video_mid();
        let reports = self.rtc.look(|rtc| {
            let media = mid.and_then(|mid| rtc.media(mid))?;
            let extensions = media.remote_extmap();
            extensions.id_of(Extension::TransportSequenceNumber)
        });
        if reports.is_some() {
            self.trial = Some(Trial::new(now));
        }
    }

    /// What the viewer's connection carries, in bits a second.
    pub(crate) fn handle_estimate(&mut self, estimate_bps: u64) {
        if let Some(track) = self.video_mut() {
            track.choice.handle_estimate(estimate_bps);
        }
    }

    /// The viewer's report on its picture: which share of it did not arrive. `bytes` is all that was
    /// sent of it so far.
    pub(crate) fn handle_loss(&mut self, mid: Mid, loss: f64, bytes: u64, now: Instant) {
        let before = self.reported.replace((bytes, now));
        let (Some((before, since)), Some(track)) = (before, self.video_mut()) else {
            return;
        };
        let span = now.saturating_duration_since(since).as_secs_f64();
        if track.mid == mid && span > 0.0 {
            // Rounded: less than a bit.
            let rate = (bytes.saturating_sub(before) as f64 * 8.0 / span) as u64;
            track.choice.handle_loss(loss, rate, now);
        }
    }

    /// The encoding of the picture that the viewer is to get from its next key frame on.
    pub(crate) fn want_layer(&mut self, rates: &Rates, now: Instant) -> Option<Layer> {
        match rates {
            [] | [_] => Some(0),
            rates => self.video_mut()?.choice.decide(rates, now),
        }
    }

    /// The encoding of which the viewer needs a key frame to go on.
    pub(crate) fn lacks(&self, wanted: Option<Layer>) -> Option<Layer> {
        let track = self.video()?;
        let has_it = track.layer == wanted && track.forwarding.is_running();
        wanted.filter(|_| !has_it)
    }

    /// The encoding of the picture that the viewer gets.
    pub(crate) fn layer(&self) -> Option<Layer> {
        self.video()?.layer
    }

    /// The encoding of the picture that the viewer asked for.
    pub(crate) fn pinned(&self) -> Option<Layer> {
        self.video()?.choice.pinned()
    }

    /// The viewer asks for one encoding, or for none in particular; whether it has that track, and
    /// the track encodings.
    pub(crate) fn pin(&mut self, mid: Mid, layer: Option<Layer>) -> bool {
        let mut tracks = self.tracks.iter_mut();
        let Some(track) = tracks.find(|track| track.mid == mid) else {
            return false;
        };
        if track.track == Track::Video {
            track.choice.pin(layer);
        }
        track.track == Track::Video || layer.is_none()
    }

    /// Of the picture.
    pub(crate) fn video_mid(&self) -> Option<Mid> {
        Some(self.video()?.mid)
    }

    /// Lets the connection show whether it carries the layer above the one that is wanted, and in
    /// the end the highest, by padding and probes, which str0m sends as far as its estimate lets it.
    /// A desire that comes anew is probed for at once.
    pub(crate) fn try_for_more(
        &mut self,
        wanted: Option<Layer>,
        rates: &Rates,
        now: Instant,
        out: &mut VecDeque<Transmit>,
    ) {
        let Some(trial) = self.trial.as_mut().filter(|trial| trial.next_at <= now) else {
            return;
        };
        let current = wanted.and_then(|layer| *rates.get(layer)?).unwrap_or(0);
        let higher = || rates.iter().flatten().filter(|rate| **rate > current);
        trial.is_on = !trial.is_on;
        trial.next_at = now + if trial.is_on { TRY_FOR } else { REST };
        let next = higher().min().copied().unwrap_or(0);
        let desired = match trial.is_on {
            true => higher().max().copied().unwrap_or(current),
            false => current,
        };
        let [next, desired] = [next, desired].map(|rate| Bitrate::from(rate.saturating_mul(3) / 2));
        self.rtc
            .change(now, out, |rtc| rtc.bwe().set_bitrate(next, desired));
    }

    fn video(&self) -> Option<&TrackState> {
        let mut tracks = self.tracks.iter();
        tracks.find(|each| each.track == Track::Video)
    }

    fn video_mut(&mut self) -> Option<&mut TrackState> {
        let mut tracks = self.tracks.iter_mut();
        tracks.find(|each| each.track == Track::Video)
    }
}
