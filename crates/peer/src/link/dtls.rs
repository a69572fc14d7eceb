//! str0m's DTLS, kept from saying the same thing without end, and where SCTP is heard before it is
//! sealed.
//!
//! Where a flight of DTLS 1.3 has a hole, dimpl 0.9.0 acknowledges what it has whenever it is woken,
//! and str0m wakes it after every packet that it sends: at one instant, without end. Here it is
//! woken when it is due, and due no sooner than after a short wait.
//!
//! What SCTP says to begin its association passes here in the clear, and is said again by
//! `sctp_opening.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};
use str0m::crypto::{CryptoError, from_feature_flags};

use super::sctp_opening::SctpOpening;

/// Between two acknowledgements of one hole; the missing part is on its way meanwhile.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// What a session is made with.
pub(super) fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        dtls_provider: &Unhurried,
        ..from_feature_flags()
    })
}

#[derive(Debug)]
struct Unhurried;

impl DtlsProvider for Unhurried {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let provider = from_feature_flags().dtls_provider;
        let inner = provider.new_dtls(cert, now, version, mtu)?;
        Ok(Box::new(Handshake {
            inner,
            woken_at: None,
            due: now,
            opening: SctpOpening::default(),
        }))
    }
}

#[derive(Debug)]
struct Handshake {
    inner: Box<dyn DtlsInstance>,
    woken_at: Option<Instant>,
    /// When DTLS itself is due.
    due: Instant,
    opening: SctpOpening,
}

impl DtlsInstance for Handshake {
    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        match self.inner.poll_output(buffer) {
            DtlsOutput::Timeout(at) => {
                let earliest = self.woken_at.map(|woken_at| woken_at + SHORTEST_WAIT);
                self.due = earliest.map_or(at, |earliest| at.max(earliest));
                let opening = if self.opening.wants_clock() {
                    self.woken_at
                } else {
                    self.opening.poll_timeout()
                };
                DtlsOutput::Timeout(opening.map_or(self.due, |at| at.min(self.due)))
            }
            DtlsOutput::ApplicationData(packet) => {
                self.opening.handle_heard(packet);
                DtlsOutput::ApplicationData(packet)
            }
            output => output,
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        if let Some(packet) = self.opening.handle_timeout(now) {
            self.inner.send_application_data(&packet)?;
        }
        if now < self.due {
            return Ok(());
        }
        self.woken_at = Some(now);
        self.due = now + SHORTEST_WAIT;
        self.inner.handle_timeout(now)
    }

    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.opening.handle_sent(data);
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
