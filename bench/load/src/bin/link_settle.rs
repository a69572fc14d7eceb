//! Makes native devices that are paired with one: what pairings leave behind, without their
//! conversations.
//!
//! `link_settle origin=URL secret=OF_THE_SETUP_LINK homes=DIR count=PAIRS`; afterwards `DIR/hub`
//! is the home of the one device and `DIR/leaves/N` those of the others.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use identity::pair_id;
use load::Arguments;
use peer::device::{Device, DeviceProfile};
use peer::server_api::{ServerApi, Trust};
use peer::store::{PairState, PinnedServer, StoredPair};
use protocol::base64url::Base64Url;
use protocol::http::NewPair;
use protocol::record::{DeviceKind, PairStatement};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::of_process();
    let origin: String = arguments.required("origin");
    let secret: String = arguments.required("secret");
    let homes: PathBuf = arguments.required("homes");
    let count: u64 = arguments.required("count");
    let hub = device(&homes.join("hub"))?;
    let trust = Trust::on_first_use(hub.store(), &origin)?;
    let api = ServerApi::new(&origin, hub.keys().clone(), trust)?;
    api.set_up(&secret).await?;
    let begun = unix_ms();
    for number in 0..count {
        let leaf = device(&homes.join("leaves").join(number.to_string()))?;
        // The order of the pairs is that of the leaves.
        pair(&api, &hub, &leaf, begun + number).await?;
    }
    Ok(())
}

fn device(home: &Path) -> Result<Device, Box<dyn Error>> {
    let name = home.file_name().expect("a home has a name");
    let profile = DeviceProfile {
        name: name.to_string_lossy().into_owned(),
        kind: DeviceKind::Box,
        now_ms: unix_ms(),
    };
    Ok(Device::open_or_create(home, &profile)?)
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.expect("it is later than 1970").as_millis();
    u64::try_from(ms).expect("it is this era")
}

async fn pair(
    api: &ServerApi,
    hub: &Device,
    leaf: &Device,
    created: u64,
) -> Result<(), Box<dyn Error>> {
    let mut both = [hub, leaf];
    both.sort_by_key(|device| device.id().clone());
    let [low, high] = both;
    let id = pair_id([(low.id(), &[1; 32]), (high.id(), &[2; 32])]);
    let statement = PairStatement {
        pair_id: id.clone(),
        a: low.id().clone(),
        b: high.id().clone(),
        time: created,
    };
    let bytes = statement.signed_bytes();
    let new = NewPair {
        sig_a: low.keys().signing().sign(&bytes),
        sig_b: high.keys().signing().sign(&bytes),
        record_a: low.keys().record().clone(),
        record_b: high.keys().record().clone(),
        statement,
    };
    api.add_pair(&new).await?;
    let pin = PinnedServer {
        origin: api.origin().to_owned(),
        authority: api.authority(),
    };
    for (device, other) in [(hub, leaf), (leaf, hub)] {
        device.store().put_server(&pin)?;
        device.store().put_pair(&StoredPair {
            pair_id: id.clone(),
            server: api.origin().to_owned(),
            peer: other.keys().record().clone(),
            secret: Base64Url([9; 32]),
            state: PairState::Paired,
            created,
            kept: created,
        })?;
    }
    Ok(())
}
