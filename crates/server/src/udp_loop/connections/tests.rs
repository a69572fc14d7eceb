use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;

const PIPE_BYTES: usize = 1024;

/// A task that carries a connection, the client's end of it, and the loop's.
struct Carried {
    client: DuplexStream,
    inputs: mpsc::Receiver<Input>,
    connections: Connections,
    task: JoinHandle<()>,
    /// Keeps the bell.
    _poll: mio::Poll,
}

fn path(port: u16) -> Path {
    Path::tcp(
        ([192, 0, 2, 1], 8443).into(),
        ([198, 51, 100, 1], port).into(),
    )
}

impl Carried {
    async fn begin() -> Self {
        let (client, stream) = duplex(PIPE_BYTES);
        let (sender, inputs) = mpsc::channel(8);
        let poll = mio::Poll::new().expect("a poll");
        let waker = mio::Waker::new(poll.registry(), mio::Token(0)).expect("a waker");
        let inbox = Inbox {
            sender,
            orders: Arc::default(),
            waker: Arc::new(waker),
        };
        let task = tokio::spawn(async move { serve(stream, path(1), &inbox, || {}).await });
        let mut carried = Self {
            client,
            inputs,
            connections: Connections::default(),
            task,
            _poll: poll,
        };
        match carried.inputs.recv().await {
            Some(Input::Connected { path, outbox }) => carried.connections.open(path, outbox),
            _ => panic!("it says first that it is there"),
        }
        carried
    }

    /// It has shown a session.
    async fn begin_known() -> Self {
        let mut carried = Self::begin().await;
        carried.connections.judge(&path(1), true);
        carried
    }

    /// How long it goes on by itself.
    async fn lasts(self) -> Duration {
        let began_at = Instant::now();
        self.task.await.expect("no panic");
        began_at.elapsed()
    }

    async fn read_packet(&mut self) -> Vec<u8> {
        let length = self.client.read_u16().await.expect("a frame");
        let mut packet = vec![0; length.into()];
        self.client
            .read_exact(&mut packet)
            .await
            .expect("all of it");
        packet
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_shows_no_session_is_closed_in_time() {
    let carried = Carried::begin().await;
    assert_eq!(carried.lasts().await, UNKNOWN_LIFETIME);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_frames_are_of_no_session_is_closed_at_once() {
    let mut carried = Carried::begin().await;
    carried.connections.judge(&path(1), false);
    assert_eq!(carried.lasts().await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_stalls_in_a_frame_is_closed_however_slowly_it_goes_on() {
    let mut carried = Carried::begin_known().await;
    carried.client.write_all(b"\0\x09").await.expect("written");
    let slowly = async {
        loop {
            tokio::time::sleep(FRAME_LIFETIME / 4).await;
            carried.client.write_all(b"a").await.expect("written");
        }
    };
    let began_at = Instant::now();
    tokio::select! {
        ended = &mut carried.task => ended.expect("no panic"),
        () = slowly => {}
    }
    assert_eq!(began_at.elapsed(), FRAME_LIFETIME);
}

#[tokio::test(start_paused = true)]
async fn a_frame_too_long_closes_its_connection() {
    let mut carried = Carried::begin_known().await;
    carried.client.write_u16(2049).await.expect("written");
    assert_eq!(carried.lasts().await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_connection_between_frames_has_all_the_time_of_its_session() {
    let mut carried = Carried::begin_known().await;
    carried
        .client
        .write_all(b"\0\x02ab")
        .await
        .expect("written");
    tokio::time::sleep(100 * FRAME_LIFETIME).await;
    carried.client.write_all(b"\0\x01c").await.expect("written");
    for expected in [&b"\0\x02ab"[..], b"\0\x01c"] {
        match carried.inputs.recv().await {
            Some(Input::Frames { whole, .. }) => assert_eq!(whole, expected),
            _ => panic!("frames"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_written_before_the_loop_closes() {
    let mut carried = Carried::begin_known().await;
    for packet in [&b"one"[..], b"two"] {
        carried.connections.send(&path(1), packet.to_vec());
    }
    carried.connections.close(&path(1));
    assert_eq!(carried.read_packet().await, b"one");
    assert_eq!(carried.read_packet().await, b"two");
    assert!(carried.client.read_u16().await.is_err(), "the end");
    assert!(carried.inputs.recv().await.is_none(), "it knows");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_loses_packets_and_then_its_connection() {
    let mut carried = Carried::begin_known().await;
    let packet = vec![7; 1024];
    let fit = MAX_BACKLOG_BYTES / packet.len();
    for _ in 0..fit {
        carried.connections.send(&path(1), packet.clone());
    }
    assert_eq!(carried.connections.unsent, 0);
    carried.connections.send(&path(1), packet.clone());
    assert_eq!(carried.connections.unsent, 1);
    for _ in 0..fit {
        assert_eq!(carried.read_packet().await, packet, "whole packets");
    }
    for _ in 0..fit {
        carried.connections.send(&path(1), packet.clone());
    }
    assert_eq!(carried.connections.unsent, 1, "there is room again");
    assert_eq!(carried.lasts().await, WRITE_TIMEOUT);
}

#[tokio::test]
async fn one_more_connection_than_the_limit_is_closed() {
    let mut connections = Connections::default();
    let outbox = || Outbox {
        packets: mpsc::channel(1).0,
        backlog_bytes: Arc::default(),
        is_known: None,
    };
    let port = |number: usize| path(u16::try_from(number).expect("a port"));
    for number in 0..=MAX_CONNECTIONS {
        connections.open(port(number), outbox());
    }
    assert_eq!(connections.len(), MAX_CONNECTIONS);
    assert!(!connections.has(&port(MAX_CONNECTIONS)));
    connections.close(&port(0));
    connections.open(port(MAX_CONNECTIONS), outbox());
    assert!(connections.has(&port(MAX_CONNECTIONS)));
}

#[tokio::test(start_paused = true)]
async fn a_second_connection_on_one_way_leaves_the_first_as_it_is() {
    let mut first = Carried::begin_known().await;
    let mut second = Carried::begin().await;
    let outbox = second.connections.by_path.remove(&path(1));
    first.connections.open(path(1), outbox.expect("open"));
    second.task.await.expect("no panic");
    assert!(second.inputs.recv().await.is_none(), "nothing to be closed");
    first.connections.send(&path(1), b"one".to_vec());
    assert_eq!(first.read_packet().await, b"one");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_is_told_of() {
    let mut carried = Carried::begin_known().await;
    drop(carried.client);
    assert!(matches!(
        carried.inputs.recv().await,
        Some(Input::Disconnected(_))
    ));
}
