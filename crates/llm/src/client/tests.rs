//! Given what the host says, what is asked for and told.

use proptest::prelude::*;
use protocol::llm::ChatOptions;
use serde_json::{Value, json};

use super::*;

fn chat(id: &str) -> Chat {
    Chat {
        id: Some(ChatId::new(id).expect("an id")),
        model: "m".to_owned(),
        prompt: Some("Hello".to_owned()),
        messages: Vec::new(),
        stream: true,
        options: ChatOptions::default(),
    }
}

fn hear(client: &mut Client, message: &Value) {
    client.handle_message(message.to_string().as_bytes());
}

fn sent(client: &mut Client) -> Vec<Value> {
    let messages = std::iter::from_fn(|| client.poll_transmit());
    let read = |message: Vec<u8>| serde_json::from_slice(&message).expect("JSON");
    messages.map(read).collect()
}

fn texts(client: &mut Client) -> String {
    let events = std::iter::from_fn(|| client.poll_event());
    let texts = events.map(|event| match event {
        ClientEvent::Text(_, text) => text,
        other => format!("{other:?}"),
    });
    texts.collect()
}

fn delta(seq: u64) -> Value {
    json!({"op": "delta", "id": "c1", "seq": seq, "content": format!("{seq} ")})
}

#[test]
fn what_is_asked_before_the_channel_opens_is_said_then() {
    let mut client = Client::default();
    client.ask(chat("c1")).expect("asked");
    client.list_models();
    assert!(!client.has_transmit());
    client.handle_opened();
    let ops: Vec<_> = sent(&mut client)
        .iter()
        .map(|it| it["op"].clone())
        .collect();
    assert_eq!(ops, ["models", "chat"]);
}

#[test]
fn pieces_are_told_once_and_in_order_and_a_gap_is_asked_for_once() {
    let mut client = Client::default();
    client.handle_opened();
    client.ask(chat("c1")).expect("asked");
    sent(&mut client);
    for seq in [1, 1, 3, 4, 2, 3, 3] {
        hear(&mut client, &delta(seq));
    }
    assert_eq!(texts(&mut client), "1 2 3 ");
    let asked = sent(&mut client);
    assert_eq!(asked, [json!({"op": "resume", "id": "c1", "after": 1})]);
}

#[test]
fn a_chat_goes_on_behind_its_last_piece_when_the_channel_opens_again() {
    let mut client = Client::default();
    client.handle_opened();
    client.ask(chat("c1")).expect("asked");
    hear(&mut client, &delta(1));
    sent(&mut client);
    client.handle_closed();
    client.handle_opened();
    let asked = sent(&mut client);
    assert_eq!(asked, [json!({"op": "resume", "id": "c1", "after": 1})]);
}

#[test]
fn a_chat_that_never_came_is_said_again_and_one_that_was_forgotten_has_failed() {
    let mut client = Client::default();
    client.handle_opened();
    client.ask(chat("c1")).expect("asked");
    client.handle_closed();
    client.handle_opened();
    sent(&mut client);
    let unknown = json!({"op": "error", "id": "c1", "code": "unknown-chat", "message": "no"});
    hear(&mut client, &unknown);
    assert_eq!(sent(&mut client)[0]["op"], "chat");
    hear(&mut client, &delta(1));
    client.handle_closed();
    client.handle_opened();
    hear(&mut client, &unknown);
    assert!(texts(&mut client).contains("unknown-chat"));
}

#[test]
fn an_answer_that_is_over_is_let_go() {
    let mut client = Client::default();
    client.handle_opened();
    client.ask(chat("c1")).expect("asked");
    sent(&mut client);
    hear(&mut client, &json!({"op": "done", "id": "c1", "seq": 1}));
    assert_eq!(sent(&mut client), [json!({"op": "cancel", "id": "c1"})]);
    hear(&mut client, &delta(2));
    assert!(!texts(&mut client).contains("2 "));
}

#[test]
fn a_host_that_says_too_much_is_stopped() {
    let mut client = Client::default();
    client.handle_opened();
    client.ask(chat("c1")).expect("asked");
    let piece = "x".repeat(MAX_ANSWER_BYTES / 64);
    for seq in 1..=65 {
        let delta = json!({"op": "delta", "id": "c1", "seq": seq, "content": piece});
        hear(&mut client, &delta);
    }
    let told = texts(&mut client);
    assert!(told.contains("answer-too-long"));
    assert!(told.starts_with(&"x".repeat(MAX_ANSWER_BYTES)));
}

#[test]
fn one_id_is_one_chat() {
    let mut client = Client::default();
    client.ask(chat("c1")).expect("asked");
    assert_eq!(client.ask(chat("c1")), Err(AskError::Doubled));
    let mut nameless = chat("c2");
    nameless.id = None;
    assert_eq!(client.ask(nameless), Err(AskError::NoId));
}

proptest! {
    #[test]
    fn whatever_a_host_says_nothing_breaks(message in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut client = Client::default();
        client.handle_opened();
        client.ask(chat("c1")).expect("asked");
        client.handle_message(&message);
    }
}
