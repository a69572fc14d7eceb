use super::taken::WINDOW;
use super::*;

#[expect(clippy::disallowed_methods, reason = "some instant to begin at")]
fn start() -> Instant {
    Instant::now()
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn frames(ctl: &mut Ctl) -> Vec<ControlFrame> {
    std::iter::from_fn(|| ctl.poll_transmit())
        .map(|(_, bytes)| ControlFrame::decode(&bytes).unwrap())
        .collect()
}

fn events(ctl: &mut Ctl) -> Vec<CtlEvent> {
    std::iter::from_fn(|| ctl.poll_event()).collect()
}

/// A conversation whose first ping is out.
fn begun(now: Instant) -> Ctl {
    let mut ctl = Ctl::new(now);
    assert_eq!(
        frames(&mut ctl),
        [ControlFrame::Ping {
            id: 0,
            sent_micros: 0
        }]
    );
    ctl
}

fn handle(ctl: &mut Ctl, frame: &ControlFrame, now: Instant) {
    ctl.handle_frame(&frame.encode().unwrap(), now);
}

#[test]
fn a_text_is_delivered_when_its_ack_comes_and_only_once() {
    let now = start();
    let mut ctl = begun(now);
    let id = ctl.say("hello", now).unwrap();
    assert_eq!(frames(&mut ctl), [text_frame(id.0, "hello", true)]);
    for _ in 0..2 {
        handle(&mut ctl, &ControlFrame::Ack { id: id.0 }, now + ms(40));
    }
    assert_eq!(events(&mut ctl), [CtlEvent::Delivered(id)]);
    ctl.handle_timeout(now + ms(1000));
    assert_eq!(frames(&mut ctl), []);
}

#[test]
fn an_ack_of_another_id_delivers_nothing() {
    let now = start();
    let mut ctl = begun(now);
    let id = ctl.say("hello", now).unwrap();
    handle(&mut ctl, &ControlFrame::Ack { id: id.0 + 1 }, now);
    assert_eq!(events(&mut ctl), []);
}

#[test]
fn a_text_is_resent_with_its_id_at_growing_intervals_and_fails_after_3_s() {
    let now = start();
    let mut ctl = begun(now);
    let id = ctl.say("hello", now).unwrap();
    let (mut at, mut sent) = (now, vec![]);
    while events(&mut ctl).is_empty() {
        at = ctl.poll_timeout();
        ctl.handle_timeout(at);
        let texts = frames(&mut ctl);
        if texts.contains(&text_frame(id.0, "hello", true)) {
            sent.push((at - now).as_millis());
        }
    }
    assert_eq!(sent, [200, 500, 950, 1625, 2425]);
    assert_eq!(at - now, DELIVERY_LIMIT);
    ctl.handle_timeout(at + ms(1));
    assert_eq!(frames(&mut ctl), []);
}

#[test]
fn a_text_goes_out_again_at_once_where_there_is_a_path_again() {
    let now = start();
    let mut ctl = begun(now);
    let id = ctl.say("hello", now).unwrap();
    assert_eq!(frames(&mut ctl), [text_frame(id.0, "hello", true)]);
    ctl.handle_path(now + ms(30));
    assert_eq!(frames(&mut ctl), [text_frame(id.0, "hello", true)]);
    ctl.handle_timeout(now + DELIVERY_LIMIT);
    assert_eq!(
        events(&mut ctl),
        [CtlEvent::Undelivered(id)],
        "its time ran on"
    );
    ctl.handle_path(now + DELIVERY_LIMIT);
    assert_eq!(
        frames(&mut ctl)
            .iter()
            .filter(|frame| matches!(frame, ControlFrame::Text { .. }))
            .count(),
        0
    );
}

const ONE: Conversation = Conversation([1; 16]);
const ANOTHER: Conversation = Conversation([2; 16]);

#[test]
fn a_text_outlives_its_connection_where_the_peer_goes_on() {
    let now = start();
    let mut ctl = begun(now);
    ctl.handle_open(Some(ONE), now);
    let id = ctl.say("hello", now).unwrap();
    handle(&mut ctl, &text_frame(7, "shown", true), now);
    let _ = (frames(&mut ctl), events(&mut ctl));
    ctl.handle_open(Some(ONE), now + ms(700));
    assert_eq!(frames(&mut ctl), [text_frame(id.0, "hello", true)]);
    handle(&mut ctl, &text_frame(7, "shown", true), now + ms(700));
    assert_eq!(frames(&mut ctl), [ControlFrame::Ack { id: 7 }]);
    handle(&mut ctl, &ControlFrame::Ack { id: id.0 }, now + ms(800));
    assert_eq!(events(&mut ctl), [CtlEvent::Delivered(id)], "and no text");
}

#[test]
fn a_peer_that_began_anew_or_does_not_say_is_told_nothing_twice_and_counts_from_0() {
    for peer in [Some(ANOTHER), None] {
        let now = start();
        let mut ctl = begun(now);
        ctl.handle_open(Some(ONE), now);
        handle(&mut ctl, &text_frame(WINDOW * 2, "of before", false), now);
        let id = ctl.say("hello", now).unwrap();
        let _ = (frames(&mut ctl), events(&mut ctl));
        ctl.handle_open(peer, now);
        assert_eq!(frames(&mut ctl), [], "it may have been shown");
        assert_eq!(events(&mut ctl), [CtlEvent::Undelivered(id)]);
        handle(&mut ctl, &text_frame(0, "anew", false), now);
        assert_eq!(events(&mut ctl), [CtlEvent::Text("anew".to_owned())]);
    }
}

#[test]
fn a_conversation_is_named_by_16_bytes() {
    assert_eq!(Conversation::read(&[1; 16]), Some(ONE));
    assert_eq!(ONE.as_bytes(), &[1; 16]);
    for length in [0, 15, 17] {
        assert_eq!(Conversation::read(&vec![1; length]), None, "{length}");
    }
}

#[test]
fn a_text_that_fails_says_so_once() {
    let now = start();
    let mut ctl = begun(now);
    let id = ctl.say("hello", now).unwrap();
    ctl.handle_timeout(now + DELIVERY_LIMIT);
    assert_eq!(events(&mut ctl), [CtlEvent::Undelivered(id)]);
    handle(
        &mut ctl,
        &ControlFrame::Ack { id: id.0 },
        now + DELIVERY_LIMIT,
    );
    assert_eq!(events(&mut ctl), []);
}

#[test]
fn the_first_resend_waits_for_twice_the_round_trip_within_bounds() {
    for (trip_ms, wait_ms) in [
        (1, 40),
        (20, 40),
        (21, 42),
        (100, 200),
        (400, 800),
        (401, 800),
    ] {
        let now = start();
        let mut ctl = begun(now);
        let pong = ControlFrame::Pong {
            id: 0,
            sent_micros: 0,
        };
        let now = now + ms(trip_ms);
        handle(&mut ctl, &pong, now);
        ctl.say("hello", now).unwrap();
        assert_eq!(ctl.poll_timeout(), now + ms(wait_ms), "{trip_ms}");
    }
}

#[test]
fn a_text_that_comes_again_is_acknowledged_again_and_shown_once() {
    let now = start();
    let mut ctl = begun(now);
    for _ in 0..2 {
        handle(&mut ctl, &text_frame(7, "hello", true), now);
        assert_eq!(frames(&mut ctl), [ControlFrame::Ack { id: 7 }]);
    }
    assert_eq!(events(&mut ctl), [CtlEvent::Text("hello".to_owned())]);
    assert_eq!(ctl.counts().duplicates, 1);
}

#[test]
fn a_text_behind_the_window_is_neither_shown_nor_acknowledged() {
    let now = start();
    let mut ctl = begun(now);
    handle(&mut ctl, &text_frame(WINDOW, "new", false), now);
    handle(&mut ctl, &text_frame(0, "old", true), now);
    assert_eq!(frames(&mut ctl), []);
    assert_eq!(events(&mut ctl), [CtlEvent::Text("new".to_owned())]);
}

#[test]
fn a_whisper_is_sent_once_and_not_acknowledged() {
    let now = start();
    let (mut ours, mut theirs) = (begun(now), begun(now));
    ours.whisper("hello").unwrap();
    let (channel, bytes) = ours.poll_transmit().unwrap();
    assert_eq!(channel, FrameChannel::Ctl);
    theirs.handle_frame(&bytes, now);
    assert_eq!(events(&mut theirs), [CtlEvent::Text("hello".to_owned())]);
    assert_eq!(frames(&mut theirs), []);
    ours.handle_timeout(now + ms(1999));
    assert_eq!(frames(&mut ours), []);
}

#[test]
fn a_resent_command_runs_once() {
    let now = start();
    let mut ctl = begun(now);
    let (name, args) = ("media".to_owned(), BTreeMap::new());
    let frame = ControlFrame::Command { id: 3, name, args };
    handle(&mut ctl, &frame, now);
    handle(&mut ctl, &frame, now);
    assert_eq!(events(&mut ctl).len(), 1);
    assert_eq!(frames(&mut ctl), []);
}

#[test]
fn figures_travel_on_telemetry_and_commands_on_ctl() {
    let mut ctl = begun(start());
    ctl.report([("rttMs".to_owned(), Value::from(1.5))].into())
        .unwrap();
    assert_eq!(ctl.poll_transmit().unwrap().0, FrameChannel::Telemetry);
    ctl.command("revoked", BTreeMap::new()).unwrap();
    assert_eq!(ctl.poll_transmit().unwrap().0, FrameChannel::Ctl);
}

#[test]
fn pings_go_every_2_s_and_are_answered_with_what_they_hold() {
    let now = start();
    let mut ctl = begun(now);
    assert_eq!(ctl.poll_timeout(), now + ms(2000));
    ctl.handle_timeout(now + ms(1999));
    assert_eq!(frames(&mut ctl), []);
    ctl.handle_timeout(now + ms(2001));
    let sent_micros = 2_001_000;
    assert_eq!(
        frames(&mut ctl),
        [ControlFrame::Ping { id: 1, sent_micros }]
    );
    assert_eq!(ctl.poll_timeout(), now + ms(4001));
    let (id, sent_micros) = (77, 123_456);
    handle(&mut ctl, &ControlFrame::Ping { id, sent_micros }, now);
    assert_eq!(frames(&mut ctl), [ControlFrame::Pong { id, sent_micros }]);
}

#[test]
fn percentiles_are_those_of_the_last_100_round_trips() {
    let mut now = start();
    let mut ctl = begun(now);
    assert_eq!(ctl.round_trip(), None);
    // One of 9 s that has left the window at the end, then 1 to 100 ms.
    let trips = std::iter::once(9000).chain(1..=100);
    let mut ping = ControlFrame::Pong {
        id: 0,
        sent_micros: 0,
    };
    for trip in trips {
        handle(&mut ctl, &ping, now + ms(trip));
        now = ctl.poll_timeout();
        ctl.handle_timeout(now);
        ping = match frames(&mut ctl)[..] {
            [ControlFrame::Ping { id, sent_micros }] => ControlFrame::Pong { id, sent_micros },
            ref other => panic!("{other:?}"),
        };
    }
    let (p50, p95, p99) = (ms(51), ms(96), ms(100));
    assert_eq!(ctl.round_trip(), Some(RoundTrip { p50, p95, p99 }));
}

#[test]
fn a_pong_that_no_ping_explains_or_that_comes_again_is_no_figure() {
    let now = start();
    let mut ctl = begun(now);
    let pong = |id, sent_micros| ControlFrame::Pong { id, sent_micros };
    handle(&mut ctl, &pong(1, 0), now + ms(5));
    handle(&mut ctl, &pong(0, 1), now + ms(5));
    assert_eq!(ctl.round_trip(), None);
    handle(&mut ctl, &pong(0, 0), now + ms(5));
    handle(&mut ctl, &pong(0, 0), now + ms(500));
    assert_eq!(ctl.round_trip().unwrap().p99, ms(5));
}

#[test]
fn texts_of_2001_characters_are_refused_here_and_dropped_there() {
    let now = start();
    let mut ctl = begun(now);
    let text = "a".repeat(2001);
    assert!(matches!(ctl.say(&text, now), Err(SayError::Frame(_))));
    assert!(ctl.whisper(&text).is_err());
    let mut bytes = text_frame(1, &text[..2000], true).encode().unwrap();
    // The length of the text, and one more character before the wish for an ack.
    bytes[5] += 1;
    bytes.insert(6, b'a');
    ctl.handle_frame(&bytes, now);
    assert_eq!(ctl.counts().malformed, 1);
    assert_eq!((frames(&mut ctl), events(&mut ctl)), (vec![], vec![]));
}

#[test]
fn one_text_above_the_limit_of_pending_ones_is_refused() {
    let now = start();
    let mut ctl = begun(now);
    for _ in 0..MAX_PENDING_TEXTS {
        ctl.say("hello", now).unwrap();
    }
    assert_eq!(ctl.say("hello", now), Err(SayError::TooManyPending));
    ctl.close();
    assert_eq!(events(&mut ctl).len(), MAX_PENDING_TEXTS);
    assert_eq!(frames(&mut ctl), []);
    assert!(ctl.say("hello", now).is_ok());
}

#[test]
fn one_frame_above_the_queue_is_dropped_and_counted() {
    let now = start();
    let mut ctl = begun(now);
    let ping = ControlFrame::Ping {
        id: 1,
        sent_micros: 1,
    };
    for _ in 0..=MAX_QUEUED_FRAMES {
        handle(&mut ctl, &ping, now);
    }
    assert_eq!(ctl.counts().overflowed, 1);
    assert_eq!(frames(&mut ctl).len(), MAX_QUEUED_FRAMES);
}
