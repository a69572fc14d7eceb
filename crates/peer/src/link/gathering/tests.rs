use super::*;

fn socket(text: &str) -> BTreeSet<SocketAddr> {
    BTreeSet::from([text.parse().expect("an address")])
}

fn servers() -> [IceServer; 1] {
    [IceServer {
        urls: vec!["turn:203.0.113.10:443?transport=tcp".to_owned()],
        username: Some("user".to_owned()),
        credential: Some("secret".to_owned()),
    }]
}

/// The streams that were opened and closed since the last look.
fn streams(gathering: &mut Gathering) -> (Vec<StreamId>, Vec<StreamId>) {
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    while let Some(output) = gathering.poll_output() {
        match output {
            GatheringOutput::Order(Output::OpenStream { stream, .. }) => opened.push(stream),
            GatheringOutput::Order(Output::CloseStream { stream }) => closed.push(stream),
            _ => {}
        }
    }
    (opened, closed)
}

fn with_one_relay(now: Instant) -> (Gathering, Random, StreamId) {
    let (mut random, home) = (Random::new([1; 32]), socket("10.0.0.2:4000"));
    let mut gathering = Gathering::new(IcePolicy::All, 0);
    gathering.handle_sockets(&home, &mut random, now);
    gathering.handle_servers(&servers(), &mut random, now);
    let (opened, _) = streams(&mut gathering);
    assert_eq!(opened.len(), 1);
    (gathering, random, opened[0])
}

#[test]
fn a_stream_through_a_network_that_is_gone_is_opened_anew() {
    let now = Instant::now();
    for is_connected in [true, false] {
        let (mut gathering, mut random, first) = with_one_relay(now);
        if is_connected {
            let local = "10.0.0.2:5000".parse().expect("an address");
            gathering.handle_stream_open(first, local, now);
        }
        gathering.handle_sockets(&socket("10.0.1.2:4000"), &mut random, now);
        let (opened, closed) = streams(&mut gathering);
        assert_eq!(closed, [first], "connected: {is_connected}");
        assert_eq!(opened.len(), 1, "connected: {is_connected}");
    }
}

#[test]
fn a_stream_that_failed_is_opened_again_by_the_next_word_of_the_server() {
    let now = Instant::now();
    let (mut gathering, mut random, first) = with_one_relay(now);
    gathering.handle_stream_closed(first, now);
    gathering.handle_servers(&servers(), &mut random, now);
    assert_eq!(streams(&mut gathering).0.len(), 1);
    gathering.retry(&mut random, now);
    assert_eq!(streams(&mut gathering).0, [], "one is under way");
}

#[test]
fn an_address_in_front_of_a_nat_is_lost_with_its_socket() {
    let (mut random, now) = (Random::new([1; 32]), Instant::now());
    let mut gathering = Gathering::new(IcePolicy::All, 0);
    let home = socket("192.168.1.2:5000");
    gathering.handle_sockets(&home, &mut random, now);
    let mapped = "198.51.100.7:6000".parse().expect("an address");
    gathering.handle_mapped("192.168.1.2:5000".parse().expect("an address"), mapped);
    let found: Vec<_> = std::iter::from_fn(|| gathering.poll_output()).collect();
    assert!(
        matches!(&found[..], [GatheringOutput::Found(found)] if found.addr() == mapped),
        "{found:?}"
    );
    gathering.handle_sockets(&socket("10.0.0.2:5000"), &mut random, now);
    let lost: Vec<_> = std::iter::from_fn(|| gathering.poll_output()).collect();
    assert!(
        matches!(&lost[..], [GatheringOutput::Lost(lost)] if lost.addr() == mapped),
        "{lost:?}"
    );
}
