//! One HTTP/1.0 request over a connection of its own, so that no answer comes in chunks, as far as
//! WHIP, WHEP and Janus need it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// GET, POST.
    pub(crate) method: &'a str,
    /// Of the URL, with its slash.
    pub(crate) path: &'a str,
    /// Of the body.
    pub(crate) content_type: &'a str,
    /// A bearer token; empty for none.
    pub(crate) token: &'a str,
    /// Sent as it is.
    pub(crate) body: &'a str,
}

/// The body of a 2xx answer.
///
/// # Errors
/// Every other answer, and what the network says.
pub(crate) fn ask(server: SocketAddr, request: Request<'_>) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let Request {
        method,
        path,
        content_type,
        token,
        body,
    } = request;
    let authorization = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {server}\r\nConnection: close\r\n{authorization}\
         Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or("");
    if !status.starts_with('2') {
        return Err(io::Error::other(format!("{method} {path}: {answer}")));
    }
    Ok(body.to_owned())
}

/// Answers POSTs one after another, for ever: the path and the body go in, the body of a 201 comes
/// out.
///
/// # Errors
/// When the listener fails.
pub fn serve(
    listener: &TcpListener,
    mut answer: impl FnMut(&str, &str) -> String,
) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        // A client that goes away is no fault of this program.
        let _ = serve_one(&mut stream, &mut answer);
    }
}

fn serve_one(
    stream: &mut TcpStream,
    answer: &mut impl FnMut(&str, &str) -> String,
) -> io::Result<()> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    let (head, at) = loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        read.extend_from_slice(&buffer[..length]);
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&read[..at]).into_owned(), at + 4);
        }
    };
    let wanted = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse::<usize>().ok())?
    });
    while read.len() < at + wanted.unwrap_or(0) {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        read.extend_from_slice(&buffer[..length]);
    }
    let path = head.split(' ').nth(1).unwrap_or("");
    let body = answer(path, &String::from_utf8_lossy(&read[at..]));
    let head = format!(
        "HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
