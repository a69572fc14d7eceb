//! Answers of model servers, well and badly formed, in pieces of any size.

use proptest::prelude::*;
use protocol::llm::{ChatOptions, Role, Stop, Turn};

use super::*;

const OLLAMA: &str = r#"{"model":"m","created_at":"2026-11-22T10:00:00Z","message":{"role":"assistant","content":"I'm"},"done":false}
{"model":"m","message":{"role":"assistant","content":" fine 😀"},"done":false}
{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"length","prompt_eval_count":12,"eval_count":8}
"#;
const OPENAI: &str = concat!(
    ": a comment\r\n\r\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\r\n\r\n",
    "event: message\ndata: {\"choices\":[{\"delta\":{\"content\":\"I'm\"},\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\" fine 😀\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":8}}\n\n",
    "data: [DONE]\n\n",
);

fn read(api: Api, body: &[u8], chunk: usize) -> Vec<UpstreamEvent> {
    let mut reader = Reader::new(api);
    let mut events = Vec::new();
    for bytes in body.chunks(chunk) {
        reader.handle_bytes(bytes);
        events.extend(std::iter::from_fn(|| reader.poll_event()));
    }
    reader.handle_end();
    events.extend(std::iter::from_fn(|| reader.poll_event()));
    events
}

fn failure(api: Api, body: &[u8]) -> Code {
    match read(api, body, 4096).pop() {
        Some(UpstreamEvent::Failed(error)) => error.code,
        other => panic!("it fails, not {other:?}"),
    }
}

fn whole() -> Vec<UpstreamEvent> {
    let usage = Some(Usage {
        prompt_tokens: Some(12),
        completion_tokens: Some(8),
    });
    vec![
        UpstreamEvent::Text("I'm".to_owned()),
        UpstreamEvent::Text(" fine 😀".to_owned()),
        UpstreamEvent::End {
            reason: Reason::Length,
            usage,
        },
    ]
}

#[test]
fn both_languages_are_read_however_the_network_cuts_them() {
    for chunk in [1, 2, 3, 7, 64, 4096] {
        assert_eq!(read(Api::Ollama, OLLAMA.as_bytes(), chunk), whole());
        assert_eq!(read(Api::OpenAi, OPENAI.as_bytes(), chunk), whole());
    }
}

#[test]
fn an_answer_that_breaks_off_is_not_whole() {
    let cut = |text: &str| text.len() / 2;
    let broken = Code::UpstreamBroken;
    assert_eq!(
        failure(Api::Ollama, &OLLAMA.as_bytes()[..cut(OLLAMA)]),
        broken
    );
    assert_eq!(
        failure(Api::OpenAi, &OPENAI.as_bytes()[..cut(OPENAI)]),
        broken
    );
    assert_eq!(failure(Api::Ollama, b""), broken);
    assert_eq!(failure(Api::Ollama, b"<html>\n"), broken);
    assert_eq!(failure(Api::OpenAi, b"data: <html>\n\n"), broken);
    assert_eq!(failure(Api::OpenAi, b"data: \xff\n\n"), broken);
}

#[test]
fn an_error_in_the_middle_is_told_in_the_model_servers_words() {
    let events = read(Api::Ollama, b"{\"error\":\"out of memory\"}\n", 99);
    let error = UpstreamError::new(Code::UpstreamRefused, "out of memory");
    assert_eq!(events, [UpstreamEvent::Failed(error.clone())]);
    let events = read(
        Api::OpenAi,
        b"data: {\"error\":{\"message\":\"out of memory\"}}\n\n",
        99,
    );
    assert_eq!(events, [UpstreamEvent::Failed(error)]);
}

#[test]
fn a_line_of_one_byte_too_many_is_refused_before_it_ends() {
    let line = |bytes: usize| {
        let frame = r#"{"message":{"content":""},"done":true}"#.len();
        let content = "x".repeat(bytes - frame);
        format!("{{\"message\":{{\"content\":\"{content}\"}},\"done\":true}}\n")
    };
    let events = read(Api::Ollama, line(MAX_LINE_BYTES).as_bytes(), 4096);
    assert_eq!(events.len(), 2);
    let long = line(MAX_LINE_BYTES + 1);
    assert_eq!(failure(Api::Ollama, long.as_bytes()), Code::UpstreamBroken);
    let endless = vec![b'x'; 10 * MAX_LINE_BYTES];
    assert_eq!(failure(Api::Ollama, &endless), Code::UpstreamBroken);
    let many = "data: xxxxxxxx\n".repeat(MAX_LINE_BYTES / 8);
    assert_eq!(failure(Api::OpenAi, many.as_bytes()), Code::UpstreamBroken);
}

#[test]
fn requests_say_what_each_language_knows() {
    let chat = Chat {
        id: None,
        model: "m".to_owned(),
        prompt: Some("Hello".to_owned()),
        messages: vec![Turn {
            role: Role::System,
            content: "Be brief".to_owned(),
        }],
        stream: false,
        options: ChatOptions {
            num_predict: Some(5),
            top_k: Some(40),
            stop: Some(Stop::One("x".to_owned())),
            ..ChatOptions::default()
        },
    };
    let messages = json!([
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hello"},
    ]);
    let ollama = json!({
        "model": "m", "messages": messages, "stream": true,
        "options": {"num_predict": 5, "top_k": 40, "stop": "x"},
    });
    assert_eq!(Api::Ollama.chat_body(&chat), ollama);
    let openai = json!({
        "model": "m", "messages": messages, "stream": true,
        "stream_options": {"include_usage": true}, "max_tokens": 5, "stop": "x",
    });
    assert_eq!(Api::OpenAi.chat_body(&chat), openai);
}

#[test]
fn lists_of_models_are_read() {
    let names = vec!["a".to_owned(), "b".to_owned()];
    let ollama = br#"{"models":[{"name":"a","size":1},{"name":"b"}]}"#;
    assert_eq!(Api::Ollama.read_models(ollama), Ok(names.clone()));
    let openai = br#"{"object":"list","data":[{"id":"a"},{"id":"b"}]}"#;
    assert_eq!(Api::OpenAi.read_models(openai), Ok(names));
    for body in [&b"<html>"[..], b"{}", b"[]"] {
        let refused = Api::Ollama.read_models(body).expect_err("no list");
        assert_eq!(refused.code, Code::UpstreamBroken);
    }
}

proptest! {
    #[test]
    fn whatever_a_model_server_says_an_answer_ends_once(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        is_ollama in any::<bool>(),
    ) {
        let api = if is_ollama { Api::Ollama } else { Api::OpenAi };
        let events = read(api, &body, 7);
        let is_end = |event: &&UpstreamEvent| !matches!(event, UpstreamEvent::Text(_));
        prop_assert_eq!(events.iter().filter(is_end).count(), 1);
        prop_assert!(events.last().as_ref().is_some_and(is_end));
    }
}
