//! Files between two sides whose link breaks, stalls and resumes at any moment: the same bytes
//! arrive, once, whatever happened in between.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, VecDeque};

use peer::files::{
    DiskReport, FileEvent, FileOffer, FileOrder, Files, IncomingId, OfferError, OutgoingId, Stored,
};
use proptest::prelude::*;
use protocol::file::{FileFrame, FileKey, MAX_OPEN_OFFERS, WINDOW_BYTES};

/// One side: its files, a disk in memory that answers when it is let, and what happened.
#[derive(Default)]
struct Side {
    files: Files,
    own: BTreeMap<OutgoingId, Vec<u8>>,
    parts: BTreeMap<FileKey, Vec<u8>>,
    open: BTreeMap<IncomingId, FileKey>,
    whole: Vec<(FileKey, Vec<u8>)>,
    orders: VecDeque<FileOrder>,
    events: Vec<FileEvent>,
    is_full: bool,
}

impl Side {
    fn drain(&mut self) {
        while let Some(order) = self.files.poll_order() {
            self.orders.push_back(order);
        }
        while let Some(event) = self.files.poll_event() {
            if let FileEvent::Offered { id, .. } = &event {
                self.files.accept(*id).unwrap();
            }
            self.events.push(event);
        }
        while let Some(order) = self.files.poll_order() {
            self.orders.push_back(order);
        }
    }

    fn execute_one(&mut self) {
        if let Some(order) = self.orders.pop_front()
            && let Some(report) = self.execute(order)
        {
            self.files.handle_report(report);
        }
        self.drain();
    }

    fn part(&mut self, id: IncomingId) -> Option<&mut Vec<u8>> {
        let key = self.open.get(&id)?;
        self.parts.get_mut(key)
    }

    fn execute(&mut self, order: FileOrder) -> Option<DiskReport> {
        match order {
            FileOrder::Read { id, offset, length } => {
                let offset_at = usize::try_from(offset).unwrap();
                let bytes = self.own[&id][offset_at..offset_at + length].to_vec();
                Some(DiskReport::Read { id, offset, bytes })
            }
            FileOrder::Release(_) => None,
            FileOrder::Begin { id, offer } => {
                let part = self.parts.entry(offer.key).or_default();
                let mut hasher = Box::new(blake3::Hasher::new());
                hasher.update(part);
                let offset = part.len() as u64;
                self.open.insert(id, offer.key);
                let stored = Stored { offset, hasher };
                Some(DiskReport::Begun { id, stored })
            }
            FileOrder::Write { id, offset, bytes } => {
                if self.is_full {
                    let code = "disk-full";
                    return Some(DiskReport::WriteFailed { id, code });
                }
                let part = self.part(id)?;
                assert_eq!(part.len() as u64, offset, "a write leaves a gap");
                part.extend(bytes);
                let offset = part.len() as u64;
                Some(DiskReport::Written { id, offset })
            }
            FileOrder::Restart(id) => {
                self.part(id)?.clear();
                None
            }
            FileOrder::Finish(id) => {
                let key = self.open.remove(&id)?;
                let bytes = self.parts.remove(&key)?;
                self.whole.push((key, bytes));
                let name = String::new();
                Some(DiskReport::Finished { id, name })
            }
            FileOrder::Close { id, keep } => {
                let key = self.open.remove(&id)?;
                if !keep {
                    self.parts.remove(&key);
                }
                None
            }
        }
    }
}

/// Two sides and the frames between them, which keep their order and may all be lost at once.
#[derive(Default)]
struct World {
    sides: [Side; 2],
    lines: [VecDeque<Vec<u8>>; 2],
}

impl World {
    fn opened() -> Self {
        let mut world = Self::default();
        world.reopen();
        world
    }

    fn reopen(&mut self) {
        self.lines = Default::default();
        for side in &mut self.sides {
            side.files.handle_closed();
            side.drain();
            side.files.handle_opened();
            side.drain();
        }
    }

    fn add(&mut self, side: usize, key: u8, bytes: Vec<u8>) -> OutgoingId {
        let offer = FileOffer {
            name: format!("{key}.bin"),
            size: bytes.len() as u64,
            key: FileKey([key; 16]),
        };
        let id = self.sides[side].files.offer(offer).unwrap();
        self.sides[side].own.insert(id, bytes);
        id
    }

