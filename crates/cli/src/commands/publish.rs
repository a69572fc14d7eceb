//! `helio publish`: pictures, and the sound of a video, become a stream of any WHIP server.

use std::pin::pin;
use std::time::{Duration, Instant};

use peer::stills::{Film, Sound, SoundPacket};
use tokio::signal::ctrl_c;
use tokio::time::{MissedTickBehavior, interval};
use whip::{Codec, Event, MediaTime, Options, Session};

use super::pictures::{Pictures, settings, sound, tell_live};
use super::streaming;
use crate::arguments::{DeviceArguments, OutputArguments, PublishArguments};
use crate::output::Failure;

/// How often the figures are told.
const FIGURES_INTERVAL: Duration = Duration::from_secs(2);

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &PublishArguments,
) -> Result<(), Failure> {
    let settings = settings(arguments.preset);
    let url = streaming::url(&arguments.url)?;
    // A file that cannot be sent is told before a server is asked.
    let pictures = Pictures {
        files: &arguments.files,
        camera: arguments.camera.as_deref(),
        width: settings.width,
        height: settings.height,
        frames_per_second: f64::from(settings.frames_per_second),
        is_endless: true,
    };
    let source = pictures.source()?;
    let film = Film::new(source, settings, arguments.count).map_err(Failure::because)?;
    let sound = sound(&arguments.files, arguments.tone)?;
    let codecs = match &sound {
        Some(_) => vec![Codec::H264, Codec::Opus],
        None => vec![Codec::H264],
    };
    let options = Options {
        send_bits_per_second: Some(settings.bits_per_second),
        ..Options::publish(url, codecs)
    };
    let options = streaming::with(&arguments.stream, options);
    let http = streaming::http(device)?;
    let tracks = Tracks { film, sound };
    streaming::run(options, http, |session| publish(session, tracks, output))
}

/// What is published.
struct Tracks {
    film: Film,
    /// None where there is none, or no more.
    sound: Option<Sound>,
}

impl Tracks {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Connected => {
                self.film.roll();
                self.sound.iter_mut().for_each(Sound::roll);
            }
            Event::Lost(_) => {
                self.film.halt();
                self.sound.iter_mut().for_each(Sound::halt);
            }
            Event::KeyFrameWanted => self.film.want_key_frame(),
            Event::Capacity(bits_per_second) => self.film.handle_capacity(*bits_per_second),
            _ => {}
        }
    }
}

/// The next packet; never where there is no sound.
async fn heard(sound: &mut Option<Sound>) -> Option<SoundPacket> {
    match sound {
        Some(sound) => sound.next().await,
        None => std::future::pending().await,
    }
}

/// Publishes until every frame was sent, the session is over, or somebody presses Ctrl-C; the
/// session, where it is still there.
async fn publish(
    mut session: Session,
    mut tracks: Tracks,
    output: OutputArguments,
) -> (Option<Session>, Result<(), Failure>) {
    let began = Instant::now();
    let time = |taken_at: Instant| {
        let since = taken_at.saturating_duration_since(began);
        MediaTime::from_micros(since.as_micros() as u64)
    };
    let mut ticks = interval(FIGURES_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // One for the whole loop: a signal between two of them would be nobody's.
    let mut interrupted = pin!(ctrl_c());
    let outcome = loop {
        tokio::select! {
            event = session.next() => {
                let Some(event) = event else { return (None, Ok(())) };
                tracks.hear(&event);
                if let Err(failure) = streaming::tell(&event, output) {
                    return (None, Err(failure));
                }
            }
            frame = tracks.film.next() => match frame {
                Ok(Some(frame)) => {
                    session.write_frame(Codec::H264, time(frame.taken_at), frame.access_unit);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(Failure::because(error)),
            },
            packet = heard(&mut tracks.sound) => match packet {
                Some(packet) => {
                    session.write_frame(Codec::Opus, time(packet.taken_at), packet.data);
                }
                None => tracks.sound = None,
            },
            _ = ticks.tick() => if session.is_open() {
                tell_live(&tracks.film.figures(), output);
            },
            _ = &mut interrupted => break Ok(()),
        }
    };
    tell_live(&tracks.film.figures(), output);
    (Some(session), outcome)
}
