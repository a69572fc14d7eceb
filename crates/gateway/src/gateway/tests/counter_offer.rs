//! Viewers whose offers lack what is published (draft-ietf-wish-whep, 406).

use proptest::prelude::*;

use super::*;

/// A publisher of VP8 and Opus, and a viewer whose offer has no VP8: what it is answered with.
fn countered() -> (World, usize, usize, Answer) {
    let mut world = World::new();
    let publisher = world.join(Role::Publish);
    world.film(publisher, true);
    let (viewer, offer) = world.client(Role::Watch);
    let lacking = offer.to_sdp_string().replace("VP8/", "VP7/");
    let answer = world.offer_text(viewer, &lacking).expect("a session");
    (world, publisher, viewer, answer)
}

impl World {
    fn answer(&mut self, viewer: usize, sdp: &str) -> Result<(), PatchError> {
        let about = (self.clients[viewer].id, &cam0(), Role::Watch);
        self.gateway.handle_answer(about, sdp, self.now)
    }

    /// What the viewer answers to an offer.
    fn answer_of(&mut self, viewer: usize, offer: &str) -> String {
        let offer = SdpOffer::from_sdp_string(offer).expect("SDP");
        let answer = self.clients[viewer].rtc.sdp_api().accept_offer(offer);
        answer.expect("it can be answered").to_sdp_string()
    }
}

#[test]
fn who_lacks_what_is_published_is_offered_that_alone() {
    let (.., answer) = countered();
    assert!(answer.is_counter_offer);
    assert!(answer.sdp.contains("VP8/90000") && answer.sdp.contains("opus/48000/2"));
    for other in ["H264", "VP9", "AV1", "a=recvonly", "a=sendrecv"] {
        assert!(!answer.sdp.contains(other), "{other}: {}", answer.sdp);
    }
    assert!(answer.sdp.contains(&format!("a=ice-ufrag:{}", answer.tag)));
}

#[test]
fn who_answers_the_offer_sees_the_picture() {
    let (mut world, publisher, viewer, offer) = countered();
    let answer = world.answer_of(viewer, &offer.sdp);
    world.answer(viewer, &answer).expect("taken");
    world.run(Duration::from_secs(1));
    assert_eq!(world.pictures(viewer).len(), 1, "the kept key frame");
    for frame in 0..3 {
        world.film(publisher, frame == 0);
    }
    assert_eq!(world.pictures(viewer).len(), 4);
    let about = (world.clients[viewer].id, &cam0(), Role::Watch);
    let fragment = "a=ice-ufrag:none\r\na=ice-pwd:0123456789abcdefghijkl\r\n";
    let restarted = world
        .gateway
        .handle_patch(about, Some(Tag::Any), fragment, world.now);
    assert_eq!(restarted, Err(PatchError::NotRestartable));
}

#[test]
fn who_rejects_the_first_part_is_sent_the_other() {
    let (mut world, publisher, viewer, offer) = countered();
    let sections: Vec<&str> = offer.sdp.split("m=").skip(1).collect();
    assert!(
        sections
            .iter()
            .all(|section| section.contains("a=candidate:"))
    );
    let [audio, video] = sections[..] else {
        panic!("{sections:?}")
    };
    assert!(audio.starts_with("audio") && video.starts_with("video"));
    let answer = world.answer_of(viewer, &offer.sdp);
    let (session, answered) = answer.split_once("m=audio 9").expect("its sound");
    let picture = answered.split_once("m=video").expect("its picture").1;
    let mid = |section: &str| section.split_once("a=mid:").expect("a mid").1[..3].to_owned();
    let group = format!("a=group:BUNDLE {} {}", mid(audio), mid(video));
    assert!(session.contains(&group), "{session}");
    let rejecting = format!(
        "{}m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:{}\r\nm=video{picture}",
        session.replace(&group, &format!("a=group:BUNDLE {}", mid(video))),
        mid(audio),
    );
    world.answer(viewer, &rejecting).expect("taken");
    world.run(Duration::from_secs(1));
    world.film(publisher, true);
    assert_eq!(
        world.pictures(viewer).len(),
        2,
        "the kept key frame and another"
    );
}

#[test]
fn one_answer_is_taken_and_only_where_one_is_waited_for() {
    let (mut world, _, viewer, offer) = countered();
    let answer = world.answer_of(viewer, &offer.sdp);
    world.answer(viewer, &answer).expect("taken");
    assert_eq!(world.answer(viewer, &answer), Err(PatchError::NotOffered));
    let other = world.join(Role::Watch);
    assert_eq!(world.answer(other, &answer), Err(PatchError::NotOffered));
    world.clients[viewer].id = SessionId([0xee; 16]);
    assert_eq!(world.answer(viewer, &answer), Err(PatchError::NoSession));
}

#[test]
fn a_malformed_answer_is_refused_and_a_right_one_taken_after_it() {
    let (mut world, _, viewer, offer) = countered();
    let answer = world.answer_of(viewer, &offer.sdp);
    let long = format!("{answer}{}", "a=x\r\n".repeat(crate::MAX_SDP_BYTES / 5));
    for bad in [
        String::new(),
        "v=0\r\n".to_owned(),
        long,
        answer.replace("a=recvonly", "a=sendonly"),
        answer.replace("a=setup:passive", "a=setup:actpass"),
        answer.replace("a=setup:active", "a=setup:actpass"),
        answer.replace("a=fingerprint", "a=thumb"),
        answer.replace("a=ice-pwd", "a=pwd"),
        answer.replace("a=mid:", "a=mid:x"),
    ] {
        if bad == answer {
            continue;
        }
        let refused = world.answer(viewer, &bad);
        assert!(matches!(refused, Err(PatchError::Answer(_))), "{refused:?}");
    }
    world.answer(viewer, &answer).expect("taken");
}

#[test]
fn an_offer_that_nobody_answers_ends() {
    let (mut world, _, viewer, _) = countered();
    let about = |world: &World| (world.clients[viewer].id, cam0());
    let (id, stream) = about(&world);
    assert!(world.gateway.has_session(id, &stream, Role::Watch));
    world.run(crate::CONNECT_WITHIN);
    assert!(!world.gateway.has_session(id, &stream, Role::Watch));
}

#[test]
fn who_can_what_is_published_is_answered_also_without_its_other_codecs() {
    let mut world = World::new();
    let publisher = world.join(Role::Publish);
    world.film(publisher, true);
    let (viewer, offer) = world.client(Role::Watch);
    let fewer = offer.to_sdp_string().replace("AV1/", "AV9/");
    let answer = world.offer_text(viewer, &fewer).expect("a session");
    assert!(!answer.is_counter_offer);
}

proptest! {
    #[test]
    fn no_answer_harms(lines in prop::collection::vec(0usize..80, 0..6), words in "[ -~]{0,40}") {
        let (mut world, _, viewer, offer) = countered();
        let answer = world.answer_of(viewer, &offer.sdp);
        let mut text: Vec<&str> = answer.split_inclusive("\r\n").collect();
        for line in lines {
            let at = line % text.len();
            text[at] = &words;
        }
        // Whatever it is, it is taken or refused.
        let _ = world.answer(viewer, &text.concat());
    }
}
