//! The life of a server: everything is proven and bound first, then served, then drained.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control::{Control, Live, OpenError};
use crate::edges::Edges;
use crate::external_addresses::ExternalAddresses;
use crate::gate::{Gate, GateLimits};
use crate::http;
use crate::http::streams::EventStreams;
use crate::ice_servers::IceServers;
use crate::names::{MachineNames, Origins};
use crate::ports::{Ports, Routers, Serves};
use crate::recording::Recordings;
use crate::settings::Settings;
use crate::site::{Site, SiteDirectory};
use crate::telemetry::Telemetry;
use crate::tickets::Tickets;
use crate::tls::{ALPN_HTTP, ALPN_TURN, TlsError, TlsIdentity, TlsSwitch};
use crate::{admin, files, log, metrics, random, recording, secrets, signalling_loop, udp_loop};

mod derived;
mod listeners;
mod offline;
mod reload;
mod terminal;

use derived::{gateway_settings, hub_limits, ice_servers, origins, turn_settings};
use listeners::Listeners;
pub use offline::offline;
pub use terminal::run;

/// How long sockets and connections may take to end.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);
/// How often used assertions that expired are forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory is not usable.
    #[error("data_dir: {0}")]
    DataDir(io::Error),
    /// Two servers would answer for one registry.
    #[error("another helio serves {0} (data_dir)")]
    Taken(std::path::PathBuf),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({key}): {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The key that names it.
        key: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No registry.
    #[error(transparent)]
    Registry(#[from] OpenError),
    /// The thread that writes recordings did not start.
    #[error("cannot record: {0}")]
    Recording(io::Error),
    /// The TURN loop did not start.
    #[error("cannot start the relay: {0}")]
    Turn(io::Error),
}

/// A server that serves.
#[derive(Debug)]
pub struct Running {
    site: Arc<Site>,
    turn: udp_loop::TurnHandle,
    ports: Arc<Ports>,
    tls: Option<Arc<TlsSwitch>>,
    listening: Vec<(&'static str, String)>,
    http_addresses: Vec<SocketAddr>,
    plain_addresses: Vec<SocketAddr>,
    tasks: TaskTracker,
    /// Held as long as the server runs.
    _data_dir: std::fs::File,
}

/// Starts a server. Nothing is served until everything is bound.
///
/// # Errors
/// The first thing that cannot be had.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    log::install(&settings.log);
    let recorder = metrics::install();
    let data_dir = take_data_dir(&settings.data_dir)?;
    let names = MachineNames::read();
    let identity = TlsIdentity::load(&settings.http.tls, &settings.data_dir, &names)?;
    let listeners = Listeners::bind(&settings).await?;
    let origins = Arc::new(origins(&settings, identity.as_ref(), listeners.http_port()));
    let turn_secrets = secrets::turn_secrets(&settings.turn.secrets, &settings.data_dir);
    let turn_secrets = turn_secrets.map_err(StartError::DataDir)?;
    let (recordings, intake) =
        recording::spawn(settings.recording.clone()).map_err(StartError::Recording)?;
    let turn = udp_loop::spawn_recording(
        turn_settings(&settings, &names, &listeners, turn_secrets.clone()),
        gateway_settings(&settings, &names, &listeners),
        intake,
    );
    let turn = turn.await.map_err(StartError::Turn)?;
    let ice = ice_servers(&settings, &names, &listeners, turn_secrets);
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let loops = (&turn, recordings);
    let site = site(settings, origins, ice, loops, identity.as_ref(), &stop).await?;
    let tls = identity
        .map(|identity| identity.server_config(&[ALPN_HTTP, ALPN_TURN]))
        .transpose()?
        .map(|config| Arc::new(TlsSwitch::new(config)));
    let ports = Arc::new(ports(&site, tls.clone(), &turn, tasks));
    let listening = listeners.described();
    let running = Running {
        site,
        turn,
        tasks: ports.tasks.clone(),
        ports,
        tls,
        listening,
        http_addresses: listeners.http_addresses(),
        plain_addresses: listeners.plain_addresses(),
        _data_dir: data_dir,
    };
    running.serve(listeners, recorder).await?;
    Ok(running)
}

/// Creates the data directory and keeps others out of it.
fn take_data_dir(dir: &std::path::Path) -> Result<std::fs::File, StartError> {
    files::create_private_dir(dir).map_err(StartError::DataDir)?;
    files::lock_dir(dir).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => StartError::Taken(dir.to_owned()),
        _ => StartError::DataDir(error),
    })
}

impl Running {
    /// The origin to open.
    pub fn origin(&self) -> &str {
        self.site.origins.invite()
    }

