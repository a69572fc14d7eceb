//! What the commands that publish and watch share: which server, what is said of a session's course,
//! and how they end.

use std::future::Future;
use std::time::Duration;

use serde_json::json;
use whip::{Event, HttpClient, Loss, Options, Over, Refusal, Session, Url};

use crate::arguments::{DeviceArguments, OutputArguments, StreamArguments};
use crate::device_home::given_authority;
use crate::output::{self, Failure, plain};

/// The URL that is named.
pub(crate) fn url(text: &str) -> Result<Url, Failure> {
    let named = || plain(text);
    let url = Url::parse(text).map_err(|error| Failure::Usage(format!("{}: {error}", named())))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(Failure::Usage(format!("{}: no http or https URL", named()))),
    }
}

/// What sends requests, with the authorities that are named.
pub(crate) fn http(device: &DeviceArguments) -> Result<HttpClient, Failure> {
    let authorities = given_authority(device)?;
    HttpClient::new(authorities.as_deref()).map_err(|error| Failure::Usage(error.to_string()))
}

/// With what all these commands are asked for.
pub(crate) fn with(arguments: &StreamArguments, options: Options) -> Options {
    Options {
        token: arguments.token.clone(),
        patience: Duration::from_secs(arguments.wait),
        ..options
    }
}

/// Does some work with a session until it is done or somebody presses Ctrl-C, and says goodbye.
pub(crate) fn run<F>(
    options: Options,
    http: HttpClient,
    work: impl FnOnce(Session) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = (Option<Session>, Result<(), Failure>)>,
{
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    runtime.block_on(async {
        let session = Session::open(options, http).await;
        let (session, outcome) = work(session).await;
        if let Some(session) = session {
            session.close().await;
        }
        outcome
    })
}

/// Says what became of a session.
///
/// # Errors
/// It is over.
pub(crate) fn tell(event: &Event, output: OutputArguments) -> Result<(), Failure> {
    match event {
        Event::Opened(links) => {
            let extensions: Vec<_> = links.extensions.iter().map(|(name, _)| name).collect();
            let relays = links.ice_servers.len();
            let fact = json!({ "event": "opened", "iceServers": relays, "extensions": extensions });
            output::fact(
                output,
                &fact,
                "The server gave a session; looking for its media.",
            );
        }
        Event::Connected => {
            output::fact(output, &json!({ "event": "connected" }), "Media flows.");
        }
        Event::Lost(loss) => {
            let why = plain(&loss.to_string());
            let fact = json!({ "event": "lost", "why": why });
            output::fact(output, &fact, &format!("Lost: {why}."));
        }
        Event::Waiting(loss, wait) => {
            let (why, ms) = (plain(&loss.to_string()), wait.as_millis() as u64);
            let fact = json!({ "event": "waiting", "why": why, "againMs": ms });
            let seconds = wait.as_secs_f64();
            output::fact(output, &fact, &format!("{why}; again in {seconds:.1} s."));
        }
        Event::Over(over) => return ended(over),
        _ => {}
    }
    Ok(())
}

/// Why a session is over that nobody closed.
pub(crate) fn reason(over: &Over) -> Option<String> {
    let why = match over {
        Over::Closed => return None,
        Over::Refused(why) => why.to_string(),
        Over::OutOfPatience(why) => why.to_string(),
    };
    Some(plain(&why))
}

/// How a command ends whose session is over so.
///
/// # Errors
/// Unless it was closed.
pub(crate) fn ended(over: &Over) -> Result<(), Failure> {
    let Some(why) = reason(over) else {
        return Ok(());
    };
    Err(match over {
        Over::Refused(Refusal::Status { .. }) => Failure::Refused(why),
        Over::Closed | Over::Refused(_) | Over::OutOfPatience(Loss::Answer(_)) => {
            Failure::Failed(why)
        }
        Over::OutOfPatience(_) => Failure::Unreachable(why),
    })
}

/// Bits per second as people read them.
pub(crate) fn rate(bytes: u64, over: Duration) -> u64 {
    (bytes as f64 * 8.0 / over.as_secs_f64().max(0.001)) as u64
}
