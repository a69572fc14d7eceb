//! `helio publish`: pictures become a stream of any WHIP server.

use std::pin::pin;
use std::time::{Duration, Instant};

use peer::stills::Film;
use tokio::signal::ctrl_c;
use tokio::time::{MissedTickBehavior, interval};
use whip::{Codec, Event, MediaTime, Options, Session};

use super::pictures::{Pictures, settings, tell_live};
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
    let options = Options {
        send_bits_per_second: Some(settings.bits_per_second),
        ..Options::publish(url, vec![Codec::H264])
    };
    let options = streaming::with(&arguments.stream, options);
    let http = streaming::http(device)?;
    streaming::run(options, http, |session| publish(session, film, output))
}

/// Publishes until every frame was sent, the session is over, or somebody presses Ctrl-C; the
/// session, where it is still there.
async fn publish(
    mut session: Session,
    mut film: Film,
    output: OutputArguments,
) -> (Option<Session>, Result<(), Failure>) {
    let began = Instant::now();
    let mut ticks = interval(FIGURES_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // One for the whole loop: a signal between two of them would be nobody's.
    let mut interrupted = pin!(ctrl_c());
    let outcome = loop {
        tokio::select! {
            event = session.next() => {
                let Some(event) = event else { return (None, Ok(())) };
                hear(&event, &mut film);
                if let Err(failure) = streaming::tell(&event, output) {
                    return (None, Err(failure));
                }
            }
            frame = film.next() => match frame {
                Ok(Some(frame)) => {
                    let since = frame.taken_at.saturating_duration_since(began);
                    let time = MediaTime::from_micros(since.as_micros() as u64);
                    session.write_frame(Codec::H264, time, frame.access_unit);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(Failure::because(error)),
            },
            _ = ticks.tick() => if session.is_open() {
                tell_live(&film.figures(), output);
            },
            _ = &mut interrupted => break Ok(()),
        }
    };
    tell_live(&film.figures(), output);
    (Some(session), outcome)
}

fn hear(event: &Event, film: &mut Film) {
    match event {
        Event::Connected => film.roll(),
        Event::Lost(_) => film.halt(),
        Event::KeyFrameWanted => film.want_key_frame(),
        Event::Capacity(bits_per_second) => film.handle_capacity(*bits_per_second),
        _ => {}
    }
}
