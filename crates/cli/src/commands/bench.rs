//! `helio bench watch`: many viewers of one stream, and what they get.

use std::sync::Arc;
use std::time::{Duration, Instant};

use peer::stills::{Film, Source};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use whip::{Carriage, Codec, Event, HttpClient, MediaTime, Options, Session, Url};

use super::pictures::settings;
use super::streaming;
use crate::arguments::{BenchAction, BenchWatchArguments, DeviceArguments, OutputArguments};
use crate::output::{self, Failure, plain};

mod tally;

use tally::{Summary, Tally};

/// Viewers whose sessions are set up at the same time.
const AT_ONCE: usize = 8;

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    action: &BenchAction,
) -> Result<(), Failure> {
    let BenchAction::Watch(arguments) = action;
    let whep = streaming::url(&arguments.url)?;
    let http = streaming::http(device)?;
    let publisher = publisher(arguments, &whep)?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    runtime.block_on(async {
        let bench = async {
            let publishing = match publisher {
                Some((options, film)) => Some(begin(options, film, &http).await?),
                None => None,
            };
            let summary = watched(arguments, &whep, &http, output).await;
            if let Some((task, end)) = publishing {
                // It may have ended by itself.
                let _ = end.send(true);
                let _ = task.await;
            }
            Ok(summary)
        };
        let summary: Summary = tokio::select! {
            summary = bench => summary?,
            _ = tokio::signal::ctrl_c() => return Err(Failure::because("interrupted")),
        };
        tell(&summary, output)
    })
}

/// What publishes, where anything is to be published.
fn publisher(
    arguments: &BenchWatchArguments,
    whep: &Url,
) -> Result<Option<(Options, Film)>, Failure> {
    if arguments.existing {
        return Ok(None);
    }
    let whip = match &arguments.whip {
        Some(whip) => streaming::url(whip)?,
        None => beside(whep).ok_or_else(|| {
            let hint = "the URL does not end with whep: name the other endpoint with --whip, or \
                        watch what is there with --existing";
            Failure::Usage(hint.to_owned())
        })?,
    };
    let settings = settings(arguments.preset);
    let source = Source::pattern(settings.width, settings.height);
    let film = Film::new(source, settings, None).map_err(Failure::because)?;
    let mut options = streaming::with(&arguments.stream, Options::publish(whip, vec![Codec::H264]));
    if let Some(token) = &arguments.publish_token {
        options.token = Some(token.clone());
    }
    Ok(Some((options, film)))
}

/// The WHIP endpoint that goes with a WHEP endpoint, as most servers name them.
fn beside(whep: &Url) -> Option<Url> {
    let path = whep.path().strip_suffix("whep")?;
    let mut whip = whep.clone();
    whip.set_path(&format!("{path}whip"));
    Some(whip)
}

type Publishing = (tokio::task::JoinHandle<()>, watch::Sender<bool>);

/// Publishes in the background, once media flows.
async fn begin(options: Options, film: Film, http: &HttpClient) -> Result<Publishing, Failure> {
    let mut session = Session::open(options, http.clone()).await;
    loop {
        match session.next().await {
            Some(Event::Connected) => break,
            Some(Event::Over(over)) => streaming::ended(&over)?,
            Some(_) => {}
            None => return Err(Failure::because("the session is over")),
        }
    }
    let (end, ended) = watch::channel(false);
    Ok((tokio::spawn(publish(session, film, ended)), end))
}

async fn publish(mut session: Session, mut film: Film, mut ended: watch::Receiver<bool>) {
    let began = Instant::now();
    film.roll();
    loop {
        tokio::select! {
            event = session.next() => match event {
                Some(Event::KeyFrameWanted | Event::Connected) => film.want_key_frame(),
                Some(_) => {}
                None => return,
            },
            frame = film.next() => {
                let Ok(Some(frame)) = frame else { break };
                let since = frame.taken_at.saturating_duration_since(began);
                let time = MediaTime::from_micros(since.as_micros() as u64);
                session.write_frame(Codec::H264, time, frame.access_unit);
            }
            _ = ended.changed() => break,
        }
    }
    session.close().await;
}

/// Opens the viewers, lets them watch, and adds up what they got.
async fn watched(
    arguments: &BenchWatchArguments,
    whep: &Url,
    http: &HttpClient,
    output: OutputArguments,
) -> Summary {
    let options = Options::watch(whep.clone(), Carriage::Packets);
    let options = streaming::with(&arguments.stream, options);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let (settle, mut settled) = mpsc::channel::<()>(1);
    let (begin, begun) = watch::channel(());
    let mut viewers = JoinSet::new();
    for _ in 0..arguments.viewers {
        let viewer = Viewer {
            options: options.clone(),
            http: http.clone(),
            turns: Arc::clone(&turns),
            settle: settle.clone(),
            begun: begun.clone(),
        };
        viewers.spawn(viewer.run());
    }
    drop((settle, begun));
    // Each viewer lets go of its end once it has had a packet, or will have none.
    let _ = settled.recv().await;
    let sentence = format!("Viewers are there; watching for {} s.", arguments.seconds);
    let seconds = Duration::from_secs(arguments.seconds);
    let fact = json!({ "event": "watching", "seconds": arguments.seconds });
    output::fact(output, &fact, &sentence);
    // Who hears it counts from here, and for so long.
    let _ = begin.send(());
    sleep(seconds).await;
    drop(begin);
    let mut tallies = Vec::new();
    while let Some(tally) = viewers.join_next().await {
        tallies.push(tally.unwrap_or_else(|error| Tally::failed(error.to_string())));
    }
    Summary::of(&tallies, seconds)
}

/// One viewer.
struct Viewer {
    options: Options,
    http: HttpClient,
    turns: Arc<Semaphore>,
    /// Let go of once it has had a packet, or will have none.
    settle: mpsc::Sender<()>,
    /// Told when counting begins; its other end is gone once the bench is over.
    begun: watch::Receiver<()>,
}

impl Viewer {
    async fn run(mut self) -> Tally {
        let mut tally = Tally::default();
        let Ok(turn) = self.turns.acquire_owned().await else {
            return tally;
        };
        let mut unsettled = Some((turn, self.settle));
        let began = Instant::now();
        let mut session = Session::open(self.options, self.http).await;
        loop {
            tokio::select! {
                event = session.next() => match event {
                    Some(Event::Packet(packet)) => {
                        if unsettled.take().is_some() {
                            tally.handle_set_up(began.elapsed());
                        }
                        tally.handle_packet(&packet);
                    }
                    Some(Event::Lost(loss)) => tally.handle_lost(plain(&loss.to_string())),
                    Some(Event::Over(over)) => tally.failure = streaming::reason(&over),
                    Some(_) => {}
                    None => return tally,
                },
                changed = self.begun.changed() => match changed {
                    Ok(()) => tally.begin(),
                    Err(_) => break,
                },
            }
        }
        session.close().await;
        tally
    }
}

fn tell(summary: &Summary, output: OutputArguments) -> Result<(), Failure> {
    if output.json {
        output::json_line(&summary.json());
    } else {
        output::table(&["WHAT", "FIGURE"], &summary.rows());
    }
    match summary.failed {
        0 => Ok(()),
        failed => {
            let why = summary.failure.as_deref().unwrap_or("nothing came");
            Err(Failure::Failed(format!(
                "{failed} viewers got nothing: {why}"
            )))
        }
    }
}