    fn send_one(&mut self, side: usize) -> bool {
        let frame = self.sides[side].files.poll_transmit();
        self.sides[side].drain();
        let sent = frame.is_some();
        self.lines[side].extend(frame);
        sent
    }

    fn deliver_one(&mut self, from: usize) -> bool {
        let Some(frame) = self.lines[from].pop_front() else {
            return false;
        };
        self.sides[1 - from].files.handle_frame(&frame);
        self.sides[1 - from].drain();
        true
    }

    /// Until nothing moves.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            for side in 0..2 {
                moved |= self.send_one(side) | self.deliver_one(side);
                moved |= !self.sides[side].orders.is_empty();
                self.sides[side].execute_one();
            }
            if !moved {
                return;
            }
        }
    }

    fn frames(&mut self, side: usize) -> Vec<FileFrame> {
        let files = &mut self.sides[side].files;
        std::iter::from_fn(|| files.poll_transmit())
            .map(|bytes| FileFrame::decode(&bytes).unwrap())
            .collect()
    }

    fn say(&mut self, to: usize, frame: &FileFrame) {
        self.sides[to].files.handle_frame(&frame.encode().unwrap());
        self.sides[to].drain();
    }

    fn work(&mut self, side: usize) {
        while !self.sides[side].orders.is_empty() {
            self.sides[side].execute_one();
        }
    }
}

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(&[seed])
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

fn offer(id: u32, size: u64) -> FileFrame {
    let key = FileKey([u8::try_from(id).unwrap(); 16]);
    let name = "x".to_owned();
    FileFrame::Offer {
        id,
        name,
        size,
        key,
    }
}

/// What may happen between two sides.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Send(usize),
    Deliver(usize),
    Disk(usize),
    Break,
    /// What the receiver stored last is damaged, as by a lost power.
    Damage(usize),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        20 => (0..2_usize).prop_map(Happening::Send),
        20 => (0..2_usize).prop_map(Happening::Deliver),
        20 => (0..2_usize).prop_map(Happening::Disk),
        2 => Just(Happening::Break),
        1 => (0..2_usize).prop_map(Happening::Damage),
    ]
}

