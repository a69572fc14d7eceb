//! Links with a paired device, says one text and shows what comes back.
//!
//! `cargo run -p peer --example say -- HOME PAIR TEXT`

#![allow(clippy::print_stdout, reason = "an example shows what it got")]

use peer::ctl::CtlEvent;
use peer::device::Device;
use peer::link::Event;
use protocol::id::PairId;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [home, pair, text] = arguments()?;
    let device = Device::open(home)?;
    let mut link = device.link(&PairId::parse(&pair)?, Default::default())?;
    link.say(&text).await?;
    while let Some(event) = link.next().await {
        if let Event::Talk(CtlEvent::Text(text)) = event {
            println!("{text}");
        }
    }
    Ok(())
}

fn arguments() -> Result<[String; 3], &'static str> {
    let all: Vec<String> = std::env::args().skip(1).collect();
    all.try_into().map_err(|_| "usage: say HOME PAIR TEXT")
}
