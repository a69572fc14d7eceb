use super::*;

#[expect(clippy::disallowed_methods, reason = "some instant to begin at")]
fn start() -> Instant {
    Instant::now()
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A sender with an encoder that takes 20 ms, and what it ordered.
struct Stage {
    sender: StillsSender,
    now: Instant,
    start: Instant,
    /// Milliseconds at which frames went out.
    frames: Vec<u128>,
    /// The stills of these frames, as announced.
    announced: Vec<i64>,
    /// How often any was announced.
    announcements: usize,
    last_announced: Option<i64>,
    sent: Vec<SentStill>,
}

impl Stage {
    fn open(count: Option<u32>) -> Self {
        let now = start();
        let mut sender = StillsSender::new(DEFAULT_INTERVAL, count);
        assert_eq!(
            sender.poll_timeout(),
            None,
            "nothing is due before the link is open"
        );
        sender.handle_open(now);
        let mut stage = Self {
            sender,
            now,
            start: now,
            frames: Vec::new(),
            announced: Vec::new(),
            announcements: 0,
            last_announced: None,
            sent: Vec::new(),
        };
        stage.drain();
        stage
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.sender.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.sender.handle_timeout(self.now);
            self.drain();
        }
        self.now = self.now.max(end);
    }

    fn drain(&mut self) {
        while let Some(output) = self.sender.poll_output() {
            match output {
                SenderOutput::Capture { seq } => {
                    self.now += ms(20);
                    self.sender.handle_encoded(seq, vec![0; 30_000], self.now);
                }
                SenderOutput::Announce(args) => match args["seq"] {
                    Value::Integer(seq) => {
                        self.announcements += 1;
                        self.last_announced = Some(seq);
                    }
                    _ => panic!("{args:?}"),
                },
                SenderOutput::Frame(_) => {
                    let seq = self.last_announced.take();
                    self.announced.push(seq.expect("announced first"));
                    self.frames.push((self.now - self.start).as_millis());
                }
                SenderOutput::Sent(still) => self.sent.push(still),
            }
        }
    }

    fn shown(&mut self, seq: i64) {
        let args = BTreeMap::from([("seq".to_owned(), Value::Integer(seq))]);
        self.sender.handle_command("still-shown", &args, self.now);
        self.drain();
    }
}

#[test]
fn a_still_goes_at_once_and_then_every_interval() {
    let mut stage = Stage::open(None);
    for seq in 1..=4 {
        stage.run(ms(50));
        stage.shown(seq);
        stage.run(ms(2950));
    }
    assert_eq!(stage.frames[..4], [20, 3020, 6020, 9020]);
    assert_eq!(stage.announced[..4], [1, 2, 3, 4]);
    assert_eq!(stage.sent[0].shown, Some(ms(70)));
    assert_eq!(stage.sent[0].encode, ms(20));
    assert_eq!((stage.sent[0].bytes, stage.sent[0].resends), (30_000, 0));
}

#[test]
fn without_word_from_the_peer_a_still_goes_again() {
    let mut stage = Stage::open(None);
    stage.run(ms(700));
    assert_eq!(stage.frames, [20, 320, 620]);
    assert_eq!(stage.announced, [1, 1, 1]);
    stage.shown(1);
    stage.run(ms(1000));
    assert_eq!(stage.frames.len(), 3);
    assert_eq!(stage.sent[0].resends, 2);
}

#[test]
fn the_announcement_goes_again_alone_after_a_round_trip_without_word() {
    let mut stage = Stage::open(None);
    stage.run(ms(149));
    assert_eq!(stage.announcements, 1);
    stage.run(ms(1));
    assert_eq!((stage.announcements, stage.frames.len()), (2, 1));
    stage.run(ms(140));
    assert_eq!(stage.announcements, 2, "once for each frame");
    stage.shown(1);
    stage.run(ms(1000));
    assert_eq!((stage.announcements, stage.frames.len()), (2, 1));
}

#[test]
fn a_long_round_trip_is_waited_for() {
    let mut stage = Stage::open(None);
    stage.sender.handle_round_trip(ms(400));
    stage.shown(1);
    stage.run(ms(3700));
    assert_eq!(stage.frames, [20, 3000 + 20], "the second one waits 800 ms");
    stage.run(ms(200));
    assert_eq!(stage.frames.len(), 3);
}

