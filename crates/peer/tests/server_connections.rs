//! How many connections a device makes to its server, counted by a forwarder between the two.

#![allow(clippy::disallowed_types, reason = "a test listens")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use peer::server_api::{ServerApi, Trust};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use two_devices::Stage;

mod two_devices;

/// Passes bytes on to a server; its port, and how many connections came.
async fn forward(to: (String, u16)) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((to.0.as_str(), 0)).await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let to = to.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect((to.0.as_str(), to.1)).await?;
                copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    (port, count)
}

#[tokio::test]
async fn requests_share_a_connection_until_the_network_changes() {
    let stage = Stage::start().await;
    let (port, count) = forward(stage.address.clone()).await;
    let origin = format!("https://{}:{port}", stage.address.0);
    let device = &stage.devices[0];
    let trust = Trust::on_first_use(device.store(), &origin).expect("no pin yet");
    let api = ServerApi::new(&origin, device.keys().clone(), trust).expect("an origin");
    for _ in 0..3 {
        api.server_info().await.expect("a reply");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    api.forget_connection().await;
    api.server_info().await.expect("a reply");
    assert_eq!(count.load(Ordering::SeqCst), 2);
    stage.running.stop().await;
}
