//! How a stream is published to a gateway and watched at it: by WHIP and WHEP, or by the API of
//! Janus and its video room.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use serde_json::{Value, json};
use str0m::media::Direction;

use crate::Arguments;
use crate::http::{Request, ask};
use crate::media_client::MediaClient;
use crate::media_socket::MediaSocket;

/// The room of the benchmark.
const ROOM: u64 = 1;
const PUBLISHER: u64 = 1;
/// Events that are read until one is the answer.
const MAX_EVENTS: usize = 16;

/// A gateway with one stream.
#[derive(Debug)]
pub enum Service {
    /// RFC 9725 and draft-ietf-wish-whep.
    Whip {
        /// Where it is.
        server: SocketAddr,
        /// Paths.
        whip: String,
        /// Of both.
        whep: String,
        /// For the publisher.
        token: String,
        /// Whether viewers connect for their media (ICE-TCP) to where the server answers HTTP.
        by_tcp: bool,
    },
    /// `plugin_videoroom` over the HTTP transport.
    Janus {
        /// Where it is.
        server: SocketAddr,
        /// An address of this machine that is no loopback: libnice sends from no other.
        ip: IpAddr,
    },
}

impl Service {
    /// As the program's arguments say.
    pub fn of(arguments: &Arguments) -> Self {
        let server = arguments.required("server");
        match arguments.required::<String>("by").as_str() {
            "janus" => Self::Janus {
                server,
                ip: arguments.required("ip"),
            },
            _ => Self::Whip {
                server,
                whip: arguments.required("whip"),
                whep: arguments.required("whep"),
                token: arguments.required("token"),
                by_tcp: arguments.required::<String>("transport") == "tcp",
            },
        }
    }

    /// Where its clients are.
    fn ip(&self) -> IpAddr {
        match self {
            Self::Whip { server, .. } => server.ip(),
            Self::Janus { ip, .. } => *ip,
        }
    }

    /// A client that is about to publish.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn publish(&self) -> io::Result<MediaClient> {
        let socket = MediaSocket::bind(self.ip())?;
        let (mut client, pending, offer) =
            MediaClient::offer(socket, Direction::SendOnly, Instant::now())?;
        let answer = match self {
            Self::Whip {
                server,
                whip,
                token,
                ..
            } => post(*server, whip, token, &offer)?,
            Self::Janus { server, .. } => publish_to_janus(*server, &offer)?,
        };
        client.accept(pending, &answer)?;
        Ok(client)
    }

    /// A client that is about to watch.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn watch(&self) -> io::Result<MediaClient> {
        match self {
            Self::Whip {
                server,
                whep,
                by_tcp,
                ..
            } => {
                let socket = match by_tcp {
                    true => MediaSocket::connect(*server)?,
                    false => MediaSocket::bind(self.ip())?,
                };
                let (mut client, pending, offer) =
                    MediaClient::offer(socket, Direction::RecvOnly, Instant::now())?;
                client.accept(pending, &post(*server, whep, "", &offer)?)?;
                Ok(client)
            }
            Self::Janus { server, ip } => watch_at_janus(*server, *ip),
        }
    }
}

fn post(server: SocketAddr, path: &str, token: &str, body: &str) -> io::Result<String> {
    let request = Request {
        method: "POST",
        path,
        content_type: "application/sdp",
        token,
        body,
    };
    ask(server, request)
}

/// A handle of the video room.
struct Handle {
    server: SocketAddr,
    session: u64,
    handle: u64,
}

impl Handle {
    fn open(server: SocketAddr) -> io::Result<Self> {
        let id = |answer: Value| {
            let id = answer["data"]["id"].as_u64();
            id.ok_or_else(|| io::Error::other(format!("janus says {answer}")))
        };
        let session = id(janus(server, "/janus", json!({"janus": "create"}))?)?;
        let attach = json!({"janus": "attach", "plugin": "janus.plugin.videoroom"});
        let handle = id(janus(server, &format!("/janus/{session}"), attach)?)?;
        Ok(Self {
            server,
            session,
            handle,
        })
    }

    /// Sends a message, and waits for the event that answers it.
    fn ask(&self, body: Value, jsep: Option<Value>) -> io::Result<Value> {
        let mut message = json!({"janus": "message", "body": body});
        if let Some(jsep) = jsep {
            message["jsep"] = jsep;
        }
        let path = format!("/janus/{}/{}", self.session, self.handle);
        let answer = janus(self.server, &path, message)?;
        if answer["janus"] == "success" {
            return Ok(answer);
        }
        for _ in 0..MAX_EVENTS {
            let request = Request {
                method: "GET",
                path: &format!("/janus/{}?maxev=1", self.session),
                content_type: "application/json",
                token: "",
                body: "",
            };
            let event: Value = serde_json::from_str(&ask(self.server, request)?)?;
            // With `maxev` there is an event, or an array of them.
            let event = event.get(0).cloned().unwrap_or(event);
            if event["janus"] == "event" {
                return Ok(event);
            }
        }
        Err(io::Error::other("janus does not answer"))
    }
}

fn janus(server: SocketAddr, path: &str, mut body: Value) -> io::Result<Value> {
    body["transaction"] = json!("load");
    let request = Request {
        method: "POST",
        path,
        content_type: "application/json",
        token: "",
        body: &body.to_string(),
    };
    let answer: Value = serde_json::from_str(&ask(server, request)?)?;
    if answer["janus"] == "error" {
        return Err(io::Error::other(format!("{path}: {answer}")));
    }
    Ok(answer)
}

fn sdp_of(event: &Value) -> io::Result<&str> {
    let sdp = event["jsep"]["sdp"].as_str();
    sdp.ok_or_else(|| io::Error::other(format!("no SDP: {event}")))
}

fn publish_to_janus(server: SocketAddr, offer: &str) -> io::Result<String> {
    let handle = Handle::open(server)?;
    let room = json!({"request": "create", "room": ROOM, "publishers": 1, "videocodec": "vp8", "bitrate": 0});
    handle.ask(room, None)?;
    let join =
        json!({"request": "joinandconfigure", "ptype": "publisher", "room": ROOM, "id": PUBLISHER});
    let event = handle.ask(join, Some(json!({"type": "offer", "sdp": offer})))?;
    sdp_of(&event).map(str::to_owned)
}

fn watch_at_janus(server: SocketAddr, ip: IpAddr) -> io::Result<MediaClient> {
    let handle = Handle::open(server)?;
    let streams = json!([{"feed": PUBLISHER}]);
    let join = json!({"request": "join", "ptype": "subscriber", "room": ROOM, "streams": streams});
    let event = handle.ask(join, None)?;
    let (client, answer) = MediaClient::answer(ip, sdp_of(&event)?, Instant::now())?;
    let start = json!({"request": "start", "room": ROOM});
    handle.ask(start, Some(json!({"type": "answer", "sdp": answer})))?;
    Ok(client)
}