#[test]
fn a_request_for_a_key_frame_is_answered_at_once_but_once_a_round_trip() {
    let mut stage = Stage::open(None);
    stage.run(ms(250));
    for _ in 0..100 {
        stage.sender.handle_key_frame_request(stage.now);
        stage.drain();
    }
    assert_eq!(stage.frames, [20, 270]);
    stage.run(ms(99));
    assert_eq!(stage.frames.len(), 2);
    stage.run(ms(1));
    assert_eq!(
        stage.frames,
        [20, 270, 370],
        "the requests within a round trip are one"
    );
}

#[test]
fn one_still_is_sent_again_so_often_and_no_more() {
    let mut stage = Stage::open(Some(1));
    stage.run(ms(20_000));
    assert_eq!(stage.frames.len(), 1 + MAX_RESENDS as usize);
    assert_eq!(
        stage.sent,
        [SentStill {
            seq: 1,
            bytes: 30_000,
            encode: ms(20),
            shown: None,
            resends: MAX_RESENDS
        }]
    );
    assert!(stage.sender.is_done());
    assert_eq!(stage.sender.poll_timeout(), None);
}

#[test]
fn the_count_of_stills_is_kept() {
    let mut stage = Stage::open(Some(2));
    for seq in 1..=2 {
        stage.run(ms(100));
        stage.shown(seq);
        assert_eq!(stage.sender.is_done(), seq == 2);
        stage.run(ms(2920));
    }
    stage.run(ms(10_000));
    assert_eq!(stage.announced, [1, 2]);
}

#[test]
fn a_connection_that_comes_back_gets_a_fresh_still() {
    let mut stage = Stage::open(None);
    stage.sender.handle_close();
    stage.run(ms(10_000));
    assert_eq!(stage.frames, [20], "nothing goes without a connection");
    stage.sender.handle_open(stage.now);
    stage.drain();
    assert_eq!(stage.announced, [1, 2]);
    assert_eq!(stage.sent[0].shown, None);
}

#[test]
fn the_last_still_goes_again_on_the_next_connection() {
    let mut stage = Stage::open(Some(1));
    stage.sender.handle_close();
    stage.run(ms(10_000));
    stage.sender.handle_open(stage.now);
    stage.drain();
    assert_eq!(stage.announced, [1, 1]);
    stage.shown(1);
    assert_eq!(stage.sent.len(), 1);
    assert!(stage.sender.is_done());
}

#[test]
fn a_source_that_is_over_ends_the_stills_once_the_last_one_is_shown() {
    let now = start();
    let mut sender = StillsSender::new(DEFAULT_INTERVAL, None);
    sender.handle_open(now);
    sender.handle_encoded(1, vec![0; 10], now);
    sender.handle_timeout(now + DEFAULT_INTERVAL);
    sender.handle_source_over(2);
    assert!(!sender.is_done(), "the first one may be under way");
    let args = BTreeMap::from([("seq".to_owned(), Value::Integer(1))]);
    sender.handle_command("still-shown", &args, now + DEFAULT_INTERVAL);
    assert!(sender.is_done());
}

#[test]
fn a_still_above_the_limit_never_goes_out() {
    for (bytes, frames) in [(STILL_LIMIT_BYTES, 1), (STILL_LIMIT_BYTES + 1, 0)] {
        let now = start();
        let mut sender = StillsSender::new(DEFAULT_INTERVAL, None);
        sender.handle_open(now);
        assert_eq!(sender.poll_output(), Some(SenderOutput::Capture { seq: 1 }));
        sender.handle_encoded(1, vec![0; bytes], now);
        let outputs = std::iter::from_fn(|| sender.poll_output());
        let sent = outputs.filter(|output| matches!(output, SenderOutput::Frame(_)));
        assert_eq!(sent.count(), frames);
    }
}

#[test]
fn words_about_other_stills_and_other_encodings_change_nothing() {
    let mut stage = Stage::open(None);
    for seq in [0, 2, -1, i64::MAX] {
        stage.shown(seq);
    }
    stage
        .sender
        .handle_command("still-shown", &BTreeMap::new(), stage.now);
    stage.sender.handle_encoded(7, vec![0; 10], stage.now);
    stage.drain();
    assert!(stage.sent.is_empty());
    assert_eq!(stage.frames.len(), 1);
}
