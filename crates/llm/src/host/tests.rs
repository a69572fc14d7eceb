//! Given what a device and the model server say, what goes out.

use protocol::llm::{MAX_MESSAGE_BYTES, Reason};
use serde_json::{Value, json};

use super::*;

struct Stage {
    host: Host,
    now: Instant,
}

#[allow(clippy::disallowed_methods, reason = "tests begin at some time")]
fn stage(allowed: Allowed) -> Stage {
    let mut host = Host::new(allowed);
    host.handle_opened();
    Stage {
        host,
        now: Instant::now(),
    }
}

impl Stage {
    fn say(&mut self, message: &Value) {
        let message = message.to_string();
        self.host.handle_message(message.as_bytes(), self.now);
    }

    fn ask(&mut self, id: &str) -> AnswerKey {
        self.say(&json!({"op": "chat", "id": id, "model": "m", "prompt": "Hello"}));
        match self.host.poll_output() {
            Some(HostOutput::Start(key, _)) => key,
            other => panic!("the chat begins, not {other:?}"),
        }
    }

    fn tell(&mut self, key: AnswerKey, text: &str) {
        let event = UpstreamEvent::Text(text.to_owned());
        self.host.handle_upstream(key, event, self.now);
    }

    fn finish(&mut self, key: AnswerKey) {
        let (reason, usage) = (Reason::Stop, None);
        let end = UpstreamEvent::End { reason, usage };
        self.host.handle_upstream(key, end, self.now);
    }

    fn sent(&mut self) -> Vec<Value> {
        let messages = std::iter::from_fn(|| self.host.poll_transmit(self.now));
        let read = |message: Vec<u8>| serde_json::from_slice(&message).expect("JSON");
        messages.map(read).collect()
    }

    fn orders(&mut self) -> Vec<HostOutput> {
        std::iter::from_fn(|| self.host.poll_output()).collect()
    }

    fn code(&mut self) -> String {
        let sent = self.sent();
        let [one] = sent.as_slice() else {
            panic!("one refusal, not {sent:?}");
        };
        one["code"].as_str().expect("a code").to_owned()
    }
}

#[test]
fn an_answer_goes_out_as_it_comes() {
    let mut stage = stage(Allowed::All);
    let key = stage.ask("c1");
    stage.tell(key, "I'm");
    let first = json!({"op": "delta", "id": "c1", "seq": 1, "content": "I'm"});
    assert_eq!(stage.sent(), [first]);
    stage.tell(key, " fine");
    stage.finish(key);
    let rest = [
        json!({"op": "delta", "id": "c1", "seq": 2, "content": " fine"}),
        json!({"op": "done", "id": "c1", "seq": 3, "reason": "stop"}),
    ];
    assert_eq!(stage.sent(), rest);
    assert!(!stage.host.has_transmit());
}

#[test]
fn a_chat_without_an_id_is_given_one() {
    let mut stage = stage(Allowed::All);
    stage.say(&json!({"op": "chat", "model": "m", "prompt": "Hello", "stream": true}));
    let Some(HostOutput::Start(key, _)) = stage.host.poll_output() else {
        panic!("it begins");
    };
    stage.tell(key, "x");
    assert_eq!(stage.sent()[0]["id"], "h1");
}

#[test]
fn an_answer_that_is_not_streamed_comes_when_it_is_whole() {
    let mut stage = stage(Allowed::All);
    stage.say(&json!({"op": "chat", "id": "c1", "model": "m", "prompt": "x", "stream": false}));
    let Some(HostOutput::Start(key, _)) = stage.host.poll_output() else {
        panic!("it begins");
    };
    stage.tell(key, "one ");
    stage.tell(key, "two");
    assert_eq!(stage.sent(), Vec::<Value>::new());
    stage.finish(key);
    let sent = stage.sent();
    assert_eq!(sent[0]["content"], "one two");
    assert_eq!((sent.len(), &sent[1]["op"]), (2, &json!("done")));
}

