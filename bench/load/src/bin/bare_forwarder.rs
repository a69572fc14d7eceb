//! The least that a signalling relay can do: bytes from one socket of a pair to the other.
//!
//! It believes every token, reads no message and answers nothing but a first `ready`. What a
//! signalling server spends beyond this is the price of its checks.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

/// The same as our server's.
const BUFFER_BYTES: usize = 4 * 1024;
const OUTGOING: usize = 256;

/// The sockets of a pair, by device.
type Room = HashMap<String, Sender<Message>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Rooms = Arc<Mutex<HashMap<String, Room>>>;

/// What a token says.
struct Seat {
    pair: String,
    device: String,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let rooms = Rooms::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let rooms = rooms.clone();
        tokio::spawn(async move {
            // A client that goes away is no fault of this program.
            let _ = serve(stream, rooms).await;
        });
    }
}

async fn serve(stream: TcpStream, rooms: Rooms) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    let mut seat = None;
    #[expect(clippy::result_large_err, reason = "the trait's type")]
    let read_token = |request: &Request, response: Response| {
        seat = seat_of(request);
        Ok(response)
    };
    let mut socket = accept_hdr_async_with_config(stream, read_token, Some(config)).await?;
    let seat = seat.ok_or("no token")?;
    let (own, outgoing) = channel(OUTGOING);
    in_room(&rooms, &seat, |room| {
        room.insert(seat.device.clone(), own.clone());
    });
    socket.send(Message::text(r#"{"t":"ready"}"#)).await?;
    let end = forward(socket, outgoing, &rooms, &seat).await;
    in_room(&rooms, &seat, |room| {
        room.retain(|_, sender| !sender.same_channel(&own));
    });
    end
}

/// Passes texts on until the socket ends.
async fn forward(
    mut socket: WebSocketStream<TcpStream>,
    mut outgoing: Receiver<Message>,
    rooms: &Rooms,
    seat: &Seat,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            message = outgoing.recv() => match message {
                Some(message) => socket.send(message).await?,
                None => return Ok(()),
            },
            message = socket.next() => match message {
                Some(Ok(message @ Message::Text(_))) => {
                    let other = in_room(rooms, seat, |room| {
                        let mut others = room.iter().filter(|(id, _)| **id != seat.device);
                        others.next().map(|(_, sender)| sender.clone())
                    });
                    if let Some(other) = other {
                        let _ = other.try_send(message);
                    }
                }
                Some(Ok(message)) if !message.is_close() => {}
                _ => return Ok(()),
            },
        }
    }
}

fn in_room<T>(rooms: &Rooms, seat: &Seat, use_room: impl FnOnce(&mut Room) -> T) -> T {
    let mut rooms = rooms.lock().expect("no holder of the rooms panics");
    use_room(rooms.entry(seat.pair.clone()).or_default())
}

/// The pair and the device of a token, unchecked.
fn seat_of(request: &Request) -> Option<Seat> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let claims = header.strip_prefix("Bearer ")?.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let text = |name: &str| Some(claims.get(name)?.as_str()?.to_owned());
    Some(Seat {
        pair: text("pairId")?,
        device: text("sub")?,
    })
}
