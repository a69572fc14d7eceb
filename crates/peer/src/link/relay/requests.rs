//! Requests on their way to a TURN server over UDP: said again where an answer is late, and
//! answered once.
//!
//! The client waits a second before it repeats a request, since one that is answered 401 twice ends
//! it: an allocation and who may use it take three exchanges, so that every third link over a
//! network that loses 5 % would wait that long. Here a copy goes out after 250 ms, as browsers have
//! it, and what answers a request that was answered before is nobody's.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use stun_types::message::{Message, MessageClass, TransactionId};

/// The wait before a first copy; the next ones double.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Copies of one request; after those the client repeats by itself.
const MAX_COPIES: u32 = 2;
/// Requests that are remembered: a link has a few on their way.
const MAX_REQUESTS: usize = 64;

#[derive(Debug)]
struct Request {
    id: TransactionId,
    bytes: Vec<u8>,
    copies: u32,
    /// None once it was answered, or went often enough.
    due: Option<Instant>,
    is_answered: bool,
}

/// The latest requests to one server.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<Request>);

impl Requests {
    /// A message went to the server, perhaps a request, perhaps one that went before.
    pub(super) fn handle_sent(&mut self, bytes: &[u8], now: Instant) {
        let Some(id) = transaction(bytes, &[MessageClass::Request]) else {
            return;
        };
        if self.0.iter().any(|request| request.id == id) {
            return;
        }
        if self.0.len() == MAX_REQUESTS {
            self.0.pop_front();
        }
        self.0.push_back(Request {
            id,
            bytes: bytes.to_vec(),
            copies: 0,
            due: Some(now + FIRST_WAIT),
            is_answered: false,
        });
    }

    /// Whether a message of the server is to be read: not one that answers what was answered.
    pub(super) fn is_news(&mut self, bytes: &[u8]) -> bool {
        let answers = [MessageClass::Success, MessageClass::Error];
        let Some(id) = transaction(bytes, &answers) else {
            return true;
        };
        let Some(request) = self.0.iter_mut().find(|request| request.id == id) else {
            return true;
        };
        request.due = None;
        !std::mem::replace(&mut request.is_answered, true)
    }

    /// The next request to say again.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        let is_due = |request: &&mut Request| request.due.is_some_and(|due| due <= now);
        let request = self.0.iter_mut().find(is_due)?;
        request.copies += 1;
        let wait = FIRST_WAIT * 2u32.pow(request.copies);
        request.due = (request.copies < MAX_COPIES).then(|| now + wait);
        Some(request.bytes.clone())
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.0.iter().filter_map(|request| request.due).min()
    }
}

/// The transaction of a STUN message of one of these classes. Data on a channel is none.
fn transaction(bytes: &[u8], classes: &[MessageClass]) -> Option<TransactionId> {
    // RFC 7983 §7.
    let is_stun = bytes.first().is_some_and(|first| *first < 4);
    let message = is_stun.then(|| Message::from_bytes(bytes).ok())??;
    let is_wanted = classes.iter().any(|class| message.has_class(*class));
    is_wanted.then(|| message.transaction_id())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use stun_types::message::{BINDING, MessageType, MessageWriteVec};
    use stun_types::prelude::*;

    use super::*;

    fn message(class: MessageClass, id: u128) -> Vec<u8> {
        let kind = MessageType::from_class_method(class, BINDING);
        Message::builder(kind, TransactionId::from(id), MessageWriteVec::new()).finish()
    }

    /// When copies go out, in milliseconds from the start.
    fn copies(requests: &mut Requests, start: Instant) -> Vec<u128> {
        let mut times = Vec::new();
        while let Some(due) = requests.poll_timeout() {
            while requests.poll_transmit(due).is_some() {
                times.push((due - start).as_millis());
            }
        }
        times
    }

    #[test]
    fn a_request_without_an_answer_is_said_twice_again() {
        let (mut requests, start) = (Requests::default(), Instant::now());
        requests.handle_sent(&message(MessageClass::Request, 1), start);
        assert_eq!(copies(&mut requests, start), [250, 750]);
        let again = start + Duration::from_secs(1);
        requests.handle_sent(&message(MessageClass::Request, 1), again);
        assert_eq!(requests.poll_timeout(), None, "the client repeats it");
    }

    #[test]
    fn an_answer_is_news_once_and_ends_the_copies() {
        for class in [MessageClass::Success, MessageClass::Error] {
            let (mut requests, start) = (Requests::default(), Instant::now());
            requests.handle_sent(&message(MessageClass::Request, 1), start);
            requests.handle_sent(&message(MessageClass::Request, 2), start);
            assert!(requests.is_news(&message(class, 1)));
            assert!(!requests.is_news(&message(class, 1)));
            assert_eq!(copies(&mut requests, start), [250, 750], "the other's");
            assert!(requests.is_news(&message(class, 2)), "also when it is late");
        }
    }

    #[test]
    fn what_is_no_answer_is_always_news_and_never_said_again() {
        let (mut requests, start) = (Requests::default(), Instant::now());
        let indication = message(MessageClass::Indication, 1);
        for bytes in [indication.as_slice(), &[0x40, 0, 0, 0], &[], &[0, 1]] {
            requests.handle_sent(bytes, start);
            assert!(requests.is_news(bytes) && requests.is_news(bytes));
        }
        assert!(requests.is_news(&message(MessageClass::Success, 9)));
        assert_eq!(requests.poll_timeout(), None);
    }

    #[test]
    fn the_oldest_of_one_above_the_limit_is_forgotten() {
        let (mut requests, start) = (Requests::default(), Instant::now());
        for id in 0..=MAX_REQUESTS {
            requests.handle_sent(&message(MessageClass::Request, id as u128), start);
        }
        assert_eq!(requests.0.len(), MAX_REQUESTS);
        assert!(requests.is_news(&message(MessageClass::Success, 0)));
        assert!(requests.is_news(&message(MessageClass::Success, 0)));
    }
}
