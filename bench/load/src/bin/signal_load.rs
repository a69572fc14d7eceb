//! Relays signalling messages between the two devices of many pairs, and prints what the server
//! process spent on it, as one line of JSON.
//!
//! `tokens` is a file with a pair and its two devices' link tokens a line.
//! `mode=idle`: opens every pair's two sockets and says nothing. `mode=messages`: each pair's
//! devices answer each other until all pairs together have relayed `count` messages, with
//! `pause_ms` between two rounds. `mode=calls`: `count` calls, each with two fresh sockets, an
//! offer, an answer and ten candidates each way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use load::{Arguments, Process};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type WebSocket = tokio_tungstenite::WebSocketStream<TcpStream>;

/// No answer takes longer, whatever the server does.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// Sockets that are being opened at once.
const OPENING: usize = 32;
/// Calls at once.
const CALLING: usize = 16;
/// How long idle sockets are left alone before memory is read.
const SETTLE: Duration = Duration::from_secs(2);
/// A session description's size: audio, video and a data channel, as Chromium writes them.
const SDP_BYTES: usize = 5000;
const CANDIDATES: usize = 10;
const CANDIDATE: &str = "candidate:842163049 1 udp 1677729535 203.0.113.77 46154 typ srflx \
     raddr 192.0.2.24 rport 46154 generation 0 ufrag 4ZcD network-id 1 network-cost 10";
/// A new offer lets candidates be counted anew (the protocol allows 128).
const CANDIDATES_PER_OFFER: usize = 100;

/// A pair and its devices' tokens.
struct Pair {
    id: String,
    tokens: [String; 2],
}

/// Where the sockets go.
#[derive(Clone)]
struct Target {
    host: String,
    opening: Arc<Semaphore>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::of_process();
    let process = Process(arguments.required("pid"));
    let target = Target {
        host: arguments.required("server"),
        opening: Arc::new(Semaphore::new(OPENING)),
    };
    let mut pairs = read_pairs(&arguments.required::<String>("tokens"))?;
    pairs.truncate(arguments.required("pairs"));
    let count: usize = arguments.required("count");
    let mode: String = arguments.required("mode");

    let rss_before_kib = process.rss_kib();
    let pairs: Vec<_> = pairs.into_iter().map(Arc::new).collect();
    let sockets = match mode.as_str() {
        "calls" => Vec::new(),
        _ => open_all(&target, &pairs).await?,
    };
    if mode == "idle" {
        sleep(SETTLE).await;
    }
    let rss_open_kib = process.rss_kib();
    let open = sockets.len() * 2;
    let (cpu, start) = (process.cpu(), Instant::now());
    let relayed = match mode.as_str() {
        "idle" => 0,
        "messages" => {
            let pause = Duration::from_millis(arguments.required("pause_ms"));
            exchange(&pairs, sockets, count, pause).await?
        }
        "calls" => call_all(&target, &pairs, count).await?,
        mode => panic!("mode={mode} is not idle, messages or calls"),
    };
    println!(
        "{}",
        json!({
            "relayed": relayed, "sockets": open,
            "cpuMs": process.cpu().since_ms(cpu), "seconds": start.elapsed().as_secs_f64(),
            "rssBeforeKib": rss_before_kib, "rssOpenKib": rss_open_kib,
        })
    );
    Ok(())
}

fn read_pairs(path: &str) -> Result<Vec<Pair>, Failure> {
    let text = std::fs::read_to_string(path)?;
    let pairs = text.lines().map(|line| {
        let mut words = line.split(' ').map(str::to_owned);
        let mut next = || words.next().ok_or("a line is pair, token, token");
        Ok(Pair {
            id: next()?,
            tokens: [next()?, next()?],
        })
    });
    pairs.collect()
}

/// Opens a socket and waits until the server is ready for it.
async fn open(target: &Target, token: &str) -> Result<WebSocket, Failure> {
    let _permit = target.opening.acquire().await?;
    let stream = TcpStream::connect(&target.host).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{}/api/signal", target.host).into_client_request()?;
    let bearer = format!("Bearer {token}").parse()?;
    request.headers_mut().insert("authorization", bearer);
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024);
    let opened = client_async_with_config(request, stream, Some(config));
    let (mut socket, _) = timeout(ANSWER_LIMIT, opened).await??;
    hear(&mut socket, "ready").await?;
    Ok(socket)
}

async fn open_all(target: &Target, pairs: &[Arc<Pair>]) -> Result<Vec<[WebSocket; 2]>, Failure> {
    let mut sockets = Vec::new();
    for some in pairs.chunks(OPENING) {
        let mut tasks = JoinSet::new();
        for (index, pair) in some.iter().cloned().enumerate() {
            let target = target.clone();
            tasks.spawn(async move {
                let first = open(&target, &pair.tokens[0]).await?;
                let second = open(&target, &pair.tokens[1]).await?;
                Result::<_, Failure>::Ok((index, [first, second]))
            });
        }
        let mut opened = Vec::new();
        while let Some(task) = tasks.join_next().await {
            opened.push(task??);
        }
        opened.sort_by_key(|(index, _)| *index);
        sockets.extend(opened.into_iter().map(|(_, pair)| pair));
    }
    Ok(sockets)
}