#[test]
fn a_late_answer_of_the_disk_is_not_about_the_file_of_the_next_channel() {
    let mut world = World::opened();
    world.add(0, 1, vec![7]);
    for _ in 0..2 {
        assert!(world.send_one(0), "the file is offered");
        assert!(world.deliver_one(0));
        assert!(!world.send_one(1), "the disk has not looked yet");
        if world.sides[1].orders.len() == 1 {
            world.reopen();
        }
    }
    world.sides[1].execute_one();
    assert!(!world.send_one(1), "it looked for the channel before");
    world.settle();
    assert_eq!(world.sides[1].whole.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_interleaving_of_breaks_and_resumes_yields_the_same_bytes(
        sizes in proptest::collection::vec((0..2_usize, 0..600_000_usize), 1..5),
        happenings in proptest::collection::vec(any_happening(), 0..400),
    ) {
        let mut world = World::opened();
        for (key, (side, size)) in (0_u8..).zip(&sizes) {
            world.add(*side, key, bytes(*size, key));
        }
        for happening in happenings {
            match happening {
                Happening::Send(side) => { world.send_one(side); }
                Happening::Deliver(side) => { world.deliver_one(side); }
                Happening::Disk(side) => world.sides[side].execute_one(),
                Happening::Break => world.reopen(),
                Happening::Damage(side) => {
                    // Only between channels: what is open was hashed as it came.
                    world.reopen();
                    world.work(side);
                    let side = &mut world.sides[side];
                    if side.open.is_empty()
                        && let Some(part) = side.parts.values_mut().next()
                        && let Some(last) = part.last_mut()
                    {
                        *last ^= 1;
                    }
                }
            }
        }
        world.reopen();
        world.settle();
        for (key, (from, size)) in (0_u8..).zip(&sizes) {
            let whole = &world.sides[1 - from].whole;
            let arrived: Vec<_> = whole.iter().filter(|(k, _)| k.0 == [key; 16]).collect();
            prop_assert_eq!(arrived.len(), 1, "file {} of {} bytes", key, size);
            prop_assert!(arrived[0].1 == bytes(*size, key));
        }
        for side in &world.sides {
            let sent = side.events.iter().filter(|event| matches!(event, FileEvent::Sent(_)));
            prop_assert_eq!(sent.count(), side.own.len());
            let failed = side.events.iter().find(|event| {
                matches!(event, FileEvent::NotSent { .. } | FileEvent::NotReceived { .. })
            });
            prop_assert_eq!(failed, None);
        }
    }

    #[test]
    fn changed_frames_never_panic_and_never_store_wrong_bytes(
        size in 1..100_000_usize,
        changes in proptest::collection::vec((0..200_usize, any::<prop::sample::Index>(), 1_u8..), 1..20),
    ) {
        let mut world = World::opened();
        world.add(0, 7, bytes(size, 7));
        for step in 0..200 {
            for side in 0..2 {
                world.send_one(side);
                for (_, at, flip) in changes.iter().filter(|(when, ..)| *when == step) {
                    if let Some(frame) = world.lines[side].back_mut() {
                        let at = at.index(frame.len());
                        frame[at] ^= flip;
                    }
                }
                world.deliver_one(side);
                world.sides[side].execute_one();
            }
        }
        for (_, whole) in &world.sides[1].whole {
            prop_assert!(*whole == bytes(size, 7) || whole.is_empty());
        }
    }
}

#[test]
fn a_sender_runs_no_further_ahead_than_the_window() {
    let mut world = World::opened();
    world.add(0, 1, bytes(6 * 1024 * 1024, 1));
    world.send_one(0);
    world.deliver_one(0);
    world.work(1);
    world.send_one(1);
    world.deliver_one(1);
    let mut sent = 0;
    loop {
        world.work(0);
        let frames = world.frames(0);
        if frames.is_empty() {
            break;
        }
        for frame in frames {
            if let FileFrame::Chunk { bytes, .. } = frame {
                sent += bytes.len() as u64;
            }
        }
        world.sides[0].drain();
    }
    assert!(
        sent <= WINDOW_BYTES && sent > WINDOW_BYTES - 20_000,
        "{sent}"
    );
}

#[test]
fn a_sender_that_runs_further_ahead_is_refused() {
    let mut world = World::opened();
    world.say(1, &offer(1, 2 * WINDOW_BYTES));
    world.work(1);
    assert!(matches!(world.frames(1)[..], [FileFrame::Accept { .. }]));
    let chunk = |offset| FileFrame::Chunk {
        id: 1,
        offset,
        bytes: vec![0; 8192],
    };
    for offset in (0..WINDOW_BYTES).step_by(8192) {
        world.say(1, &chunk(offset));
    }
    assert_eq!(world.frames(1), []);
    world.say(1, &chunk(WINDOW_BYTES));
    let code = "bad-order".to_owned();
    assert_eq!(world.frames(1), [FileFrame::Refuse { id: 1, code }]);
}

#[test]
fn one_offer_above_the_limit_is_refused() {
    let mut world = World::opened();
    for id in 0..=u32::try_from(MAX_OPEN_OFFERS).unwrap() {
        world.say(1, &offer(id, 5));
    }
    world.work(1);
    let refused = world.frames(1).into_iter().filter_map(|frame| match frame {
        FileFrame::Refuse { id, code } => Some((id, code)),
        _ => None,
    });
    assert_eq!(refused.collect::<Vec<_>>(), [(64, "too-many".to_owned())]);
}

#[test]
fn what_breaks_the_order_is_refused_and_what_was_stored_stays() {
    let hash = [0; 32];
    for wrong in [
        FileFrame::Chunk {
            id: 1,
            offset: 2,
            bytes: vec![1],
        },
        FileFrame::Chunk {
            id: 1,
            offset: 0,
            bytes: vec![1],
        },
        FileFrame::Chunk {
            id: 1,
            offset: 1,
            bytes: vec![1; 5],
        },
        FileFrame::Done { id: 1, hash },
        offer(1, 5),
    ] {
        let mut world = World::opened();
        world.say(1, &offer(1, 5));
        world.work(1);
        let first = FileFrame::Chunk {
            id: 1,
            offset: 0,
            bytes: vec![1],
        };
        world.say(1, &first);
        world.work(1);
        world.frames(1);
        world.say(1, &wrong);
        world.work(1);
        let code = "bad-order".to_owned();
        assert_eq!(
            world.frames(1),
            [FileFrame::Refuse { id: 1, code }],
            "{wrong:?}"
        );
        assert_eq!(world.sides[1].parts[&FileKey([1; 16])], [1]);
    }
}

#[test]
fn a_wrong_hash_is_refused_and_nothing_is_kept() {
    let mut world = World::opened();
    world.say(1, &offer(1, 1));
    world.work(1);
    world.say(
        1,
        &FileFrame::Chunk {
            id: 1,
            offset: 0,
            bytes: vec![1],
        },
    );
    world.work(1);
    world.frames(1);
    world.say(
        1,
        &FileFrame::Done {
            id: 1,
            hash: [0; 32],
        },
    );
    world.work(1);
    let code = "hash-differs".to_owned();
    assert_eq!(world.frames(1), [FileFrame::Refuse { id: 1, code }]);
    assert!(world.sides[1].parts.is_empty() && world.sides[1].whole.is_empty());
}

#[test]
fn a_full_disk_is_told_to_the_sender_and_a_later_offer_goes_on() {
    let mut world = World::opened();
    let content = bytes(200_000, 3);
    let id = world.add(0, 3, content.clone());
    for _ in 0..12 {
        for side in 0..2 {
            world.send_one(side);
            world.deliver_one(side);
            world.sides[side].execute_one();
        }
    }
    world.sides[1].is_full = true;
    world.settle();
    let code = "disk-full".to_owned();
    assert!(
        world.sides[0]
            .events
            .contains(&FileEvent::NotSent { id, code })
    );
    let kept = world.sides[1].parts[&FileKey([3; 16])].len();
    assert!(kept > 0, "nothing was stored before the disk was full");
    world.sides[1].is_full = false;
    world.sides[0].own.clear();
    world.add(0, 3, content.clone());
    world.settle();
    assert_eq!(world.sides[1].whole, [(FileKey([3; 16]), content)]);
}

#[test]
fn a_file_that_was_finished_when_the_link_broke_does_not_come_twice() {
    let mut world = World::opened();
    let id = world.add(0, 4, bytes(10, 4));
    while world.sides[1].whole.is_empty() {
        for side in 0..2 {
            world.send_one(side);
            world.deliver_one(side);
            world.sides[side].execute_one();
        }
    }
    assert!(!world.sides[0].events.contains(&FileEvent::Sent(id)));
    // Twice, before anybody could say anything.
    world.reopen();
    world.reopen();
    world.settle();
    assert!(world.sides[0].events.contains(&FileEvent::Sent(id)));
    assert_eq!(world.sides[1].whole.len(), 1);
}

#[test]
fn a_file_that_is_taken_back_leaves_nothing_and_the_next_one_goes_on() {
    let mut world = World::opened();
    let first = world.add(0, 1, bytes(300_000, 1));
    world.add(0, 2, bytes(10, 2));
    for _ in 0..10 {
        for side in 0..2 {
            world.send_one(side);
            world.deliver_one(side);
            world.sides[side].execute_one();
        }
    }
    world.sides[0].files.cancel(first).unwrap();
    assert!(world.sides[0].files.cancel(first).is_err());
    world.settle();
    assert_eq!(world.sides[1].whole, [(FileKey([2; 16]), bytes(10, 2))]);
    assert!(world.sides[1].parts.is_empty());
}

#[test]
fn the_same_file_is_queued_once_and_names_and_sizes_have_limits() {
    let mut files = Files::default();
    let offer = |name: &str, size, key| FileOffer {
        name: name.to_owned(),
        size,
        key: FileKey([key; 16]),
    };
    assert!(
        files
            .offer(offer(&"a".repeat(1024), (1 << 53) - 1, 1))
            .is_ok()
    );
    assert_eq!(
        files.offer(offer("a", 1, 1)),
        Err(OfferError::AlreadyQueued)
    );
    assert_eq!(files.offer(offer("", 1, 2)), Err(OfferError::Name));
    assert_eq!(
        files.offer(offer(&"a".repeat(1025), 1, 2)),
        Err(OfferError::Name)
    );
    assert_eq!(files.offer(offer("a", 1 << 53, 2)), Err(OfferError::Size));
}

#[test]
fn one_file_above_the_queue_is_refused() {
    let mut files = Files::default();
    for number in 0..=peer::files::MAX_QUEUED_FILES as u64 {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&number.to_be_bytes());
        let offer = FileOffer {
            name: "a".to_owned(),
            size: 1,
            key: FileKey(key),
        };
        let is_one_too_many = number == peer::files::MAX_QUEUED_FILES as u64;
        assert_eq!(files.offer(offer).is_err(), is_one_too_many);
    }
}
