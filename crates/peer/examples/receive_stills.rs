//! Receives a paired device's stills into a directory.
//!
//! `cargo run -p peer --example receive_stills -- HOME PAIR DIR`

#![allow(clippy::print_stdout, reason = "an example shows what it got")]
#![allow(clippy::disallowed_types, reason = "it writes files")]

use peer::device::Device;
use peer::stills::{Stills, StillsEvent};
use protocol::id::PairId;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [home, pair, directory] = arguments()?;
    let device = Device::open(home)?;
    let mut link = device.link(&PairId::parse(&pair)?, Default::default())?;
    let mut stills = Stills::new(&mut link)?;
    while let Some(event) = stills.next().await {
        if let StillsEvent::Still(still) = event {
            let path = format!("{directory}/{}.png", still.seq);
            std::fs::write(&path, still.picture.to_png())?;
            println!("{path}");
        }
    }
    Ok(())
}

fn arguments() -> Result<[String; 3], &'static str> {
    let all: Vec<String> = std::env::args().skip(1).collect();
    all.try_into()
        .map_err(|_| "usage: receive_stills HOME PAIR DIR")
}
