//! The life of a server: everything is proven and bound first, then served, then drained.

use std::io;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control::{Control, Live, OpenError};
use crate::gate::{Gate, GateLimits};
use crate::http;
use crate::ice_servers::{IceServers, RelayPorts};
use crate::names::{MachineNames, Origins};
use crate::ports::{Ports, Routers, Serves};
use crate::settings::{Limits, Settings, TlsMode};
use crate::site::{Site, SiteDirectory};
use crate::telemetry::Telemetry;
use crate::tls::{ALPN_HTTP, ALPN_TURN, TlsError, TlsIdentity, TlsSwitch};
use crate::{admin, files, log, metrics, secrets, signalling_loop, turn_loop};

mod listeners;
mod reload;
mod terminal;

use listeners::Listeners;
pub use terminal::run;

/// The registry of a server that does not run.
///
/// # Errors
/// What keeps the server from starting too.
pub(crate) async fn offline(settings: &Settings) -> Result<Control, StartError> {
    files::create_private_dir(&settings.data_dir).map_err(StartError::DataDir)?;
    let names = MachineNames::read();
    let identity = TlsIdentity::load(&settings.http.tls, &settings.data_dir, &names)?;
    let port = settings
        .http
        .listen
        .first()
        .map_or(0, std::net::SocketAddr::port);
    let origins = origins(settings, identity.as_ref(), port);
    Ok(Control::open(settings, Arc::new(origins)).await?)
}

/// How long sockets and connections may take to end.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory is not usable.
    #[error("data_dir: {0}")]
    DataDir(io::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({key}): {error}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
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
    /// The TURN loop did not start.
    #[error("cannot start the relay: {0}")]
    Turn(io::Error),
}

/// A server that serves.
#[derive(Debug)]
pub struct Running {
    site: Arc<Site>,
    turn: turn_loop::TurnHandle,
    ports: Arc<Ports>,
    tls: Option<Arc<TlsSwitch>>,
    listening: Vec<(&'static str, String)>,
    tasks: TaskTracker,
}

/// Starts a server. Nothing is served until everything is bound.
///
/// # Errors
/// The first thing that cannot be had.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    log::install(&settings.log);
    let recorder = metrics::install();
    files::create_private_dir(&settings.data_dir).map_err(StartError::DataDir)?;
    let names = MachineNames::read();
    let identity = TlsIdentity::load(&settings.http.tls, &settings.data_dir, &names)?;
    let listeners = Listeners::bind(&settings).await?;
    let origins = Arc::new(origins(&settings, identity.as_ref(), listeners.http_port()));
    let turn_secrets = secrets::turn_secrets(&settings.turn.secrets, &settings.data_dir);
    let turn_secrets = turn_secrets.map_err(StartError::DataDir)?;
    let turn = turn_loop::spawn(turn_settings(
        &settings,
        &names,
        &listeners,
        turn_secrets.clone(),
    ));
    let turn = turn.await.map_err(StartError::Turn)?;
    let ice = IceServers {
        own: relay_ports(&settings, &listeners),
        secrets: turn_secrets,
        ttl: settings.turn.credential_ttl,
        stun_urls: settings.stun_urls.clone(),
        external: settings.turn.external.clone(),
        lan_address: names.addresses.first().copied(),
    };
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let site = site(
        settings,
        origins.clone(),
        ice,
        &turn,
        identity.as_ref(),
        &stop,
    )
    .await?;
    let tls = identity
        .as_ref()
        .map(|identity| identity.server_config(&[ALPN_HTTP, ALPN_TURN]));
    let tls = tls
        .transpose()?
        .map(|config| Arc::new(TlsSwitch::new(config)));
    let ports = Arc::new(Ports {
        gate: site.gate.clone(),
        tls: tls.clone(),
        routers: Routers {
            site: http::router(site.clone()),
            redirect: http::redirect::router(origins),
            refusal: http::refusal_router(),
        },
        turn: turn.clone(),
        limits: site.settings.limits.clone(),
        trusted_proxies: site.settings.http.trusted_proxies.clone(),
        stop,
        tasks,
    });
    let listening = listeners.described();
    let running = Running {
        site,
        turn,
        tasks: ports.tasks.clone(),
        ports,
        tls,
        listening,
    };
    running.serve(listeners, recorder).await?;
    Ok(running)
}