    /// The TCP addresses of the one port, as bound.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.http_addresses
    }

    /// Where it watches without TLS and where the path list is, as bound; what is off is left out.
    pub fn plain_addresses(&self) -> &[SocketAddr] {
        &self.plain_addresses
    }

    /// A fresh setup link.
    ///
    /// # Errors
    /// What the registry says, for people.
    pub async fn setup_url(&self) -> Result<String, String> {
        let invite = self.site.control.setup_invite().await;
        invite
            .map(|invite| invite.url)
            .map_err(|refused| format!("{refused:?}"))
    }

    /// Tells clients where to go, then ends every connection. Bounded in time.
    pub async fn stop(self) {
        self.site.draining.cancel();
        let drained = tokio::time::timeout(DRAIN_LIMIT, self.site.signalling.drain()).await;
        self.site.stop.cancel();
        self.tasks.close();
        let ended = tokio::time::timeout(DRAIN_LIMIT, self.tasks.wait()).await;
        if drained.is_err() || ended.is_err() {
            tracing::warn!("some connections did not end in {DRAIN_LIMIT:?} and are cut");
        }
        self.turn.shutdown().await;
        self.site.recordings.stop().await;
        let socket = admin::socket_path(&self.site.settings.data_dir);
        if let Err(error) = std::fs::remove_file(socket) {
            tracing::debug!(%error, "admin socket was gone already");
        }
    }

    async fn serve(
        &self,
        listeners: Listeners,
        recorder: metrics_exporter_prometheus::PrometheusHandle,
    ) -> Result<(), StartError> {
        let settings = &self.site.settings;
        let stop = &self.site.stop;
        let socket = admin::bind(&settings.data_dir).map_err(StartError::DataDir)?;
        self.tasks.spawn(admin::serve(
            socket,
            self.site.control.clone(),
            stop.clone(),
        ));
        if let Some(address) = settings.metrics_listen
            && let Some(listener) = metrics::bind(address).await
        {
            let site = self.site.clone();
            let refresh = move || site.telemetry.refresh(std::time::Instant::now());
            self.tasks
                .spawn(metrics::serve(listener, recorder, refresh, stop.clone()));
        }
        self.tasks
            .spawn(forget_assertions(self.site.control.clone(), stop.clone()));
        for listener in listeners.http {
            self.tasks
                .spawn(self.ports.clone().accept(listener, Serves::HttpAndTurn));
        }
        if let Some(listener) = listeners.watching {
            self.tasks
                .spawn(self.ports.clone().accept(listener, Serves::Watching));
        }
        if let Some(listener) = listeners.path_list {
            self.tasks
                .spawn(self.ports.clone().accept(listener, Serves::PathList));
        }
        for listener in listeners.turn {
            self.tasks
                .spawn(self.ports.clone().accept(listener, Serves::TurnOnly));
        }
        Ok(())
    }
}

fn ports(
    site: &Arc<Site>,
    tls: Option<Arc<TlsSwitch>>,
    turn: &udp_loop::TurnHandle,
    tasks: TaskTracker,
) -> Ports {
    Ports {
        gate: site.gate.clone(),
        tls,
        routers: Routers {
            site: http::router(site.clone()),
            redirect: http::redirect::router(site.origins.clone()),
            watching: http::watching_router(site.clone()),
            path_list: http::path_list::router(site.clone()),
            refusal: http::refusal_router(),
        },
        turn: turn.clone(),
        limits: site.settings.limits.clone(),
        trusted_proxies: site.settings.http.trusted_proxies.clone(),
        stop: site.stop.clone(),
        tasks,
    }
}

/// Keeps the table of used assertions as short as their lifetime.
async fn forget_assertions(control: Arc<Control>, stop: CancellationToken) {
    let mut minutes = tokio::time::interval(PRUNE_EVERY);
    while stop.run_until_cancelled(minutes.tick()).await.is_some() {
        if let Err(error) = control.forget_assertions().await {
            tracing::warn!(%error, "used assertions are kept longer than needed");
        }
    }
}

async fn site(
    settings: Settings,
    origins: Arc<Origins>,
    ice: IceServers,
    (turn, recordings): (&udp_loop::TurnHandle, Recordings),
    identity: Option<&TlsIdentity>,
    stop: &CancellationToken,
) -> Result<Arc<Site>, StartError> {
    let control = Control::open(&settings, origins.clone()).await?;
    let control = Arc::new(control);
    let ice = Arc::new(RwLock::new(ice));
    let directory = SiteDirectory {
        control: control.clone(),
        ice: ice.clone(),
        origins: origins.clone(),
    };
    let (signalling, _owner) = signalling_loop::spawn(hub_limits(&settings.limits), directory);
    control.go_live(Live {
        signalling: signalling.clone(),
        turn: turn.clone(),
        media: turn.media(),
        recordings: recordings.clone(),
    });
    let media_external = ExternalAddresses::new(settings.media_external.clone());
    // What does not resolve is said at start.
    media_external.current(Instant::now()).await;
    if control.resume_recordings().await.is_err() {
        tracing::error!("streams are not recorded until the server starts again");
    }
    let limits = &settings.limits;
    Ok(Arc::new(Site {
        telemetry: Telemetry::new(limits.telemetry_per_minute),
        gate: Gate::new(GateLimits {
            connects_per_minute: limits.connects_per_ip_per_minute,
            open_per_address: limits.sockets_per_ip,
            unauthenticated: limits.unauthenticated_sockets,
        }),
        event_streams: EventStreams::default(),
        edges: Edges::spawn(settings.edges.clone(), turn.media(), stop.clone()),
        ca_pem: identity.and_then(|identity| identity.ca_pem.clone()),
        settings: Arc::new(settings),
        draining: CancellationToken::new(),
        stop: stop.clone(),
        media: turn.media(),
        media_external,
        recordings,
        tickets: Tickets::new(&random::bytes()),
        origins,
        control,
        signalling,
        ice,
    }))
}
