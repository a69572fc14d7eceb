use super::*;

fn resource() -> Resource {
    Resource::new(&Options {
        token: Some("secret".to_owned()),
        cdn_loop: Some("a, b".to_owned()),
        ..Options::publish("https://h/cam0/whip".parse().unwrap(), Vec::new())
    })
}

fn reply(status: u16, head: &[(&str, &str)], body: &str) -> Result<Response<String>, String> {
    let mut reply = Response::builder().status(status);
    for (name, value) in head {
        reply = reply.header(*name, *value);
    }
    Ok(reply.body(body.to_owned()).unwrap())
}

fn created() -> Result<Response<String>, String> {
    reply(
        201,
        &[("location", "/cam0/whip/7"), ("etag", "\"a\"")],
        "answer",
    )
}

fn opened() -> Resource {
    let mut resource = resource();
    resource.open("offer".to_owned());
    resource.poll_request().expect("a POST");
    let answered = resource.handle_reply(created());
    assert!(matches!(answered, Some(Answered::Opened { .. })));
    resource
}

fn header<'a>(request: &'a Request<String>, name: &str) -> &'a str {
    request
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[test]
fn a_session_is_asked_for_and_ended_at_the_address_it_was_given() {
    let mut resource = resource();
    resource.open("offer".to_owned());
    let post = resource.poll_request().expect("a POST");
    assert_eq!(
        (post.method(), post.body().as_str()),
        (&Method::POST, "offer")
    );
    assert_eq!(post.uri().to_string(), "https://h/cam0/whip");
    assert_eq!(header(&post, "authorization"), "Bearer secret");
    assert_eq!(header(&post, "content-type"), SDP);
    assert_eq!(header(&post, "cdn-loop"), "a, b");
    assert!(resource.poll_request().is_none(), "one request at a time");
    let answered = resource.handle_reply(created());
    let links = Links::default();
    assert_eq!(
        answered,
        Some(Answered::Opened {
            answer: "answer".to_owned(),
            links
        })
    );
    assert!(resource.close());
    let delete = resource.poll_request().expect("a DELETE");
    assert_eq!(delete.method(), Method::DELETE);
    assert_eq!(delete.uri().to_string(), "https://h/cam0/whip/7");
    assert_eq!(header(&delete, "authorization"), "Bearer secret");
    assert_eq!(
        resource.handle_reply(reply(404, &[], "")),
        Some(Answered::Closed)
    );
    assert!(!resource.close());
}

#[test]
fn candidates_go_with_the_tag_and_a_restart_brings_another() {
    let mut resource = opened();
    resource.trickle("mine".to_owned());
    assert!(resource.restart("anew".to_owned()));
    resource.trickle("more".to_owned());
    let first = resource.poll_request().expect("a PATCH");
    assert_eq!(
        (first.method(), header(&first, "if-match")),
        (&Method::PATCH, "\"a\"")
    );
    assert_eq!(header(&first, "content-type"), FRAGMENT);
    assert_eq!(resource.handle_reply(reply(204, &[], "")), None);
    let restart = resource.poll_request().expect("a PATCH");
    assert_eq!(header(&restart, "if-match"), "*");
    let answered = resource.handle_reply(reply(200, &[("etag", "\"b\"")], "theirs"));
    assert_eq!(answered, Some(Answered::Restarted("theirs".to_owned())));
    let last = resource.poll_request().expect("a PATCH");
    assert_eq!(header(&last, "if-match"), "\"b\"");
}

#[test]
fn a_restart_that_is_refused_is_told_and_one_without_tags_not_tried() {
    let mut resource = opened();
    assert!(resource.restart("anew".to_owned()));
    resource.poll_request().expect("a PATCH");
    let answered = resource.handle_reply(reply(405, &[], ""));
    assert!(matches!(answered, Some(Answered::NotRestarted(_))));
    assert!(resource.close(), "the session is as it was");

    let mut resource = self::resource();
    resource.open("offer".to_owned());
    resource.poll_request().expect("a POST");
    resource.handle_reply(reply(201, &[("location", "7")], "answer"));
    assert!(!resource.restart("anew".to_owned()));
}

#[test]
fn redirects_are_followed_up_to_the_limit() {
    let mut resource = resource();
    resource.open("offer".to_owned());
    for number in 0..MAX_REDIRECTS {
        let asked = resource.poll_request().expect("a POST");
        assert_eq!(asked.body(), "offer");
        assert_eq!(header(&asked, "authorization"), "Bearer secret");
        let to = format!("https://h{number}/cam0/whip");
        assert_eq!(
            resource.handle_reply(reply(307, &[("location", &to)], "")),
            None
        );
    }
    let asked = resource.poll_request().expect("a POST");
    assert_eq!(asked.uri().to_string(), "https://h4/cam0/whip");
    let answered = resource.handle_reply(reply(307, &[("location", "/there")], ""));
    let refusal = Refusal::Redirects(MAX_REDIRECTS);
    assert_eq!(answered, Some(Answered::NotOpened(refusal)));
    assert!(resource.poll_request().is_none());
}

