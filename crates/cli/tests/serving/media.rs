//! `helio publish`, `helio watch` and `helio bench watch` against the real server, over real sockets.

use std::io::{BufRead as _, BufReader, read_to_string};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use peer::stills::{Picture, pattern};
use serde_json::Value;

use crate::process::{Process, free_address};
use crate::streams::with_cam0;

/// A command of a client, which has no configuration of the server's.
fn client(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helio"));
    command.args(words).arg("--json").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command told, and how it ended.
fn told(words: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let output = client(words).output().expect("helio runs");
    let lines = String::from_utf8(output.stdout).expect("text");
    let facts = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let errors = String::from_utf8(output.stderr).expect("text");
    (output.status.code(), facts.collect(), errors)
}

fn fact<'a>(facts: &'a [Value], event: &str) -> &'a Value {
    let found = facts.iter().rfind(|fact| fact["event"] == event);
    found.unwrap_or_else(|| panic!("no {event} in {facts:?}"))
}

fn code(server: &Process, right: &str) -> String {
    let output = server.run(&["streams", "share", "cam0", right, "--json"]);
    let share: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    share["code"].as_str().expect("a code").to_owned()
}

/// A publisher whose media flows; stopped when the test ends.
struct Publisher(Child);

impl Publisher {
    fn start(url: &str, code: &str) -> Self {
        let child = client(&["publish", url, "--token", code, "--preset", "low"]).spawn();
        let mut publisher = Self(child.expect("helio runs"));
        let mut told = BufReader::new(publisher.0.stdout.as_mut().expect("a pipe"));
        let mut line = String::new();
        while !line.contains("\"connected\"") {
            line.clear();
            if told.read_line(&mut line).expect("text") == 0 {
                let errors = publisher.0.stderr.take().map(read_to_string);
                panic!("it is over: {errors:?}");
            }
        }
        publisher
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How far a picture is from the pattern, on average, where the pattern stands still: between the
/// disc's way and the clock.
fn distance(picture: &Picture) -> f64 {
    let expected = pattern(0, 0, picture.width(), picture.height());
    let row = picture.width() as usize * 3;
    let rows = picture.height() as usize;
    let still = rows * 9 / 10 * row..rows * row;
    let pairs = picture.rgb()[still.clone()]
        .iter()
        .zip(&expected.rgb()[still]);
    let (sum, count) = pairs.fold((0_u64, 0_u64), |(sum, count), (a, b)| {
        (sum + u64::from(a.abs_diff(*b)), count + 1)
    });
    sum as f64 / count as f64
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("it was written")
}

#[tokio::test]
async fn what_helio_publishes_is_what_helio_watches_and_saves() {
    let data = tempfile::TempDir::new().expect("a directory");
    let server = with_cam0(data.path()).await;
    let (whip, whep) = ["whip", "whep"]
        .map(|end| format!("{}/cam0/{end}", server.origin()))
        .into();
    let view = code(&server, "--view");
    let _publisher = Publisher::start(&whip, &code(&server, "--publish"));
    let file = |name: &str| data.path().join(name).display().to_string();
    let (picture, film, units) = (file("first.png"), file("film.mp4"), file("film.h264"));
    let watch = ["watch", &whep, "--token", &view, "--seconds", "2", "--save"];
    let words = [&watch[..], &[&film, "--picture", &picture]].concat();
    let (status, facts, errors) = told(&words);
    assert_eq!(status, Some(0), "{errors} {facts:?}");
    let seen = fact(&facts, "picture");
    assert_eq!(
        (&seen["width"], &seen["height"]),
        (&640.into(), &480.into())
    );
    let far = distance(&Picture::read(&read(picture.as_ref())).expect("a PNG"));
    println!("the picture is {far:.2} of 255 away from the pattern");
    assert!(far < 6.0, "{far}");
    let saved = fact(&facts, "saved")["frames"].as_u64().expect("a number");
    assert!(saved >= 2, "{facts:?}");
    let film = read(film.as_ref());
    assert!(
        film.windows(4).any(|word| word == b"avc1") && film.windows(4).any(|word| word == b"stsz")
    );
    let words = [&watch[..], &[&units]].concat();
    assert_eq!(told(&words).0, Some(0));
    assert!(
        read(units.as_ref()).starts_with(&[0, 0, 0, 1, 0x67]),
        "it begins with its parameters"
    );
    let (status, _, errors) = told(&words);
    assert_eq!(status, Some(2), "no file is written over: {errors}");
}

#[tokio::test]
async fn a_bench_tells_what_its_viewers_got() {
    let data = tempfile::TempDir::new().expect("a directory");
    let server = with_cam0(data.path()).await;
    let whep = format!("{}/cam0/whep", server.origin());
    let (view, publish) = (code(&server, "--view"), code(&server, "--publish"));
    let words = [
        "bench",
        "watch",
        &whep,
        "--token",
        &view,
        "--publish-token",
        &publish,
    ];
    let words = [&words[..], &["--viewers", "12", "--seconds", "2"]].concat();
    let (status, facts, errors) = told(&words);
    assert_eq!(status, Some(0), "{errors} {facts:?}");
    let bench = fact(&facts, "bench");
    println!("{bench}");
    assert_eq!(
        (&bench["viewers"], &bench["failed"]),
        (&12.into(), &0.into())
    );
    assert_eq!(bench["missing"], 0);
    assert!(bench["setUpMs"]["last"].as_u64() >= bench["setUpMs"]["first"].as_u64());
    assert!(bench["packets"].as_u64() >= Some(12), "{bench}");
}

#[tokio::test]
async fn refusals_and_silence_end_with_the_code_that_says_so() {
    let data = tempfile::TempDir::new().expect("a directory");
    let server = with_cam0(data.path()).await;
    let whep = format!("{}/cam0/whep", server.origin());
    let view = code(&server, "--view");
    let (status, facts, _) = told(&["watch", &whep, "--token", &view, "--wait", "1"]);
    assert_eq!(status, Some(4));
    assert!(
        fact(&facts, "waiting")["why"].to_string().contains("409"),
        "{facts:?}"
    );
    let (status, _, errors) = told(&["watch", &whep, "--token", "nobody"]);
    assert_eq!(status, Some(3));
    assert!(errors.contains("refused with 401"), "{errors}");
    let nowhere = format!("http://{}/cam0/whip", free_address());
    assert_eq!(told(&["publish", &nowhere, "--wait", "1"]).0, Some(4));
    for wrong in ["ftp://h/whip", "h/whip"] {
        assert_eq!(told(&["publish", wrong]).0, Some(2), "{wrong}");
    }
}
