use stun_types::attribute::XorMappedAddress;
use stun_types::message::{BINDING, Message, MessageClass, MessageType, MessageWriteVec};
use stun_types::prelude::*;

use super::*;

const HOME: &str = "10.0.0.2:4000";
const SERVER: &str = "203.0.113.10:3478";

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn asked(url: &str, policy: IcePolicy, now: Instant) -> Inquiry {
    let server = IceServer {
        urls: vec![url.to_owned()],
        username: Some("user".to_owned()),
        credential: Some("secret".to_owned()),
    };
    let sockets = BTreeSet::from([addr(HOME)]);
    Inquiry::new(&[server], policy, &sockets, [1; 32], now)
}

/// The datagrams that were ordered since the last look.
fn datagrams(inquiry: &mut Inquiry) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    while let Some(output) = inquiry.poll_output() {
        if let Output::Datagram { bytes, .. } = output {
            sent.push(bytes);
        }
    }
    sent
}

/// The server's answer: it saw this address (RFC 8489 §6.3.1).
fn answer(request: &[u8], seen: &str) -> Vec<u8> {
    let request = Message::from_bytes(request).expect("a request");
    let id = request.transaction_id();
    let kind = MessageType::from_class_method(MessageClass::Success, BINDING);
    let mut message = Message::builder(kind, id, MessageWriteVec::new());
    let mapped = XorMappedAddress::new(addr(seen), id);
    message.add_attribute(&mapped).expect("it fits");
    message.finish()
}

#[test]
fn the_address_before_a_nat_is_told_with_the_time_that_it_took() {
    let now = Instant::now();
    let mut inquiry = asked("stun:203.0.113.10:3478", IcePolicy::All, now);
    let [request] = <[_; 1]>::try_from(datagrams(&mut inquiry)).expect("one question");
    assert!(!inquiry.is_settled(now));
    let later = now + Duration::from_millis(30);
    let reply = answer(&request, "198.51.100.1:6000");
    inquiry.handle_datagram(addr(HOME), addr(SERVER), &reply, later);
    assert!(inquiry.is_settled(later));
    let gathered = inquiry.close(later);
    assert_eq!(gathered.srflx, ["198.51.100.1:6000"]);
    assert_eq!(gathered.took_ms, Some(30.0));
    assert!(gathered.is_complete && gathered.errors.is_empty());
}

#[test]
fn the_own_address_is_an_answer_and_no_other_address() {
    let now = Instant::now();
    let mut inquiry = asked("stun:203.0.113.10:3478", IcePolicy::All, now);
    let request = datagrams(&mut inquiry).remove(0);
    inquiry.handle_datagram(addr(HOME), addr(SERVER), &answer(&request, HOME), now);
    let gathered = inquiry.close(now);
    assert!(gathered.srflx.is_empty() && gathered.is_complete);
}

#[test]
fn a_silent_server_is_asked_again_and_has_not_answered() {
    let start = Instant::now();
    let mut inquiry = asked("stun:203.0.113.10:3478", IcePolicy::All, start);
    let mut questions = 0;
    let mut now = start;
    while now < start + Duration::from_secs(5) {
        questions += datagrams(&mut inquiry).len();
        assert!(!inquiry.is_settled(now), "it may still answer");
        now = inquiry.poll_timeout().expect("it is asked again");
        inquiry.handle_timeout(now);
    }
    assert!(questions > 3, "{questions} questions");
    assert!(!inquiry.close(now).is_complete);
}

#[test]
fn a_name_without_an_address_is_told() {
    let now = Instant::now();
    let mut inquiry = asked("stun:nobody.test", IcePolicy::All, now);
    assert!(!inquiry.is_settled(now), "the name is looked up");
    inquiry.handle_found("nobody.test", &[], now);
    assert!(inquiry.is_settled(now));
    let gathered = inquiry.close(now);
    assert!(!gathered.is_complete);
    assert_eq!(gathered.errors[0].text, "its name has no address");
}

#[test]
fn a_server_that_no_socket_reaches_is_told() {
    let now = Instant::now();
    for policy in [IcePolicy::All, IcePolicy::Relay] {
        let mut inquiry = asked("turn:[2001:db8::1]:3478", policy, now);
        assert!(inquiry.is_settled(now), "{policy:?}");
        let gathered = inquiry.close(now);
        assert_eq!(gathered.errors[0].code, NOT_REACHED, "{policy:?}");
        assert!(!gathered.is_complete, "{policy:?}");
    }
}

#[test]
fn a_stream_that_does_not_come_up_is_told_with_the_reason() {
    let now = Instant::now();
    let url = "turn:203.0.113.10:3478?transport=tcp";
    let mut inquiry = asked(url, IcePolicy::Relay, now);
    let Some(Output::OpenStream { stream, .. }) = inquiry.poll_output() else {
        panic!("a stream is asked for");
    };
    inquiry.handle_stream_closed(stream, "connection refused", now);
    assert!(inquiry.is_settled(now));
    let gathered = inquiry.close(now);
    assert_eq!(gathered.relays, 0);
    assert_eq!(gathered.errors[0].text, "connection refused");
}
