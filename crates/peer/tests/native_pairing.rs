//! Two native devices and a real server: set-up, pairing, trust, and pairs whose last message was
//! lost.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
#![allow(
    clippy::disallowed_types,
    reason = "a test looks for a free port itself"
)]

use std::path::Path;
use std::time::Duration;

use peer::device::{Device, DeviceProfile};
use peer::pairing::{self, JoinError, Pairing, Progress, Words, settle};
use peer::server_api::{ApiError, Received, ServerApi, Trust, TrustError};
use peer::store::{PairState, PinnedServer, StoredPair};
use protocol::base64url::Base64Url;
use protocol::id::PairId;
use protocol::invite_link::{PairingLink, SetupLink};
use protocol::record::DeviceKind;
use server::Running;
use server::config::{Sources, read};
use server::settings::Settings;
use tempfile::TempDir;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    running: Running,
    origin: String,
    port: u16,
    homes: TempDir,
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn serve(data: &Path, port: u16) -> Running {
    let settings = [
        ("data_dir", format!("{:?}", data.to_str().unwrap())),
        ("http.listen", format!("[\"127.0.0.1:{port}\"]")),
        (
            "http.public_origins",
            format!("[\"https://127.0.0.1:{port}\"]"),
        ),
        ("http.tls", "self-signed".to_owned()),
        ("turn.listen", "[]".to_owned()),
        ("turn.tls_listen", "[]".to_owned()),
        ("media.listen", "[\"127.0.0.1:0\"]".to_owned()),
        ("metrics.listen", String::new()),
        ("log.level", "error".to_owned()),
    ];
    let flags = settings.map(|(key, value)| (key.to_owned(), value));
    let sources = Sources {
        flags: flags.to_vec(),
        ..Sources::default()
    };
    let settings = Settings::prove(read(&sources)).expect("the settings are right");
    server::start(settings).await.expect("a server starts")
}

impl Stage {
    async fn start() -> Self {
        let homes = TempDir::new().unwrap();
        let port = free_port();
        let running = serve(&homes.path().join("server"), port).await;
        Self {
            running,
            origin: format!("https://127.0.0.1:{port}"),
            port,
            homes,
        }
    }

    fn device(&self, name: &str) -> Device {
        let profile = DeviceProfile {
            name: name.to_owned(),
            kind: DeviceKind::Box,
            now_ms: 1_760_000_000_000,
        };
        Device::open_or_create(self.homes.path().join(name), &profile).unwrap()
    }

    fn first_use(&self, device: &Device) -> ServerApi {
        let trust = Trust::on_first_use(device.store(), &self.origin).unwrap();
        ServerApi::new(&self.origin, device.keys().clone(), trust).unwrap()
    }

    fn pinned(&self, device: &Device) -> ServerApi {
        ServerApi::for_device(&self.origin, device, None).unwrap()
    }

    /// A device with an account, its server's authority pinned.
    async fn set_up(&self, name: &str) -> Device {
        let device = self.device(name);
        let url = self.running.setup_url().await.unwrap();
        let link: SetupLink = url.parse().unwrap();
        assert_eq!(link.origin, self.origin);
        let api = self.first_use(&device);
        api.set_up(&link.secret.to_string()).await.unwrap();
        let authority = api.authority();
        assert!(
            authority.is_some(),
            "the server's own authority was believed"
        );
        let origin = self.origin.clone();
        let server = PinnedServer { origin, authority };
        device.store().put_server(&server).unwrap();
        device
    }

    async fn invite(&self, device: &Device) -> (Pairing, PairingLink) {
        let api = self.pinned(device);
        pairing::invite(device.clone(), api).await.unwrap()
    }

    async fn join(&self, device: &Device, link: &PairingLink) -> Result<Pairing, JoinError> {
        pairing::join(device.clone(), self.first_use(device), link.clone()).await
    }
}

/// The first progress that `found` takes; another end than that fails the test.
async fn until<T>(pairing: &mut Pairing, found: impl Fn(Progress) -> Option<T>) -> T {
    let search = async {
        loop {
            let progress = pairing.next().await.expect("the pairing goes on");
            let text = format!("{progress:?}");
            if let Some(found) = found(progress) {
                return found;
            }
            assert!(!text.starts_with("Failed"), "{text}");
        }
    };
    let found = tokio::time::timeout(PATIENCE, search).await;
    found.expect("in time")
}