#[test]
fn a_redirect_to_plain_http_does_not_get_the_token() {
    let mut resource = resource();
    resource.open("offer".to_owned());
    resource.poll_request().expect("a POST");
    resource.handle_reply(reply(308, &[("location", "http://h/cam0/whip")], ""));
    let asked = resource.poll_request().expect("a POST");
    assert_eq!(header(&asked, "authorization"), "");
}

#[test]
fn what_is_not_as_the_protocol_has_it_is_no_session() {
    for foreign in [
        reply(201, &[], "answer"),
        reply(200, &[("location", "/7")], "answer"),
        reply(201, &[("location", "ftp://h/7")], "answer"),
        reply(307, &[], ""),
    ] {
        let mut resource = resource();
        resource.open("offer".to_owned());
        resource.poll_request().expect("a POST");
        let answered = resource.handle_reply(foreign);
        assert!(
            matches!(answered, Some(Answered::NotOpened(Refusal::Foreign(_)))),
            "{answered:?}"
        );
    }
}

#[test]
fn no_more_changes_wait_than_the_limit() {
    let mut resource = opened();
    for _ in 0..=MAX_WAITING {
        resource.trickle("mine".to_owned());
    }
    let mut asked = 0;
    while resource.poll_request().is_some() {
        asked += 1;
        resource.handle_reply(reply(204, &[], ""));
    }
    assert_eq!(asked, MAX_WAITING);
}

#[test]
fn the_session_before_is_ended_before_another_one_is_asked_for() {
    let mut resource = opened();
    resource.trickle("mine".to_owned());
    assert!(resource.close());
    resource.open("another".to_owned());
    let delete = resource.poll_request().expect("a DELETE");
    assert_eq!(delete.method(), Method::DELETE);
    assert_eq!(
        resource.handle_reply(Err("no route".to_owned())),
        Some(Answered::Closed)
    );
    let post = resource.poll_request().expect("a POST");
    assert_eq!(
        (post.body().as_str(), post.uri().path()),
        ("another", "/cam0/whip")
    );
}

fn viewer() -> Resource {
    let endpoint = "https://h/cam0/whep".parse().unwrap();
    let options = Options::watch(endpoint, crate::options::Carriage::Frames);
    let mut resource = Resource::new(&options);
    resource.open("offer".to_owned());
    resource.poll_request().expect("a POST");
    resource
}

fn counter_offer() -> Result<Response<String>, String> {
    let head = [
        ("location", "whep/7"),
        ("etag", "\"a\""),
        ("content-type", "application/sdp; valid-until=\"later\""),
    ];
    reply(406, &head, "their offer")
}

#[test]
fn an_offer_of_the_servers_is_answered_at_the_session_and_never_restarted() {
    let mut resource = viewer();
    let (offer, links) = ("their offer".to_owned(), Links::default());
    let answered = resource.handle_reply(counter_offer());
    assert_eq!(answered, Some(Answered::CounterOffered { offer, links }));
    resource.answer("our answer".to_owned());
    let patch = resource.poll_request().expect("a PATCH");
    assert_eq!(patch.method(), Method::PATCH);
    assert_eq!(patch.uri().to_string(), "https://h/cam0/whep/7");
    assert_eq!(header(&patch, "content-type"), SDP);
    assert_eq!(patch.body(), "our answer");
    assert_eq!(resource.handle_reply(reply(204, &[], "")), None);
    assert!(!resource.restart("fragment".to_owned()));
}

#[test]
fn an_answer_that_is_refused_is_no_session_and_the_server_is_told() {
    let mut resource = viewer();
    resource.handle_reply(counter_offer());
    resource.answer("our answer".to_owned());
    resource.poll_request().expect("a PATCH");
    let answered = resource.handle_reply(reply(400, &[], ""));
    assert!(
        matches!(answered, Some(Answered::NotOpened(_))),
        "{answered:?}"
    );
    let request = resource.poll_request().expect("a DELETE");
    assert_eq!(request.method(), Method::DELETE);
}

#[test]
fn a_406_without_an_offer_or_to_a_publisher_is_a_refusal() {
    let mut publisher = resource();
    publisher.open("offer".to_owned());
    publisher.poll_request().expect("a POST");
    for (mut resource, reply) in [
        (viewer(), reply(406, &[("location", "whep/7")], "words")),
        (publisher, counter_offer()),
    ] {
        let answered = resource.handle_reply(reply);
        assert!(
            matches!(answered, Some(Answered::NotOpened(_))),
            "{answered:?}"
        );
    }
}
