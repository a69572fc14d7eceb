//! Frames of a client that is connected over TCP: however a stream is cut, the same packets come
//! out of it.

#![no_main]

use gateway::{FrameBuffer, FrameTooLong, frames};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| {
    let at_once = read([stream].into_iter());
    for piece_bytes in [1, 7] {
        assert_eq!(at_once, read(stream.chunks(piece_bytes)));
    }
});

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, FrameTooLong> {
    let mut buffer = FrameBuffer::default();
    let mut packets = Vec::new();
    for piece in pieces {
        buffer.extend(piece);
        let whole = buffer.take_whole()?;
        packets.extend(frames(&whole).map(<[u8]>::to_vec));
    }
    Ok(packets)
}