async fn words(joiner: &mut Pairing) -> Words {
    until(joiner, |progress| match progress {
        Progress::Showing { words, .. } => Some(words),
        _ => None,
    })
    .await
}

async fn sets(inviter: &mut Pairing) -> [Words; 3] {
    until(inviter, |progress| match progress {
        Progress::Choosing { sets, .. } => Some(sets),
        _ => None,
    })
    .await
}

async fn paired(pairing: &mut Pairing) -> PairId {
    until(pairing, |progress| match progress {
        Progress::Paired(pair) => Some(pair.pair_id),
        _ => None,
    })
    .await
}

async fn failed(pairing: &mut Pairing) -> String {
    until(pairing, |progress| match progress {
        Progress::Failed(error) => Some(error.code),
        _ => None,
    })
    .await
}

/// Pairs, as two people do.
async fn pair(stage: &Stage, inviting: &Device, joining: &Device) -> PairId {
    let (mut inviter, link) = stage.invite(inviting).await;
    let mut joiner = stage.join(joining, &link).await.unwrap();
    let (shown, sets) = (words(&mut joiner).await, sets(&mut inviter).await);
    let right = sets.iter().position(|set| *set == shown);
    inviter.choose(right.expect("one set is right")).await;
    let (ours, theirs) = (paired(&mut inviter).await, paired(&mut joiner).await);
    assert_eq!(ours, theirs);
    ours
}

#[tokio::test]
async fn two_native_devices_pair_and_reach_their_link() {
    let stage = Stage::start().await;
    let laptop = stage.set_up("laptop").await;
    let garage = stage.device("garage");
    let pair = pair(&stage, &laptop, &garage).await;
    for device in [&laptop, &garage] {
        let kept = device.store().pair(&pair).unwrap().unwrap();
        assert_eq!(kept.state, PairState::Paired);
        assert_eq!(kept.server, stage.origin);
        // The pin alone is enough from here on.
        let api = stage.pinned(device);
        let listed = api.pairs().await.unwrap().pairs;
        assert_eq!((listed.len(), &listed[0].pair_id), (1, &pair));
        let token = api.link_token(&pair).await.unwrap();
        let mut socket = api.open_signal(&token.token).await.unwrap();
        let Received::Text(first) = socket.receive().await else {
            panic!("ready is due");
        };
        assert!(first.contains("ready"), "{first}");
        socket.close().await;
    }
    let kept = [&laptop, &garage].map(|device| device.store().pair(&pair).unwrap().unwrap());
    assert_eq!(kept[0].secret, kept[1].secret);
    let names = kept.each_ref().map(|pair| pair.peer.name.as_str());
    assert_eq!(names, ["garage", "laptop"]);
    stage.running.stop().await;
}

#[tokio::test]
async fn a_link_serves_once_and_wrong_words_burn_it() {
    let stage = Stage::start().await;
    let laptop = stage.set_up("laptop").await;
    let (garage, attic) = (stage.device("garage"), stage.device("attic"));
    let (mut inviter, link) = stage.invite(&laptop).await;
    let mut joiner = stage.join(&garage, &link).await.unwrap();
    let (shown, sets) = (words(&mut joiner).await, sets(&mut inviter).await);
    let mut second = stage.join(&attic, &link).await.unwrap();
    assert_eq!(failed(&mut second).await, "busy");
    let right = sets.iter().position(|set| *set == shown).unwrap();
    inviter.choose((right + 1) % 3).await;
    assert_eq!(failed(&mut inviter).await, "wrong-words");
    assert_eq!(failed(&mut joiner).await, "burnt");
    let mut late = stage.join(&attic, &link).await.unwrap();
    assert_eq!(failed(&mut late).await, "unknown-invite");
    for device in [&laptop, &garage, &attic] {
        assert_eq!(device.store().pairs().unwrap(), []);
    }
    assert_eq!(stage.pinned(&laptop).pairs().await.unwrap().pairs, []);
    stage.running.stop().await;
}

