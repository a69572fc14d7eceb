use super::*;

#[expect(clippy::disallowed_methods, reason = "some instant to begin at")]
fn start() -> Instant {
    Instant::now()
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn picture(shade: u8) -> Picture {
    Picture::from_fn(2, 2, |_, _| [shade; 3])
}

fn announcement(seq: i64) -> BTreeMap<String, Value> {
    announcement_of(seq, 30_000)
}

fn announcement_of(seq: i64, bytes: i64) -> BTreeMap<String, Value> {
    let figures = [("seq", seq), ("bytes", bytes), ("encodeMs", 12)];
    figures
        .map(|(name, value)| (name.to_owned(), Value::Integer(value)))
        .into()
}

fn drain(receiver: &mut StillsReceiver) -> Vec<ReceiverOutput> {
    std::iter::from_fn(|| receiver.poll_output()).collect()
}

fn stills(receiver: &mut StillsReceiver) -> Vec<u64> {
    let seq = |output| match output {
        ReceiverOutput::Still(still) => Some(still.seq),
        _ => None,
    };
    drain(receiver).into_iter().filter_map(seq).collect()
}

/// Lets time pass; the milliseconds after `from` at which it asked.
fn asks(receiver: &mut StillsReceiver, from: Instant, time: Duration) -> Vec<u128> {
    let mut asked = Vec::new();
    while let Some(due) = receiver.poll_timeout().filter(|due| *due <= from + time) {
        receiver.handle_timeout(due);
        for output in drain(receiver) {
            assert_eq!(output, ReceiverOutput::AskKeyFrame);
            asked.push((due - from).as_millis());
        }
    }
    asked
}

#[test]
fn a_still_is_handed_on_as_it_arrives_and_told_to_its_sender() {
    let (mut receiver, now) = (StillsReceiver::new(20), start());
    receiver.handle_round_trip(ms(40));
    receiver.handle_command("still", &announcement(5), now);
    assert_eq!(receiver.poll_output(), None);
    receiver.handle_picture(picture(7), 29_000, now + ms(30));
    let still = ReceivedStill {
        seq: 5,
        bytes: 29_000,
        arrived_at: now + ms(30),
        latency: Some(ms(12 + 20 + 30)),
        asks: 0,
        picture: picture(7),
    };
    let figures = [("seq", 5), ("ms", 30)];
    let shown = figures.map(|(name, value)| (name.to_owned(), Value::Integer(value)));
    let expected = [
        ReceiverOutput::StillShown(shown.into()),
        ReceiverOutput::Still(still),
    ];
    assert_eq!(drain(&mut receiver), expected);
    assert_eq!(receiver.poll_timeout(), None);
}

#[test]
fn the_announcement_may_come_after_the_picture_but_not_long_after() {
    let (mut receiver, now) = (StillsReceiver::new(20), start());
    receiver.handle_picture(picture(1), 10, now);
    receiver.handle_command("still", &announcement(1), now + TOGETHER);
    assert_eq!(stills(&mut receiver), [1]);
    receiver.handle_picture(picture(2), 10, now + ms(3000));
    receiver.handle_command("still", &announcement(2), now + ms(3000) + TOGETHER + ms(1));
    assert!(stills(&mut receiver).is_empty(), "it is another picture's");
}

#[test]
fn a_still_that_comes_again_is_handed_on_once_and_told_again() {
    let (mut receiver, now) = (StillsReceiver::new(20), start());
    receiver.handle_command("still", &announcement(1), now);
    receiver.handle_picture(picture(1), 10, now);
    assert_eq!(stills(&mut receiver), [1]);
    for order in [[0, 1], [1, 0]] {
        for step in order {
            match step {
                0 => receiver.handle_command("still", &announcement(1), now),
                _ => receiver.handle_picture(picture(1), 10, now),
            }
        }
        let outputs = drain(&mut receiver);
        assert!(
            matches!(outputs[..], [ReceiverOutput::StillShown(_)]),
            "{outputs:?}"
        );
    }
    receiver.handle_command("still", &announcement(2), now + ms(3000));
    assert!(
        stills(&mut receiver).is_empty(),
        "the picture of before is not the next still"
    );
    receiver.handle_picture(picture(2), 10, now + ms(3010));
    assert_eq!(stills(&mut receiver), [2]);
}

#[test]
fn a_late_copy_of_the_last_still_does_not_pass_for_the_next_one() {
    for announced_first in [false, true] {
        let (mut receiver, now) = (StillsReceiver::new(20), start());
        receiver.handle_command("still", &announcement_of(1, 10), now);
        receiver.handle_picture(picture(1), 10, now);
        assert_eq!(stills(&mut receiver), [1]);
        if announced_first {
            receiver.handle_command("still", &announcement_of(2, 11), now + ms(20));
        }
        receiver.handle_picture(picture(1), 10, now + ms(30));
        if !announced_first {
            receiver.handle_command("still", &announcement_of(2, 11), now + ms(40));
        }
        assert!(stills(&mut receiver).is_empty());
        receiver.handle_picture(picture(2), 11, now + ms(50));
        assert_eq!(stills(&mut receiver), [2]);
    }
}

#[test]
fn a_still_that_does_not_come_is_asked_for_within_a_round_trip_and_not_for_ever() {
    let (mut receiver, now) = (StillsReceiver::new(20), start());
    receiver.handle_round_trip(ms(50));
    receiver.handle_command("still", &announcement(1), now);
    let asked = asks(&mut receiver, now, ms(60_000));
    assert_eq!(asked[0], 100);
    assert_eq!(asked.len(), MAX_ASKS as usize, "{asked:?}");
    receiver.handle_picture(picture(1), 10, now + ms(60_000));
    assert_eq!(stills(&mut receiver), [1], "late is better than never");
}

#[test]
fn a_still_that_is_under_way_is_waited_for() {
    let (mut receiver, now) = (StillsReceiver::new(20), start());
    receiver.handle_round_trip(ms(50));
    receiver.handle_command("still", &announcement(1), now);
    for packet in 1..=10 {
        receiver.handle_packet(now + ms(packet * 90));
        assert!(asks(&mut receiver, now, ms(packet * 90 + 89)).is_empty());
    }
    assert_eq!(asks(&mut receiver, now, ms(1000)), [1000]);
}

#[test]
fn packets_that_never_make_a_frame_do_not_put_off_asking_for_ever() {
    let (mut receiver, now) = (StillsReceiver::new(20), start());
    receiver.handle_round_trip(ms(50));
    receiver.handle_command("still", &announcement(1), now);
    let mut asked = Vec::new();
    for packet in 1..=300 {
        receiver.handle_packet(now + ms(packet * 10));
        asked.extend(asks(&mut receiver, now, ms(packet * 10)));
    }
    assert_eq!(asked[0], LONGEST_TRANSFER.as_millis());
}

#[test]
fn damage_is_asked_about_at_once_and_once_a_round_trip() {
    let (mut receiver, now) = (StillsReceiver::new(20), start());
    receiver.handle_round_trip(ms(50));
    for _ in 0..100 {
        receiver.handle_damage(now);
    }
    assert_eq!(drain(&mut receiver), [ReceiverOutput::AskKeyFrame]);
    receiver.handle_command("still", &announcement(1), now);
    for _ in 0..100 {
        receiver.handle_damage(now + ms(10));
    }
    assert!(drain(&mut receiver).is_empty());
    assert_eq!(receiver.poll_timeout(), Some(now + ms(100)));
    receiver.handle_damage(now + ms(100));
    assert_eq!(drain(&mut receiver), [ReceiverOutput::AskKeyFrame]);
}

#[test]
fn as_many_as_wanted_are_kept_and_no_more() {
    let (mut receiver, now) = (StillsReceiver::new(3), start());
    for seq in 1..=4 {
        receiver.handle_command("still", &announcement(seq), now);
        receiver.handle_picture(picture(1), 10, now);
    }
    let kept: Vec<u64> = receiver.kept().map(|still| still.seq).collect();
    assert_eq!(kept, [4, 3, 2]);
}

#[test]
fn words_that_make_no_sense_are_not_heard() {
    let (mut receiver, now) = (StillsReceiver::new(20), start());
    receiver.handle_command("still", &BTreeMap::new(), now);
    receiver.handle_command("still", &announcement(-1), now);
    receiver.handle_command("stil", &announcement(1), now);
    let text = BTreeMap::from([("seq".to_owned(), Value::Text("1".to_owned()))]);
    receiver.handle_command("still", &text, now);
    assert_eq!(receiver.poll_timeout(), None);
    receiver.handle_picture(picture(1), 10, now);
    assert!(drain(&mut receiver).is_empty());
}
