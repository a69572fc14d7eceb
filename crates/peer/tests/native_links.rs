//! Two native devices link through a real server over real sockets: directly, and over its relay
//! by UDP, TCP and TLS.

#![allow(clippy::disallowed_types, reason = "a test asks for a free port")]

use std::path::Path as FilePath;
use std::time::Duration;

use identity::pair_id;
use peer::ctl::CtlEvent;
use peer::device::{Device, DeviceProfile};
use peer::link::{Event, IcePolicy, Path, PathEnd, Phase};
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
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    running: Running,
    devices: [Device; 2],
    pair: PairId,
    /// Deleted with the stage.
    _homes: TempDir,
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
    async fn start() -> Self {
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
            devices,
            pair,
            _homes: homes,
        }
    }

    fn link(&self, at: usize, options: LinkOptions) -> Link {
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
async fn wait_for<T>(link: &mut Link, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
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

async fn text(link: &mut Link) -> String {
    wait_for(link, |event| match event {
        Event::Talk(CtlEvent::Text(text)) => Some(text.clone()),
        _ => None,
    })
    .await
}

async fn path(link: &mut Link) -> Path {
    wait_for(link, |event| match event {
        Event::Path(path) => Some(*path),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn two_devices_talk_over_a_direct_path() {
    let stage = Stage::start().await;
    let (mut ada, mut bob) = (
        stage.link(0, LinkOptions::default()),
        stage.link(1, LinkOptions::default()),
    );
    timeout(PATIENCE, ada.say("hello"))
        .await
        .expect("in time")
        .expect("delivered");
    assert_eq!(path(&mut ada).await.local, PathEnd::Host);
    assert_eq!(text(&mut bob).await, "hello");
    timeout(PATIENCE, bob.say("back"))
        .await
        .expect("in time")
        .expect("delivered");
    assert_eq!(text(&mut ada).await, "back");
    ada.close("done").await;
    wait_for(&mut bob, |event| {
        (*event == Event::Phase(Phase::Waiting)).then_some(())
    })
    .await;
    stage.running.stop().await;
}

#[tokio::test]
async fn two_devices_talk_over_relays_alone() {
    let stage = Stage::start().await;
    let options = LinkOptions {
        policy: IcePolicy::Relay,
        ..LinkOptions::default()
    };
    let (mut ada, mut bob) = (stage.link(0, options.clone()), stage.link(1, options));
    timeout(PATIENCE, ada.say("hello"))
        .await
        .expect("in time")
        .expect("delivered");
    let path = path(&mut ada).await;
    assert_eq!(path.local, PathEnd::Relayed, "{path:?}");
    assert_eq!(text(&mut bob).await, "hello");
    stage.running.stop().await;
}

#[tokio::test]
async fn a_second_link_of_a_device_replaces_the_first() {
    let stage = Stage::start().await;
    let mut first = stage.link(0, LinkOptions::default());
    wait_for(&mut first, |event| {
        (*event == Event::Phase(Phase::Waiting)).then_some(())
    })
    .await;
    let _second = stage.link(0, LinkOptions::default());
    let replaced = Event::Phase(Phase::Ended(peer::link::EndedBy::Replaced));
    wait_for(&mut first, |event| (*event == replaced).then_some(())).await;
    assert_eq!(
        timeout(PATIENCE, first.next()).await.expect("in time"),
        None
    );
    stage.running.stop().await;
}
