//! Client of the server's HTTP API and of its WebSockets (`docs/protocol.md`, HTTP and
//! WebSockets), for one server and one device.
//!
//! One TCP connection is kept: the request for a token and the upgrade to the socket that it
//! opens share it, which saves a link two round trips.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hyper::{Method, StatusCode};
use identity::sign_assertion;
use protocol::http::telemetry::Report;
use protocol::http::{
    Devices, NewPair, Pair, Pairs, ServerInfo, SetupReply, SetupRequest, TokenReply, TokenRequest,
};
use protocol::id::PairId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::device::{Device, random};
use crate::device_keys::DeviceKeys;
use connection::Connector;
pub use error::{ApiError, TrustError};
pub(crate) use reach::{NotReached, Reached, Secured};
pub use socket::{Received, Socket, SocketLost};
pub use trust::Trust;
pub(crate) use trust::Voucher;

mod connection;
mod error;
mod reach;
mod socket;
mod trust;

/// A cached token is asked for anew when it has less than this left.
const RENEW_BEFORE: Duration = Duration::from_secs(30);

/// The API of one server, for one device. Every method may be called from any task.
#[derive(Debug)]
pub struct ServerApi {
    connector: Connector,
    device: Arc<DeviceKeys>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` is the account's token.
    tokens: BTreeMap<Option<PairId>, CachedToken>,
    /// Server clock minus ours, once the server was asked. Until then ours is believed.
    clock_offset_ms: Option<i64>,
}

#[derive(Debug)]
struct CachedToken {
    reply: TokenReply,
    expires: Instant,
}

impl ServerApi {
    /// A client of the server at `origin`. Nothing is connected yet.
    ///
    /// # Errors
    /// An origin that is none, or plain HTTP to another machine.
    pub fn new(origin: &str, device: Arc<DeviceKeys>, trust: Trust) -> Result<Self, ApiError> {
        Ok(Self {
            connector: Connector::new(origin, trust)?,
            device,
            state: Mutex::default(),
        })
    }

    /// A client that trusts what `device` pinned when it paired, or `ca_pem` alone where given.
    ///
    /// # Errors
    /// As [`ServerApi::new`]; the pin or `ca_pem` cannot be read.
    pub fn for_device(
        origin: &str,
        device: &Device,
        ca_pem: Option<&[u8]>,
    ) -> Result<Self, ApiError> {
        let trust = match ca_pem {
            Some(pem) => Trust::only(pem)?,
            None => Trust::pinned(device.store(), origin)?,
        };
        Self::new(origin, Arc::clone(device.keys()), trust)
    }

    /// The origin it speaks to.
    pub fn origin(&self) -> &str {
        self.connector.origin()
    }

    /// The device it speaks for.
    pub fn device(&self) -> &Arc<DeviceKeys> {
        &self.device
    }

    /// The TLS configuration of this server's trust, for TURN over TLS on the same machine.
    pub fn tls_config(&self) -> Arc<rustls::ClientConfig> {
        self.connector.tls_config()
    }

    /// PEM of the authority to pin, for [`crate::store::Store::put_server`]: the one that was given,
    /// pinned before, or believed on first use. `None` where public roots vouch.
    pub fn authority(&self) -> Option<String> {
        self.connector.authority()
    }

    /// What the server says about itself; also sets the clock offset.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn server_info(&self) -> Result<ServerInfo, ApiError> {
        let info: ServerInfo = self.get("/api/server", None).await?;
        // Late by the way back, which nothing here is fine enough to notice.
        let [theirs, ours] = [info.now, unix_ms()].map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        let offset_ms = theirs.saturating_sub(ours);
        self.state.lock().await.clock_offset_ms = Some(offset_ms);
        Ok(info)
    }

    /// The server's time now, in Unix milliseconds, by the offset that was last learnt.
    pub async fn server_now_ms(&self) -> u64 {
        let offset_ms = self.state.lock().await.clock_offset_ms.unwrap_or(0);
        unix_ms().saturating_add_signed(offset_ms)
    }

    /// Server clock minus this device's, in milliseconds; asks the server the first time.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn clock_offset_ms(&self) -> Result<i64, ApiError> {
        let known = self.state.lock().await.clock_offset_ms;
        if let Some(offset_ms) = known {
            return Ok(offset_ms);
        }
        self.server_info().await?;
        Ok(self.state.lock().await.clock_offset_ms.unwrap_or(0))
    }

    /// Redeems the secret of a setup or account link: this device gets an account.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn set_up(&self, secret: &str) -> Result<SetupReply, ApiError> {
        self.with_assertion(|assertion| {
            let body = SetupRequest {
                secret: secret.to_owned(),
                record: self.device.record().clone(),
                assertion,
            };
            async move { self.post("/api/setup", None, &body).await }
        })
        .await
    }

    /// A token for this API, cached until shortly before it expires.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn account_token(&self) -> Result<String, ApiError> {
        Ok(self.token(None).await?.token)
    }

    /// As [`ServerApi::account_token`], with all that came with it, asking the server in any case.
    pub(crate) async fn fresh_account_token(&self) -> Result<TokenReply, ApiError> {
        self.state.lock().await.tokens.remove(&None);
        self.token(None).await
    }

    /// Connects once, to see how far that gets.
    pub(crate) async fn reach(&self) -> Result<Reached, NotReached> {
        self.connector.reach().await
    }

    /// A token for one pair's signalling with the ICE servers to use, cached.
    ///
    /// # Errors
    /// Each of [`ApiError`]; refused where the server does not know the pair, or revoked it.
    pub async fn link_token(&self, pair: &PairId) -> Result<TokenReply, ApiError> {
        self.token(Some(pair.clone())).await
    }

    /// As [`ServerApi::link_token`], asking the server in any case.
    ///
    /// # Errors
    /// As [`ServerApi::link_token`].
    pub async fn fresh_link_token(&self, pair: &PairId) -> Result<TokenReply, ApiError> {
        self.state.lock().await.tokens.remove(&Some(pair.clone()));
        self.link_token(pair).await
    }

    /// The account's devices.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn devices(&self) -> Result<Devices, ApiError> {
        let token = self.account_token().await?;
        self.get("/api/devices", Some(&token)).await
    }

    /// The account's pairs.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn pairs(&self) -> Result<Pairs, ApiError> {
        let token = self.account_token().await?;
        self.get("/api/pairs", Some(&token)).await
    }

    /// Has the server store a pair that both devices signed.
    ///
    /// # Errors
    /// Each of [`ApiError`]. Without a reply the server may have stored it all the same.
    pub async fn add_pair(&self, pair: &NewPair) -> Result<Pair, ApiError> {
        let token = self.account_token().await?;
        self.post("/api/pairs", Some(&token), pair).await
    }

    /// Revokes a pair at once.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn revoke_pair(&self, pair: &PairId) -> Result<(), ApiError> {
        let token = self.account_token().await?;
        let path = format!("/api/pairs/{pair}");
        self.request(Method::DELETE, &path, Some(&token), Vec::new())
            .await
            .map(|_| ())
    }

    /// Reports a link's life and figures.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn post_telemetry(&self, pair: &PairId, report: &Report) -> Result<(), ApiError> {
        let token = self.link_token(pair).await?.token;
        let body = serde_json::to_vec(report).expect("a report has string keys only");
        self.request(Method::POST, "/api/telemetry", Some(&token), body)
            .await
            .map(|_| ())
    }

    /// The network changed: the next request goes over another connection.
    pub async fn forget_connection(&self) {
        self.connector.forget_connection().await;
    }

    /// Opens `/api/signal` with a link token.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn open_signal(&self, link_token: &str) -> Result<Socket, ApiError> {
        self.connector
            .open_socket("/api/signal", Some(link_token))
            .await
    }

    /// Opens a rendezvous: the inviter with its account token, the joiner without.
    ///
    /// # Errors
    /// Each of [`ApiError`].
    pub async fn open_rendezvous(
        &self,
        rendezvous: &str,
        account_token: Option<&str>,
    ) -> Result<Socket, ApiError> {
        let path = format!("/api/pairing/{rendezvous}");
        self.connector.open_socket(&path, account_token).await
    }

    async fn token(&self, pair: Option<PairId>) -> Result<TokenReply, ApiError> {
        if let Some(cached) = self.state.lock().await.tokens.get(&pair)
            && cached.expires > Instant::now() + RENEW_BEFORE
        {
            return Ok(cached.reply.clone());
        }
        let asked = Instant::now();
        let reply: TokenReply = self
            .with_assertion(|assertion| {
                let body = TokenRequest {
                    pair_id: pair.clone(),
                    scope: None,
                    assertion,
                };
                async move { self.post("/api/auth/webrtc-token", None, &body).await }
            })
            .await?;
        let cached = CachedToken {
            reply: reply.clone(),
            expires: asked + Duration::from_secs(reply.expires_in),
        };
        self.state.lock().await.tokens.insert(pair, cached);
        Ok(reply)
    }

    /// Makes a call that carries an assertion. This device's clock is believed until the server
    /// refuses it; then the server is asked the time, once.
    async fn with_assertion<T, F>(&self, call: impl Fn(String) -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        match call(self.assertion().await).await {
            Err(error) if error.is_about_clocks() => {
                self.server_info().await?;
                call(self.assertion().await).await
            }
            outcome => outcome,
        }
    }

    /// The audience is the origin we speak to, never one that the server names: else a false
    /// server could collect assertions for another.
    async fn assertion(&self) -> String {
        let now_s = self.server_now_ms().await / 1000;
        sign_assertion(self.device.signing(), self.origin(), now_s, random())
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
    ) -> Result<T, ApiError> {
        let reply = self.request(Method::GET, path, token, Vec::new()).await?;
        self.read(&reply)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let body = serde_json::to_vec(body).expect("bodies have string keys only");
        let reply = self.request(Method::POST, path, token, body).await?;
        self.read(&reply)
    }

    fn read<T: DeserializeOwned>(&self, reply: &[u8]) -> Result<T, ApiError> {
        serde_json::from_slice(reply).map_err(|_| ApiError::NotHeliograph {
            origin: self.origin().to_owned(),
        })
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, ApiError> {
        let (status, body) = self.connector.request(method, path, token, body).await?;
        if status.is_success() {
            return Ok(body);
        }
        if status == StatusCode::UNAUTHORIZED {
            // The server may have turned its keys; the next call then asks for a fresh token.
            self.state.lock().await.tokens.clear();
        }
        Err(ApiError::refused(status, &body))
    }
}

/// This device's clock, in Unix milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