#[test]
fn what_was_missed_is_sent_again_once_it_is_asked_for_and_not_before() {
    let mut stage = stage(Allowed::All);
    let key = stage.ask("c1");
    stage.tell(key, "a");
    stage.tell(key, "");
    assert_eq!(stage.sent().len(), 1);
    stage.tell(key, "b");
    assert_eq!(stage.sent().len(), 1);
    stage.host.handle_closed();
    stage.tell(key, "c");
    stage.tell(key, "d");
    stage.finish(key);
    stage.host.handle_opened();
    assert_eq!(stage.sent(), Vec::<Value>::new());
    stage.say(&json!({"op": "resume", "id": "c1", "after": 1}));
    let missed = [
        json!({"op": "delta", "id": "c1", "seq": 2, "content": "b"}),
        json!({"op": "delta", "id": "c1", "seq": 3, "content": "cd"}),
        json!({"op": "done", "id": "c1", "seq": 4, "reason": "stop"}),
    ];
    assert_eq!(stage.sent(), missed);
    stage.say(&json!({"op": "resume", "id": "c1", "after": 4}));
    assert_eq!(stage.sent(), Vec::<Value>::new());
    stage.say(&json!({"op": "resume", "id": "c1", "after": 5}));
    assert_eq!(stage.code(), "bad-message");
}

#[test]
fn a_cancelled_chat_stops_the_model_server_and_ends() {
    let mut stage = stage(Allowed::All);
    let key = stage.ask("c1");
    stage.say(&json!({"op": "cancel", "id": "c1"}));
    assert_eq!(stage.orders(), [HostOutput::Stop(key)]);
    stage.tell(key, "too late");
    let sent = stage.sent();
    assert_eq!(
        (&sent[0]["code"], &sent[0]["seq"]),
        (&json!("cancelled"), &json!(1))
    );
    stage.say(&json!({"op": "cancel", "id": "c1"}));
    stage.say(&json!({"op": "resume", "id": "c1", "after": 0}));
    assert_eq!(stage.code(), "unknown-chat");
}

#[test]
fn chats_take_turns() {
    let mut stage = stage(Allowed::All);
    let keys = ["a", "b", "c"].map(|id| stage.ask(id));
    let long = "x".repeat(3 * protocol::llm::MAX_PIECE_BYTES);
    stage.tell(keys[0], &long);
    stage.tell(keys[1], "y");
    stage.tell(keys[2], "z");
    let ids: Vec<_> = stage.sent().iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids, ["a", "b", "c", "a", "a"]);
}

#[test]
fn one_chat_too_many_is_refused_and_others_go_on() {
    let mut stage = stage(Allowed::All);
    let keys: Vec<_> = (0..MAX_RUNNING)
        .map(|at| stage.ask(&format!("c{at}")))
        .collect();
    for at in 0..1000 {
        stage.say(&json!({"op": "chat", "id": format!("d{at}"), "model": "m", "prompt": "x"}));
        assert_eq!(stage.code(), "too-many-chats");
    }
    stage.finish(keys[0]);
    stage.ask("e");
}

#[test]
fn what_is_over_longest_is_forgotten_first() {
    let mut stage = stage(Allowed::All);
    for at in 0..=MAX_REMEMBERED {
        stage.now += Duration::from_millis(1);
        let key = stage.ask(&format!("c{at}"));
        stage.finish(key);
        stage.sent();
    }
    stage.say(&json!({"op": "resume", "id": "c0", "after": 0}));
    assert_eq!(stage.code(), "unknown-chat");
    stage.say(&json!({"op": "resume", "id": "c1", "after": 0}));
    assert_eq!(stage.sent()[0]["op"], "done");
}

#[test]
fn an_id_is_used_once_and_another_devices_is_unknown() {
    let mut stage = stage(Allowed::All);
    stage.ask("c1");
    stage.say(&json!({"op": "chat", "id": "c1", "model": "m", "prompt": "x"}));
    assert_eq!(stage.code(), "chat-exists");
    let mut other = self::stage(Allowed::All);
    other.say(&json!({"op": "resume", "id": "c1", "after": 0}));
    assert_eq!(other.code(), "unknown-chat");
}

