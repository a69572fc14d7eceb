//! A cable between two network namespaces that takes its time: what enters one TUN device leaves
//! the other after a delay, in order. Not every kernel has netem.
//!
//! `slow_link LEFT RIGHT MILLISECONDS` makes both devices where it runs and says `ready`; whoever
//! started it moves them to where they belong. The cable is gone when the program ends.

use std::error::Error;
use std::process::exit;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// Packets under way in one direction; more are lost, as in any router. A second of 100 Mbit/s.
const QUEUE_PACKETS: usize = 8192;
/// The largest packet that a TUN device of the usual MTU hands over.
const PACKET_BYTES: usize = 1600;

/// When a packet leaves, and the packet.
type Sent = (Instant, Vec<u8>);

fn main() -> Result<(), Box<dyn Error>> {
    let [_, left, right, delay_ms] = std::env::args()
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: slow_link LEFT RIGHT MILLISECONDS")?;
    let delay = Duration::from_millis(delay_ms.parse()?);
    let (left, right) = (open(&left)?, open(&right)?);
    println!("ready");
    thread::scope(|scope| {
        for (from, to) in [(&left, &right), (&right, &left)] {
            let (sender, receiver) = sync_channel(QUEUE_PACKETS);
            scope.spawn(move || take_in(from, &sender, delay));
            scope.spawn(move || let_out(to, &receiver));
        }
    });
    Ok(())
}

fn open(name: &str) -> std::io::Result<SyncDevice> {
    DeviceBuilder::new()
        .name(name)
        .layer(Layer::L3)
        .enable(false)
        .build_sync()
}

/// Reads one end of the cable until the device is gone, and then ends the program.
fn take_in(device: &SyncDevice, cable: &SyncSender<Sent>, delay: Duration) {
    let mut packet = [0; PACKET_BYTES];
    while let Ok(length) = device.recv(&mut packet) {
        let due = Instant::now() + delay;
        if let Err(TrySendError::Disconnected(_)) = cable.try_send((due, packet[..length].to_vec()))
        {
            break;
        }
    }
    exit(0);
}

/// Writes the other end, each packet when it is due.
fn let_out(device: &SyncDevice, cable: &Receiver<Sent>) {
    for (due, packet) in cable {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // An end that is not up yet takes nothing: the packet is lost.
        let _ = device.send(&packet);
    }
}
