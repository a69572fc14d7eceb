//! Telling STUN from ChannelData by the first bytes (RFC 7983, RFC 8656 section 12.5).

use stun_types::message::MAGIC_COOKIE;

/// What a datagram or the start of a stream looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// First byte 0-3 and, as far as it is there, the magic cookie.
    Stun,
    /// First byte 64-127: a channel number below 0x8000.
    ChannelData,
    /// Not ours: DTLS, SRTP, HTTP or noise.
    Other,
}

/// Tells what the bytes are the beginning of; eight bytes decide.
///
/// RFC 8656 gives channels the first bytes 64-79. RFC 5766 clients (coturn's
/// among them) use up to 127, which RFC 7983 leaves to nobody else.
pub fn classify(bytes: &[u8]) -> PacketKind {
    match bytes.first() {
        Some(0..=3) if has_cookie(bytes) => PacketKind::Stun,
        Some(64..=127) => PacketKind::ChannelData,
        _ => PacketKind::Other,
    }
}

fn has_cookie(bytes: &[u8]) -> bool {
    let seen = bytes.get(4..).unwrap_or_default();
    let cookie = MAGIC_COOKIE.to_be_bytes();
    let known = seen.len().min(cookie.len());
    seen[..known] == cookie[..known]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_stun_from_channel_data() {
        let stun = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        assert_eq!(classify(&stun), PacketKind::Stun);
        assert_eq!(classify(&stun[..6]), PacketKind::Stun);
        assert_eq!(classify(&[0x40, 0, 0, 4]), PacketKind::ChannelData);
        assert_eq!(classify(&[0x7f, 0xff, 0, 4]), PacketKind::ChannelData);
    }

    #[test]
    fn dtls_rtp_and_old_stun_are_other() {
        assert_eq!(classify(&[]), PacketKind::Other);
        assert_eq!(classify(&[22, 254, 253]), PacketKind::Other);
        assert_eq!(classify(&[0x80, 96]), PacketKind::Other);
        assert_eq!(classify(&[0, 1, 0, 0, 1, 2, 3, 4]), PacketKind::Other);
    }
}