impl Running {
    /// The origin to open.
    pub fn origin(&self) -> &str {
        self.site.origins.invite()
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
        let drained = tokio::time::timeout(DRAIN_LIMIT, self.site.signalling.drain()).await;
        self.site.stop.cancel();
        self.tasks.close();
        let ended = tokio::time::timeout(DRAIN_LIMIT, self.tasks.wait()).await;
        if drained.is_err() || ended.is_err() {
            tracing::warn!("some connections did not end in {DRAIN_LIMIT:?} and are cut");
        }
        self.turn.shutdown().await;
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
        for listener in listeners.http {
            self.tasks
                .spawn(self.ports.clone().accept(listener, Serves::HttpAndTurn));
        }
        for listener in listeners.turn {
            self.tasks
                .spawn(self.ports.clone().accept(listener, Serves::TurnOnly));
        }
        Ok(())
    }
}

async fn site(
    settings: Settings,
    origins: Arc<Origins>,
    ice: IceServers,
    turn: &turn_loop::TurnHandle,
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
    });
    let limits = &settings.limits;
    Ok(Arc::new(Site {
        telemetry: Telemetry::new(limits.telemetry_per_minute),
        gate: Gate::new(GateLimits {
            connects_per_minute: limits.connects_per_ip_per_minute,
            open_per_address: limits.sockets_per_ip,
            unauthenticated: limits.unauthenticated_sockets,
        }),
        ca_pem: identity.and_then(|identity| identity.ca_pem.clone()),
        settings: Arc::new(settings),
        stop: stop.clone(),
        origins,
        control,
        signalling,
        ice,
    }))
}

fn hub_limits(limits: &Limits) -> signalling::Limits {
    signalling::Limits {
        messages_burst: limits.messages_burst,
        messages_per_second: limits.messages_per_second,
        sockets_per_account: limits.sockets_per_account,
        register_within: limits.authenticate_timeout,
        ..signalling::Limits::default()
    }
}

fn origins(settings: &Settings, identity: Option<&TlsIdentity>, port: u16) -> Origins {
    let hosts = identity
        .map(|identity| identity.hosts.clone())
        .unwrap_or_default();
    let is_tls = identity.is_some();
    let public = settings.http.public_origins.clone();
    match settings.http.tls {
        // Names of a certificate that somebody else vouches for are public.
        TlsMode::Files { .. } if public.is_empty() => {
            let named = Origins::of_listener(Vec::new(), &hosts, is_tls, port);
            Origins {
                public: named.lan,
                lan: Vec::new(),
                loopback: named.loopback,
            }
        }
        _ => Origins::of_listener(public, &hosts, is_tls, port),
    }
}

fn relay_ports(settings: &Settings, listeners: &Listeners) -> Option<RelayPorts> {
    let http_port = listeners.http_port();
    let tcp = if settings.http.behind_proxy {
        listeners.turn_tcp_port()
    } else {
        Some(http_port)
    };
    let has_trusted_name = matches!(settings.http.tls, TlsMode::Files { .. });
    Some(RelayPorts {
        udp: listeners.turn_udp_port()?,
        tcp: tcp.unwrap_or(http_port),
        tls: has_trusted_name.then_some(http_port),
    })
}

fn turn_settings(
    settings: &Settings,
    names: &MachineNames,
    listeners: &Listeners,
    secrets: Vec<String>,
) -> turn_loop::TurnSettings {
    let (turn, limits) = (&settings.turn, &settings.limits);
    let relay_ips = if turn.relay_ips.is_empty() {
        names.addresses.clone()
    } else {
        turn.relay_ips.clone()
    };
    let unlimited = |bytes: u64| (bytes > 0).then_some(bytes);
    turn_loop::TurnSettings {
        udp: listeners.udp.clone(),
        relay_ips,
        external_ips: turn.external_ips.clone(),
        relay_ports: turn.relay_ports.clone(),
        realm: turn.realm.clone(),
        secrets,
        allow_peers: turn.allow_peers.clone(),
        media_addrs: settings.media_listen.clone(),
        limits: turn::Limits {
            allocations_per_id: limits.turn_allocations_per_device,
            allocations_total: limits.turn_allocations,
            allocation_bytes_per_sec: unlimited(limits.turn_bytes_per_second),
            total_bytes_per_sec: unlimited(limits.turn_bytes_per_second_total),
            ..turn::Limits::default()
        },
    }
}