#[test]
fn a_device_uses_and_sees_the_models_that_it_is_allowed() {
    let mut stage = stage(Allowed::Only(["small".to_owned()].into()));
    stage.say(&json!({"op": "chat", "id": "c1", "model": "large", "prompt": "x"}));
    assert_eq!(stage.code(), "model-not-allowed");
    assert_eq!(stage.orders(), []);
    stage.say(&json!({"op": "models"}));
    stage.say(&json!({"op": "models"}));
    assert_eq!(stage.orders(), [HostOutput::ListModels]);
    stage
        .host
        .handle_models(Ok(vec!["large".to_owned(), "small".to_owned()]));
    assert_eq!(
        stage.sent(),
        [json!({"op": "models", "models": [{"name": "small"}]})]
    );
}

#[test]
fn a_list_that_is_too_long_is_cut_to_a_message() {
    let mut stage = stage(Allowed::All);
    let names = (0..10_000).map(|at| format!("model-{at}")).collect();
    stage.host.handle_models(Ok(names));
    let message = stage.host.poll_transmit(stage.now).expect("a list");
    assert!(message.len() <= MAX_MESSAGE_BYTES);
}

#[test]
fn an_answer_of_one_byte_too_many_ends_there() {
    let mut stage = stage(Allowed::All);
    let key = stage.ask("c1");
    stage.host.handle_closed();
    stage.tell(key, &"x".repeat(MAX_ANSWER_BYTES));
    assert_eq!(stage.orders(), []);
    stage.tell(key, "x");
    assert_eq!(stage.orders(), [HostOutput::Stop(key)]);
    stage.host.handle_opened();
    stage.say(&json!({"op": "resume", "id": "c1", "after": 0}));
    let sent = stage.sent();
    let content = |it: &Value| it["content"].as_str().unwrap_or_default().len();
    assert_eq!(sent.iter().map(content).sum::<usize>(), MAX_ANSWER_BYTES);
    assert_eq!(sent.last().expect("an end")["code"], "answer-too-long");
}

#[test]
fn a_reader_that_never_reads_lets_the_model_server_wait_and_is_given_up() {
    let mut stage = stage(Allowed::All);
    let key = stage.ask("c1");
    stage.tell(key, &"x".repeat(64 * 1024));
    assert_eq!(stage.orders(), []);
    stage.tell(key, "x");
    assert_eq!(stage.orders(), [HostOutput::Hold(key, true)]);
    assert_eq!(stage.host.poll_timeout(), Some(stage.now + ABSENCE_LIMIT));
    stage.now += ABSENCE_LIMIT;
    stage.host.handle_timeout(stage.now);
    assert_eq!(stage.orders(), [HostOutput::Stop(key)]);
    assert_eq!(stage.sent().last().expect("an end")["code"], "abandoned");
    stage.now += ABSENCE_LIMIT;
    stage.host.handle_timeout(stage.now);
    assert_eq!(stage.host.poll_timeout(), None);
}

#[test]
fn the_model_server_goes_on_once_half_is_read_or_nobody_is_there() {
    let mut stage = stage(Allowed::All);
    let key = stage.ask("c1");
    stage.tell(key, &"x".repeat(64 * 1024 + 1));
    stage.orders();
    while stage.orders().is_empty() {
        assert!(stage.host.poll_transmit(stage.now).is_some());
    }
    stage.tell(key, &"x".repeat(64 * 1024));
    assert_eq!(stage.orders(), [HostOutput::Hold(key, true)]);
    stage.host.handle_closed();
    assert_eq!(stage.orders(), [HostOutput::Hold(key, false)]);
}

#[test]
fn an_answer_survives_ten_minutes_and_no_more() {
    let mut stage = stage(Allowed::All);
    let key = stage.ask("c1");
    stage.host.handle_closed();
    stage.now += ABSENCE_LIMIT - Duration::from_millis(1);
    stage.host.handle_timeout(stage.now);
    assert_eq!(stage.orders(), []);
    stage.now += Duration::from_millis(1);
    stage.host.handle_timeout(stage.now);
    assert_eq!(stage.orders(), [HostOutput::Stop(key)]);
}

#[test]
fn refusals_that_nobody_reads_do_not_pile_up() {
    let mut stage = stage(Allowed::All);
    for _ in 0..1000 {
        stage.say(&json!({"op": "pull", "model": "m"}));
    }
    let sent = stage.sent();
    assert_eq!(sent.len(), MAX_REPLIES);
    assert_eq!(sent[0]["code"], "unknown-op");
}
