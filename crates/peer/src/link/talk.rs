//! Texts, commands and figures of a link: the conversation of [`Ctl`] on its two channels.

use std::collections::BTreeMap;
use std::time::Instant;

use protocol::cbor::Value;

use super::LinkCore;
use super::channels::Label;
use super::output::{EndedBy, Event};
use super::statistics::REPORT_INTERVAL;
use crate::ctl::{self, Conversation, Ctl, CtlEvent, FrameChannel, RoundTrip, TextId};

/// Why a text is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SayError {
    /// No frames flow now.
    #[error("the link is not open; wait until it is")]
    NotOpen,
    /// The text itself cannot be sent.
    #[error(transparent)]
    Text(#[from] ctl::SayError),
}

impl LinkCore {
    /// Sends a text until it is acknowledged; [`CtlEvent::Delivered`] or
    /// [`CtlEvent::Undelivered`] follows.
    ///
    /// # Errors
    /// The link is not open, the text is above 2000 characters, or too many wait already.
    pub fn say(&mut self, text: &str, now: Instant) -> Result<TextId, SayError> {
        let ctl = self.ctl.as_mut().filter(|_| self.is_open);
        let ctl = ctl.ok_or(SayError::NotOpen)?;
        let id = ctl.say(text, now)?;
        self.settle(now);
        Ok(id)
    }

    /// Sends a command, best effort; dropped while the link is not open.
    pub fn command(&mut self, name: &str, args: BTreeMap<String, Value>, now: Instant) {
        if let Some(ctl) = self.ctl.as_mut().filter(|_| self.is_open) {
            // What is too large to be sent is not best effort's to report.
            let _ = ctl.command(name, args);
        }
        self.settle(now);
    }

    /// Round trips over the channel `ctl`; none before the first.
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.ctl.as_ref().and_then(ctl::Ctl::round_trip)
    }

    pub(super) fn handle_frame(&mut self, frame: &[u8], now: Instant) {
        if let Some(ctl) = &mut self.ctl {
            ctl.handle_frame(frame, now);
        }
    }

    /// Sends what is to be said and tells what was heard.
    pub(super) fn talk(&mut self, now: Instant) {
        while let Some((channel, frame)) = self.ctl.as_mut().and_then(ctl::Ctl::poll_transmit) {
            let label = match channel {
                FrameChannel::Ctl => Label::Ctl,
                FrameChannel::Telemetry => Label::Telemetry,
            };
            if let Some(connection) = &mut self.connection {
                // A full channel drops it, as the network might: what matters is sent again.
                let _ = connection.send(label, frame, now);
            }
        }
        while let Some(event) = self.ctl.as_mut().and_then(ctl::Ctl::poll_event) {
            let is_over = matches!(&event, CtlEvent::Command { name, .. } if name == "revoked");
            self.event(Event::Talk(event));
            if is_over {
                self.end(EndedBy::Revoked, None, now);
            }
        }
    }

    /// A connection is open: the conversation begins, or goes on over it.
    pub(super) fn converse(&mut self, peer: Option<Conversation>, now: Instant) {
        let ctl = self.ctl.get_or_insert_with(|| Ctl::new(now));
        ctl.handle_open(peer, now);
        self.report_at = Some(now + REPORT_INTERVAL);
    }

    /// The link is over: what was not acknowledged has failed.
    pub(super) fn hush(&mut self, now: Instant) {
        if let Some(ctl) = &mut self.ctl {
            ctl.close();
        }
        self.talk(now);
        self.ctl = None;
    }
}
