//! The `/api/signal` socket of one pair: it reconnects by itself with fresh tokens and jittered
//! waits, renews its token in band, and stops for good when replaced or revoked.

use std::sync::Arc;
use std::time::Duration;

use protocol::close::CloseCode;
use protocol::id::PairId;
use protocol::signal::{Auth, ClientMessage, ServerMessage};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

use crate::device::random;
use crate::link::EndedBy;
use crate::server_api::{ApiError, Received, ServerApi, Socket};

/// The first wait before another socket; the next ones double, each drawn from its upper half.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// After too many messages.
const TOO_MANY_WAIT: Duration = Duration::from_secs(60);
/// A token is renewed when it has this long left.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// What the server says, and how its socket fares.
#[derive(Debug)]
pub(super) enum SignalEvent {
    Message(Box<ServerMessage>),
    Lost(String),
    Ended(EndedBy),
}

/// One pair's signalling; run it as a task.
pub(super) struct Signalling {
    pub(super) api: Arc<ServerApi>,
    pub(super) pair: PairId,
    /// What to send; dropped while there is no connection, for the core says it again.
    pub(super) outgoing: mpsc::Receiver<ClientMessage>,
    pub(super) events: mpsc::Sender<SignalEvent>,
    /// The network changed: a socket over the old one is worth nothing.
    pub(super) reconnect: Arc<Notify>,
}

/// Why a socket ended.
enum End {
    Closed(u16),
    NetworkChanged,
    /// The link itself is gone.
    Over,
}

impl Signalling {
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            let connected = tokio::select! {
                connected = self.connect() => connected,
                () = self.reconnect.notified() => {
                    self.api.forget_connection().await;
                    continue;
                }
                () = self.events.closed() => return,
            };
            let wait = match connected {
                Ok((socket, expires)) => match self.carry(socket, expires, &mut failures).await {
                    End::Over => return,
                    End::NetworkChanged => {
                        self.api.forget_connection().await;
                        continue;
                    }
                    End::Closed(code) => match self.after(code).await {
                        Some(wait) => wait.unwrap_or_else(|| pause(&mut failures)),
                        None => return,
                    },
                },
                Err(error) if error.code() == Some("revoked") => {
                    let _ = self.events.send(SignalEvent::Ended(EndedBy::Revoked)).await;
                    return;
                }
                Err(error) => {
                    let lost = SignalEvent::Lost(error.to_string());
                    if self.events.send(lost).await.is_err() {
                        return;
                    }
                    pause(&mut failures)
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.reconnect.notified() => self.api.forget_connection().await,
                () = self.events.closed() => return,
            }
        }
    }

    async fn connect(&self) -> Result<(Socket, Instant), ApiError> {
        let reply = self.api.fresh_link_token(&self.pair).await?;
        let expires = Instant::now() + Duration::from_secs(reply.expires_in);
        Ok((self.api.open_signal(&reply.token).await?, expires))
    }

    async fn carry(&mut self, mut socket: Socket, expires: Instant, failures: &mut u32) -> End {
        let mut renew_at = expires - RENEW_BEFORE;
        loop {
            tokio::select! {
                received = socket.receive() => match received {
                    Received::Closed(code) => return End::Closed(code),
                    Received::Text(text) => {
                        *failures = 0;
                        // A message of a newer server is no reason to fall out.
                        let Ok(message) = serde_json::from_str(&text) else { continue };
                        let event = SignalEvent::Message(Box::new(message));
                        if self.events.send(event).await.is_err() {
                            return End::Over;
                        }
                    }
                },
                message = self.outgoing.recv() => {
                    let Some(message) = message else {
                        socket.close().await;
                        return End::Over;
                    };
                    // Where it fails, `receive` says with which code.
                    let _ = socket.send(encode(&message)).await;
                }
                () = sleep_until(renew_at) => {
                    renew_at = self.renew(&mut socket).await;
                }
                () = self.reconnect.notified() => return End::NetworkChanged,
            }
        }
    }

    /// Without a fresh token the server closes with 4401, and connecting again asks anew.
    async fn renew(&self, socket: &mut Socket) -> Instant {
        match self.api.fresh_link_token(&self.pair).await {
            Ok(reply) => {
                let auth = ClientMessage::Auth(Auth { token: reply.token });
                let _ = socket.send(encode(&auth)).await;
                Instant::now() + Duration::from_secs(reply.expires_in) - RENEW_BEFORE
            }
            Err(_) => Instant::now() + RENEW_BEFORE,
        }
    }

    /// How long to wait after a close (none: as after any failure), or nothing where it is over.
    async fn after(&self, code: u16) -> Option<Option<Duration>> {
        let ended = |by| SignalEvent::Ended(by);
        let event = if code == CloseCode::Replaced.number() {
            ended(EndedBy::Replaced)
        } else if code == CloseCode::Revoked.number() {
            ended(EndedBy::Revoked)
        } else {
            SignalEvent::Lost(format!("the connection to the server ended ({code})"))
        };
        let is_over = matches!(event, SignalEvent::Ended(_));
        let is_heard = self.events.send(event).await.is_ok();
        let too_many = code == CloseCode::RateLimited.number();
        (is_heard && !is_over).then(|| too_many.then_some(TOO_MANY_WAIT))
    }
}

fn encode(message: &ClientMessage) -> String {
    serde_json::to_string(message).expect("a message has string keys only")
}

fn pause(failures: &mut u32) -> Duration {
    let longest = FIRST_WAIT
        .saturating_mul(1 << (*failures).min(8))
        .min(LONGEST_WAIT);
    *failures += 1;
    let share = f64::from(u32::from_be_bytes(random())) / f64::from(u32::MAX);
    longest.mul_f64(0.5 + share / 2.0)
}