/// The next message of this kind; others, such as presence, are passed over.
async fn hear(socket: &mut WebSocket, kind: &str) -> Result<(), Failure> {
    let needle = format!(r#""t":"{kind}""#);
    loop {
        let message = timeout(ANSWER_LIMIT, socket.next()).await?;
        match message.ok_or("the server closed the socket")?? {
            Message::Text(text) if text.contains(&needle) => return Ok(()),
            Message::Text(text) if text.contains(r#""t":"error""#) => {
                return Err(text.as_str().into());
            }
            Message::Close(reason) => return Err(format!("closed: {reason:?}").into()),
            _ => {}
        }
    }
}

fn ice(pair: &Pair) -> Message {
    json(&json!({"t": "ice", "pairId": pair.id, "candidate": CANDIDATE, "mid": "0"}))
}

fn description(pair: &Pair, kind: &str, bytes: usize) -> Message {
    let mut sdp = String::from("v=0\r\n");
    while sdp.len() < bytes {
        sdp.push_str("a=rtpmap:96 VP8/90000\r\n");
    }
    json(&json!({"t": kind, "pairId": pair.id, "sdp": sdp}))
}

fn json(value: &serde_json::Value) -> Message {
    Message::text(value.to_string())
}

/// The devices of every pair answer each other.
async fn exchange(
    pairs: &[Arc<Pair>],
    sockets: Vec<[WebSocket; 2]>,
    count: usize,
    pause: Duration,
) -> Result<usize, Failure> {
    let rounds = count.div_ceil(pairs.len() * 2);
    let mut tasks = JoinSet::new();
    for (index, ([mut a, mut b], pair)) in sockets.into_iter().zip(pairs.to_vec()).enumerate() {
        // Paced pairs take turns over the pause.
        let phase = pause * u32::try_from(index).unwrap_or(0) / u32::try_from(pairs.len())?;
        tasks.spawn(async move {
            sleep(phase).await;
            let (offer, ice) = (description(&pair, "offer", 0), ice(&pair));
            let mut next = Instant::now();
            for round in 0..rounds {
                let is_offer = round % CANDIDATES_PER_OFFER == 0;
                let (message, kind) = if is_offer {
                    (&offer, "offer")
                } else {
                    (&ice, "ice")
                };
                a.send(message.clone()).await?;
                hear(&mut b, kind).await?;
                b.send(ice.clone()).await?;
                hear(&mut a, "ice").await?;
                next += pause;
                tokio::time::sleep_until(next.into()).await;
            }
            // Kept until all are done: a close is no part of a message.
            Result::<_, Failure>::Ok((rounds * 2, a, b))
        });
    }
    let mut relayed = 0;
    let mut kept = Vec::new();
    while let Some(task) = tasks.join_next().await {
        let (messages, a, b) = task??;
        relayed += messages;
        kept.push([a, b]);
    }
    Ok(relayed)
}

/// Calls, pair after pair.
async fn call_all(target: &Target, pairs: &[Arc<Pair>], count: usize) -> Result<usize, Failure> {
    let calling = Arc::new(Semaphore::new(CALLING.min(pairs.len())));
    let mut tasks = JoinSet::new();
    for pair in pairs.iter().cycle().take(count) {
        let permit = calling.clone().acquire_owned().await?;
        let (target, pair) = (target.clone(), pair.clone());
        tasks.spawn(async move {
            let _permit = permit;
            call(&target, &pair).await
        });
        while let Some(task) = tasks.try_join_next() {
            task??;
        }
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(count)
}

async fn call(target: &Target, pair: &Pair) -> Result<(), Failure> {
    let mut a = open(target, &pair.tokens[0]).await?;
    let mut b = open(target, &pair.tokens[1]).await?;
    a.send(description(pair, "offer", SDP_BYTES)).await?;
    for _ in 0..CANDIDATES {
        a.send(ice(pair)).await?;
    }
    hear(&mut b, "offer").await?;
    b.send(description(pair, "answer", SDP_BYTES)).await?;
    for _ in 0..CANDIDATES {
        b.send(ice(pair)).await?;
    }
    hear(&mut a, "answer").await?;
    for _ in 0..CANDIDATES {
        hear(&mut a, "ice").await?;
        hear(&mut b, "ice").await?;
    }
    for mut socket in [a, b] {
        socket.close(None).await?;
        // Until the server has closed too, or has gone.
        while let Ok(Some(Ok(_))) = timeout(ANSWER_LIMIT, socket.next()).await {}
    }
    Ok(())
}
