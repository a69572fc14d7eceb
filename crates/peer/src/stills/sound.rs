//! Sound in packets of Opus, as WebRTC carries them (RFC 7587): of a video file, by `ffmpeg`, or a
//! tone.
//!
//! A file's is of another `ffmpeg` than the one that gives the pictures: of one with two outputs each would
//! wait for whoever reads the other.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use ogg::reading::{BasePacketReader, PageParser};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::sources::{SourceError, input};

mod tone;

use tone::Tone;

/// How long a packet sounds.
const PACKET: Duration = Duration::from_millis(20);
/// As `ffmpeg` is told it.
const PACKET_MS: &str = "20";
const BITRATE: &str = "64k";
/// Packets that are read before they are due: two seconds.
const MAX_AHEAD: usize = 100;
/// What an Ogg stream of Opus begins with: its head and its tags (RFC 7845 §3).
const HEADERS: usize = 2;

/// A packet of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundPacket {
    /// Opus, 20 ms.
    pub data: Vec<u8>,
    /// When it begins to sound, on the clock of [`super::FilmedFrame::taken_at`].
    pub taken_at: Instant,
}

/// Sound without end, at its pace while it rolls.
#[derive(Debug)]
pub struct Sound {
    /// What encodes it, where that is another process.
    child: Option<Child>,
    packets: mpsc::Receiver<Vec<u8>>,
    /// When the next packet is due; none while nobody takes any.
    due: Option<Instant>,
}

impl Sound {
    /// The first track of sound of a video file, again and again; none where there is none that can be read. It waits for its begin.
    ///
    /// # Errors
    /// [`SourceError::NoFfmpeg`], [`SourceError::Ffmpeg`] where it does not start.
    pub fn of_video(path: &Path) -> Result<Option<Self>, SourceError> {
        let mut child = Command::new("ffmpeg")
            .args(["-v", "quiet", "-nostdin", "-stream_loop", "-1", "-i"])
            .arg(input(path))
            .args(["-map", "0:a:0", "-c:a", "libopus", "-b:a", BITRATE])
            .args(["-ac", "2", "-ar", "48000", "-frame_duration", PACKET_MS])
            .args(["-f", "ogg", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => SourceError::NoFfmpeg,
                _ => SourceError::Ffmpeg(error.to_string()),
            })?;
        let pages = child.stdout.take().expect("its output was asked for");
        let (mut sound, keep) = Self::silent();
        sound.child = Some(child);
        let mut stream = OggStream::new(pages);
        if (0..HEADERS).any(|_| stream.next().is_none()) {
            return Ok(None);
        }
        std::thread::spawn(move || read_ahead(&keep, || stream.next()));
        Ok(Some(sound))
    }

    /// A tone of so many hertz.
    pub fn tone(hertz: u32) -> Self {
        let (sound, keep) = Self::silent();
        std::thread::spawn(move || {
            let mut tone = Tone::new(hertz);
            read_ahead(&keep, || tone.next());
        });
        sound
    }

    /// Sound of the packets that come.
    fn silent() -> (Self, mpsc::Sender<Vec<u8>>) {
        let (keep, packets) = mpsc::channel(MAX_AHEAD);
        let sound = Self {
            child: None,
            packets,
            due: None,
        };
        (sound, keep)
    }

    /// Somebody takes packets: one is due, unless it rolls already.
    pub fn roll(&mut self) {
        self.due = self.due.or_else(|| Some(Instant::now()));
    }

    /// Nobody takes packets.
    pub fn halt(&mut self) {
        self.due = None;
    }

    /// The next packet, once it is due; none where there are no more. It may be dropped at any
    /// await.
    pub async fn next(&mut self) -> Option<SoundPacket> {
        let Some(taken_at) = self.due else {
            return std::future::pending().await;
        };
        sleep_until(taken_at.into()).await;
        let data = self.packets.recv().await?;
        self.due = Some(taken_at + PACKET);
        Some(SoundPacket { data, taken_at })
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may be over already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Makes packets until there are no more, or nobody takes them any more.
fn read_ahead(keep: &mpsc::Sender<Vec<u8>>, mut next: impl FnMut() -> Option<Vec<u8>>) {
    while let Some(packet) = next() {
        if keep.blocking_send(packet).is_err() {
            return;
        }
    }
}

/// The packets of one Ogg stream (RFC 3533), read from a pipe.
struct OggStream {
    pages: ChildStdout,
    packets: BasePacketReader,
}

impl OggStream {
    fn new(pages: ChildStdout) -> Self {
        Self {
            pages,
            packets: BasePacketReader::new(),
        }
    }

    /// The next packet; none where the stream is over, or is none.
    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(packet) = self.packets.read_packet() {
                return Some(packet.data);
            }
            self.read_page()?;
        }
    }

    fn read_page(&mut self) -> Option<()> {
        let mut head = [0; 27];
        self.pages.read_exact(&mut head).ok()?;
        let (mut page, segments) = PageParser::new(head).ok()?;
        let body = page.parse_segments(self.read(segments)?);
        let body = self.read(body)?;
        let page = page.parse_packet_data(body).ok()?;
        self.packets.push_page(page).ok()
    }

    /// So many bytes: of a page, 64 KiB at most.
    fn read(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.pages.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one second, with a tone or without.
    fn film(folder: &Path, has_sound: bool) -> Option<std::path::PathBuf> {
        let path = folder.join(format!("sound {has_sound}.mkv"));
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-f", "lavfi", "-i"]);
        command.arg("color=gray:size=90x60:rate=10:duration=1");
        if has_sound {
            command.args(["-f", "lavfi", "-i", "sine=frequency=440:duration=1"]);
        }
        let made = command.args(["-c:v", "mjpeg"]).arg(&path).status();
        made.is_ok_and(|status| status.success()).then_some(path)
    }

    #[tokio::test]
    async fn sound_comes_packet_by_packet_at_its_pace_and_begins_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(path) = film(folder.path(), true) else {
            println!("skipped: ffmpeg is not installed");
            return;
        };
        let mut sound = Sound::of_video(&path)
            .expect("ffmpeg runs")
            .expect("it has sound");
        let before = Instant::now();
        sound.roll();
        let mut begins = Vec::new();
        // More than the file has.
        for _ in 0..75 {
            let packet = sound.next().await.expect("it is endless");
            assert!(!packet.data.is_empty() && packet.data.len() < 1000);
            begins.push(packet.taken_at);
        }
        assert!(begins.windows(2).all(|two| two[1] - two[0] == PACKET));
        assert!(before.elapsed() >= PACKET * 74, "not before it is due");
    }

    #[test]
    fn a_film_without_sound_has_none_and_no_film_neither() {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(path) = film(folder.path(), false) else {
            println!("skipped: ffmpeg is not installed");
            return;
        };
        let sound = Sound::of_video(&path).expect("ffmpeg runs");
        assert!(sound.is_none());
        std::fs::write(&path, "no film").expect("it is written");
        assert!(Sound::of_video(&path).expect("ffmpeg runs").is_none());
    }
}
