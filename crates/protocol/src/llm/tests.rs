//! The words as `docs/llm.md` has them, and each limit.

use serde_json::json;

use super::*;

fn read(message: Value) -> Result<ClientOp, Unreadable> {
    ClientOp::decode(message.to_string().as_bytes())
}

fn refusal(message: Value) -> &'static str {
    read(message).expect_err("refused").code().as_str()
}

fn chat(fields: Value) -> Value {
    let mut chat = json!({"op": "chat", "id": "c1", "model": "m", "prompt": "Hello"});
    let members = chat.as_object_mut().expect("an object");
    for (key, value) in fields.as_object().expect("an object") {
        members.insert(key.clone(), value.clone());
    }
    chat
}

#[test]
fn a_plain_client_needs_op_model_prompt_and_stream_alone() {
    let plain = json!({"op": "chat", "model": "qwen2.5:3b", "prompt": "Hello", "stream": true});
    let Ok(ClientOp::Chat(chat)) = read(plain) else {
        panic!("it is a chat");
    };
    assert_eq!((chat.id.clone(), chat.stream), (None, true));
    let turn = Turn {
        role: Role::User,
        content: "Hello".to_owned(),
    };
    assert_eq!(chat.turns(), [turn]);
}

#[test]
fn what_the_host_says_is_written_as_the_document_has_it() {
    let id = ChatId::new("c1").expect("an id");
    let delta = HostOp::Delta {
        id: id.clone(),
        seq: 1,
        content: "I'm".to_owned(),
    };
    let done = HostOp::Done {
        id,
        seq: 9,
        reason: Reason::Stop,
        usage: Some(Usage {
            prompt_tokens: Some(12),
            completion_tokens: Some(8),
        }),
    };
    let refused = HostOp::Error {
        id: None,
        seq: None,
        code: Code::BadJson.as_str().to_owned(),
        message: "no".to_owned(),
    };
    let written = [
        (delta, r#"{"op":"delta","id":"c1","seq":1,"content":"I'm"}"#),
        (
            done,
            r#"{"op":"done","id":"c1","seq":9,"reason":"stop","usage":{"promptTokens":12,"completionTokens":8}}"#,
        ),
        (
            refused,
            r#"{"op":"error","code":"bad-json","message":"no"}"#,
        ),
    ];
    for (message, text) in written {
        let bytes = message.encode().expect("it is small");
        assert_eq!(std::str::from_utf8(&bytes), Ok(text));
        assert_eq!(HostOp::decode(&bytes), Ok(message));
    }
}

#[test]
fn nothing_but_chat_resume_cancel_and_models_exists() {
    for op in ["pull", "delete", "create", "Chat", ""] {
        assert_eq!(refusal(json!({"op": op, "model": "m"})), "unknown-op");
    }
    assert_eq!(refusal(json!({"model": "m"})), "bad-message");
    assert_eq!(refusal(json!(["chat"])), "bad-message");
    let refused = ClientOp::decode(b"{\"op\":\"chat\"").expect_err("cut off");
    assert_eq!(refused.code(), Code::BadJson);
    let refused = ClientOp::decode(b"{\"op\":\"\xff\"}").expect_err("not UTF-8");
    assert_eq!(refused.code(), Code::BadJson);
}

#[test]
fn a_refused_chat_is_named_where_it_has_a_name() {
    let refused = read(json!({"op": "chat", "id": "c1", "prompt": "Hello"}));
    let id = refused.expect_err("it has no model").id;
    assert_eq!(id.as_ref().map(ChatId::as_str), Some("c1"));
}

#[test]
fn each_limit_holds_and_one_more_is_refused() {
    let id = |chars| json!({"op": "cancel", "id": "c".repeat(chars)});
    assert!(read(id(MAX_ID_CHARS)).is_ok());
    assert_eq!(refusal(id(MAX_ID_CHARS + 1)), "bad-message");
    assert_eq!(refusal(id(0)), "bad-message");
    assert_eq!(refusal(json!({"op": "cancel", "id": "a b"})), "bad-message");

    let model = |bytes| chat(json!({"model": "m".repeat(bytes)}));
    assert!(read(model(MAX_MODEL_BYTES)).is_ok());
    assert_eq!(refusal(model(MAX_MODEL_BYTES + 1)), "bad-message");
    assert_eq!(refusal(model(0)), "bad-message");

    let turns = |count| {
        let turn = json!({"role": "user", "content": "x"});
        chat(json!({"messages": vec![turn; count]}))
    };
    assert!(read(turns(MAX_TURNS)).is_ok());
    assert_eq!(refusal(turns(MAX_TURNS + 1)), "bad-message");
    assert_eq!(refusal(json!({"op": "chat", "model": "m"})), "bad-message");

    let stops = |count| chat(json!({"options": {"stop": vec!["x"; count]}}));
    assert!(read(stops(MAX_STOPS)).is_ok());
    assert_eq!(refusal(stops(MAX_STOPS + 1)), "bad-message");
    assert_eq!(
        refusal(chat(json!({"options": {"mirostat": 1}}))),
        "bad-message"
    );

    let empty = chat(json!({"prompt": ""})).to_string().len();
    let large = |bytes: usize| chat(json!({"prompt": "x".repeat(bytes - empty)}));
    assert!(read(large(MAX_MESSAGE_BYTES)).is_ok());
    assert_eq!(refusal(large(MAX_MESSAGE_BYTES + 1)), "too-large");
}

#[test]
fn a_piece_fits_a_message_however_its_text_is_escaped() {
    let delta = |bytes| HostOp::Delta {
        id: ChatId::new("c".repeat(MAX_ID_CHARS)).expect("an id"),
        seq: u64::MAX,
        content: "\u{1}".repeat(bytes),
    };
    assert!(delta(MAX_PIECE_BYTES).encode().is_ok());
    assert!(delta(2 * MAX_PIECE_BYTES).encode().is_err());
}