#[tokio::test]
async fn a_link_that_is_too_old_by_the_servers_clock_is_refused() {
    let stage = Stage::start().await;
    let laptop = stage.set_up("laptop").await;
    let (_inviter, mut old) = stage.invite(&laptop).await;
    old.expiry_s = 1_760_000_000;
    match stage.join(&stage.device("garage"), &old).await {
        Err(JoinError::Pairing(error)) => assert_eq!(error.code, "invite-expired"),
        other => panic!("{other:?}"),
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn a_changed_authority_is_refused_with_the_remedy() {
    let stage = Stage::start().await;
    let laptop = stage.set_up("laptop").await;
    // Another machine answers at the address, or the same was set up anew.
    stage.running.stop().await;
    let other = stage.homes.path().join("other");
    let running = serve(&other, stage.port).await;
    let api = ServerApi::for_device(&stage.origin, &laptop, None).unwrap();
    let error = api.server_info().await.unwrap_err();
    let ApiError::Trust(TrustError::Changed { pin, .. }) = &error else {
        panic!("{error:?}");
    };
    let remedy = format!("delete {}", pin.display());
    assert!(error.to_string().contains(&remedy), "{error}");
    // Pairing does not go around it.
    let trust = Trust::on_first_use(laptop.store(), &stage.origin).unwrap();
    let api = ServerApi::new(&stage.origin, laptop.keys().clone(), trust).unwrap();
    assert!(matches!(api.server_info().await, Err(ApiError::Trust(_))));
    // Both remedies work.
    let pem = std::fs::read(other.join("tls/ca.pem")).unwrap();
    let api = ServerApi::for_device(&stage.origin, &laptop, Some(&pem)).unwrap();
    assert_eq!(api.server_info().await.unwrap().invite_origin, stage.origin);
    std::fs::remove_file(pin).unwrap();
    let api = ServerApi::for_device(&stage.origin, &laptop, None).unwrap();
    let unknown = api.server_info().await.unwrap_err();
    let is_unknown = matches!(unknown, ApiError::Trust(TrustError::Unknown { .. }));
    assert!(
        is_unknown,
        "without a pairing nobody is believed: {unknown}"
    );
    let trust = Trust::on_first_use(laptop.store(), &stage.origin).unwrap();
    let api = ServerApi::new(&stage.origin, laptop.keys().clone(), trust).unwrap();
    api.server_info().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_pair_whose_last_message_was_lost_is_settled_by_the_server() {
    let stage = Stage::start().await;
    let laptop = stage.set_up("laptop").await;
    let garage = stage.device("garage");
    let id = pair(&stage, &laptop, &garage).await;
    let store = garage.store();
    // Killed after the server stored the pair, before anybody said so …
    let mut known = store.pair(&id).unwrap().unwrap();
    known.state = PairState::Pending;
    store.put_pair(&known).unwrap();
    // … and killed before it did.
    let never = StoredPair {
        pair_id: PairId::from_bytes(&[9; 32]),
        secret: Base64Url([9; 32]),
        ..known.clone()
    };
    store.put_pair(&never).unwrap();
    // The other side may be about to have it stored.
    let api = stage.pinned(&garage);
    let open = settle(&garage, &api, never.kept + 29_999).await.unwrap();
    assert_eq!(open, std::slice::from_ref(&never.pair_id));
    assert_eq!(
        settle(&garage, &api, never.kept + 30_000).await.unwrap(),
        []
    );
    known.state = PairState::Paired;
    assert_eq!(store.pairs().unwrap(), [known]);
    // A server that does not answer says nothing.
    store.put_pair(&never).unwrap();
    stage.running.stop().await;
    let open = settle(&garage, &api, never.kept + 30_000).await.unwrap();
    assert_eq!(open, [never.pair_id]);
    assert_eq!(store.pairs().unwrap().len(), 2);
}

#[tokio::test]
async fn a_clock_that_is_off_is_set_by_the_servers() {
    let stage = Stage::start().await;
    let laptop = stage.set_up("laptop").await;
    let api = stage.pinned(&laptop);
    let offset_ms = api.clock_offset_ms().await.unwrap();
    assert!(
        offset_ms.abs() < 5_000,
        "one machine has one clock: {offset_ms}"
    );
    api.account_token().await.unwrap();
    stage.running.stop().await;
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    let dir = TempDir::new().unwrap();
    let profile = DeviceProfile {
        name: "laptop".to_owned(),
        kind: DeviceKind::Laptop,
        now_ms: 1,
    };
    let device = Device::open_or_create(dir.path(), &profile).unwrap();
    for (origin, is_refused) in [
        ("http://192.168.1.5:8080", true),
        ("http://helio.example", true),
        ("http://localhost:8080", false),
        ("http://127.0.0.1:8080", false),
    ] {
        let made = ServerApi::for_device(origin, &device, None);
        let refused = matches!(made, Err(ApiError::Unencrypted(_)));
        assert_eq!(refused, is_refused, "{origin}");
    }
}
