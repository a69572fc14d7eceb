//! Two native devices that are paired on a real server.

use std::path::Path as FilePath;
use std::time::Duration;

use identity::pair_id;
use peer::device::{Device, DeviceProfile};
use peer::link::Event;
use peer::server_api::{ServerApi, Trust};
use peer::store::{PairState, StoredPair};
use peer::{Link, LinkOptions};
use protocol::base64url::Base64Url;
use protocol::http::NewPair;
use protocol::id::PairId;
use protocol::record::{DeviceKind, PairStatement};
use server::Running;
use server::config::{Sources, read};
use server::settings::Settings;
use tempfile::TempDir;
use tokio::time::timeout;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Stage {
    pub(crate) running: Running,
    #[allow(dead_code, reason = "not every test speaks to the server itself")]
    pub(crate) devices: [Device; 2],
    #[allow(dead_code, reason = "not every test speaks to the server itself")]
    pub(crate) address: (String, u16),
    pair: PairId,
    /// Deleted with the stage.
    #[allow(dead_code, reason = "not every test writes files of its own")]
    pub(crate) homes: TempDir,
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("bound").port()
}

/// The address by which this machine's own programs reach it as others would.
fn own_address() -> String {
    let all = if_addrs::get_if_addrs().expect("interfaces are listed");
    let v4 = all
        .iter()
        .map(if_addrs::Interface::ip)
        .filter(std::net::IpAddr::is_ipv4);
    let (loopback, lan): (Vec<_>, Vec<_>) = v4.partition(std::net::IpAddr::is_loopback);
    lan.first()
        .or(loopback.first())
        .expect("loopback at least")
        .to_string()
}

async fn serve(data: &FilePath, host: &str, port: u16) -> Running {
    let settings = [
        ("data_dir", format!("{:?}", data.to_str().expect("utf-8"))),
        ("http.listen", format!("[\"{host}:{port}\"]")),
        (
            "http.public_origins",
            format!("[\"https://{host}:{port}\"]"),
        ),
        ("http.tls", "self-signed".to_owned()),
        ("turn.listen", "[]".to_owned()),
        ("turn.tls_listen", "[]".to_owned()),
        ("media.listen", format!("[\"{host}:{port}\"]")),
        ("metrics.listen", String::new()),
        ("log.level", "error".to_owned()),
    ];
    let sources = Sources {
        flags: settings
            .map(|(key, value)| (key.to_owned(), value))
            .to_vec(),
        ..Sources::default()
    };
    let settings = Settings::prove(read(&sources)).expect("the settings are right");
    server::start(settings).await.expect("a server starts")
}

impl Stage {
    /// A server and two devices that are paired on it.
    pub(crate) async fn start() -> Self {
        let homes = TempDir::new().expect("a temporary directory");
        let (host, port) = (own_address(), free_port());
        let running = serve(&homes.path().join("server"), &host, port).await;
        let origin = format!("https://{host}:{port}");
        let devices = ["ada", "bob"].map(|name| {
            let profile = DeviceProfile {
                name: name.to_owned(),
                kind: DeviceKind::Box,
                now_ms: 1_760_000_000_000,
            };
            Device::open_or_create(homes.path().join(name), &profile).expect("a device")
        });
        let pair = pair_up(&running, &origin, &devices).await;
        Self {
            running,
            address: (host, port),
            devices,
            pair,
            homes,
        }
    }

    /// What a program of its own needs to link as a device: its directory and the pair.
    #[allow(dead_code, reason = "not every test runs programs")]
    pub(crate) fn home_and_pair(&self, at: usize) -> [String; 2] {
        let home = self.devices[at].store().dir().to_str().expect("utf-8");
        [home.to_owned(), self.pair.as_str().to_owned()]
    }

    #[allow(dead_code, reason = "not every test links")]
    pub(crate) fn link(&self, at: usize, options: LinkOptions) -> Link {
        self.devices[at]
            .link(&self.pair, options)
            .expect("the pair is known")
    }
}

/// What a pairing leaves behind, without its conversation.
async fn pair_up(running: &Running, origin: &str, devices: &[Device; 2]) -> PairId {
    let trust = |device: &Device| Trust::on_first_use(device.store(), origin);
    let [ada, bob] = devices;
    let api = ServerApi::new(origin, ada.keys().clone(), trust(ada).expect("no pin yet"));
    let api = api.expect("an origin");
    let url = running.setup_url().await.expect("a setup link");
    let (_, secret) = url.split_once('#').expect("the secret is behind #");
    api.set_up(secret).await.expect("an account");
    let (low, high) = if ada.id() < bob.id() {
        (ada, bob)
    } else {
        (bob, ada)
    };
    let pair = pair_id([(low.id(), &[1; 32]), (high.id(), &[2; 32])]);
    let statement = PairStatement {
        pair_id: pair.clone(),
        a: low.id().clone(),
        b: high.id().clone(),
        time: 1_760_000_000_001,
    };
    let bytes = statement.signed_bytes();
    let new = NewPair {
        sig_a: low.keys().signing().sign(&bytes),
        sig_b: high.keys().signing().sign(&bytes),
        record_a: low.keys().record().clone(),
        record_b: high.keys().record().clone(),
        statement,
    };
    api.add_pair(&new)
        .await
        .expect("the server stores the pair");
    let pin = peer::store::PinnedServer {
        origin: origin.to_owned(),
        authority: api.authority(),
    };
    for (device, other) in [(ada, bob), (bob, ada)] {
        device.store().put_server(&pin).expect("kept");
        let stored = StoredPair {
            pair_id: pair.clone(),
            server: origin.to_owned(),
            peer: other.keys().record().clone(),
            secret: Base64Url([9; 32]),
            state: PairState::Paired,
            created: 1_760_000_000_001,
            kept: 1_760_000_000_001,
        };
        device.store().put_pair(&stored).expect("kept");
    }
    pair
}

/// Reads events until `pick` finds what it looks for.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) async fn wait_for<T>(link: &mut Link, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
    let waiting = async {
        loop {
            let event = link.next().await.expect("the link goes on");
            if let Some(found) = pick(&event) {
                return found;
            }
        }
    };
    timeout(PATIENCE, waiting).await.expect("in time")
}
