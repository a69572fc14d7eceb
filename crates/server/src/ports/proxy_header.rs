//! The PROXY protocol, version 2: the client's address as a trusted proxy writes it before the
//! client's own first byte. Read from configured proxies only; from anybody else it is garbage.

use std::io;
use std::net::SocketAddr;

use ppp::v2::{Addresses, Command, Header, PROTOCOL_PREFIX};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Prefixed;

/// Prefix, version, family and length.
const FIXED_BYTES: usize = 16;
/// Addresses and what a proxy adds to them.
const MAX_PAYLOAD_BYTES: usize = 536;

/// The client's address, if the stream begins with a header; what follows is left to be read.
///
/// # Errors
/// A header that is malformed, too long or cut short.
pub(super) async fn read<S>(mut stream: S) -> io::Result<(Option<SocketAddr>, Prefixed<S>)>
where
    S: AsyncRead + Unpin,
{
    let mut head = Vec::with_capacity(FIXED_BYTES);
    while head.len() < PROTOCOL_PREFIX.len() {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let compared = head.len().min(PROTOCOL_PREFIX.len());
        if head[..compared] != PROTOCOL_PREFIX[..compared] {
            return Ok((None, Prefixed::new(head, stream)));
        }
    }
    let missing = FIXED_BYTES.saturating_sub(head.len());
    read_more(&mut stream, &mut head, missing).await?;
    let payload = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if payload > MAX_PAYLOAD_BYTES {
        return Err(malformed(format!(
            "{payload} bytes, more than {MAX_PAYLOAD_BYTES}"
        )));
    }
    let missing = (FIXED_BYTES + payload).saturating_sub(head.len());
    read_more(&mut stream, &mut head, missing).await?;
    let rest = head.split_off(FIXED_BYTES + payload);
    Ok((client(&head)?, Prefixed::new(rest, stream)))
}

async fn read_more<S>(stream: &mut S, head: &mut Vec<u8>, missing: usize) -> io::Result<()>
where
    S: AsyncRead + Unpin,
{
    let known = head.len();
    head.resize(known + missing, 0);
    stream.read_exact(&mut head[known..]).await.map(drop)
}

/// `None` for the proxy's own connections, such as its health checks.
fn client(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    let header = Header::try_from(header).map_err(|error| malformed(error.to_string()))?;
    Ok(match (header.command, header.addresses) {
        (Command::Proxy, Addresses::IPv4(ip)) => Some((ip.source_address, ip.source_port).into()),
        (Command::Proxy, Addresses::IPv6(ip)) => Some((ip.source_address, ip.source_port).into()),
        _ => None,
    })
}

fn malformed(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("PROXY header: {what}"))
}

#[cfg(test)]
mod tests {
    use ppp::v2::{Builder, Protocol, Version};
    use proptest::prelude::*;

    use super::*;

    fn header(client: SocketAddr) -> Vec<u8> {
        // A header is of one family.
        let own = if client.is_ipv4() {
            "10.0.0.1:8443"
        } else {
            "[fd00::1]:8443"
        };
        let own: SocketAddr = own.parse().unwrap();
        let kind = Version::Two | Command::Proxy;
        Builder::with_addresses(kind, Protocol::Stream, (client, own))
            .build()
            .unwrap()
    }

    async fn read_all(bytes: &[u8]) -> io::Result<(Option<SocketAddr>, Vec<u8>)> {
        let (client, mut stream) = read(bytes).await?;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
        Ok((client, rest))
    }

    #[tokio::test]
    async fn the_client_is_named_and_its_first_bytes_are_kept() {
        for client in ["203.0.113.9:5000", "[2001:db8::9]:5000"] {
            let client = client.parse().unwrap();
            let bytes = [header(client), b"GET /".to_vec()].concat();
            assert_eq!(
                read_all(&bytes).await.unwrap(),
                (Some(client), b"GET /".to_vec())
            );
        }
    }

    #[tokio::test]
    async fn a_stream_without_a_header_is_left_as_it_is() {
        let bytes = b"GET / HTTP/1.1\r\n\r\n";
        assert_eq!(read_all(bytes).await.unwrap(), (None, bytes.to_vec()));
    }

    #[tokio::test]
    async fn a_header_longer_than_the_limit_is_refused() {
        let mut bytes = header("203.0.113.9:5000".parse().unwrap());
        let too_long = u16::try_from(MAX_PAYLOAD_BYTES + 1).unwrap();
        bytes[14..16].copy_from_slice(&too_long.to_be_bytes());
        bytes.resize(FIXED_BYTES + MAX_PAYLOAD_BYTES + 1, 0);
        assert_eq!(
            read_all(&bytes).await.unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
    }

    proptest! {
        #[test]
        fn any_bytes_after_the_prefix_are_an_answer_not_a_panic(tail: Vec<u8>) {
            let bytes = [PROTOCOL_PREFIX, tail.as_slice()].concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            drop(runtime.block_on(read_all(&bytes)));
        }
    }
}
