//! Clients that connect over TCP, and what becomes of their connections.

use super::*;
use crate::gateway::paths::MAX_PATHS;

impl World {
    fn join_by_tcp(&mut self, role: Role) -> usize {
        let (number, offer) = self.client_by(Transport::Tcp, role);
        self.join_with(number, &offer)
    }

    fn connection(&self, number: usize) -> Path {
        self.path(self.clients[number].addr)
    }

    /// The next check of a client.
    fn check(&mut self, number: usize) -> Vec<u8> {
        let own = self.clients[number].addr;
        loop {
            let mut sent = self.cable.iter().filter(|(_, from, ..)| *from == own);
            if let Some((.., bytes)) = sent.find(|(.., bytes)| bytes.starts_with(&[0, 1])) {
                return bytes.clone();
            }
            self.run(TICK);
        }
    }

    fn left(&self) -> Vec<Path> {
        let left = self.events.iter().filter_map(|event| match event {
            Event::Left(path) => Some(*path),
            _ => None,
        });
        left.collect()
    }

    fn why_ended(&self) -> Option<&'static str> {
        self.events.iter().find_map(|event| match event {
            Event::Ended(ended) => Some(ended.why),
            _ => None,
        })
    }
}

#[test]
fn an_answer_offers_connections_behind_datagrams() {
    let mut world = World::new();
    let (number, offer) = world.client(Role::Publish);
    let answer = world.offer(number, &offer).expect("an answer").sdp;
    let candidates: Vec<Vec<&str>> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"))
        .map(|line| line.split(' ').collect())
        .collect();
    let find = |transport: &str| {
        let found = candidates.iter().find(|words| words[2] == transport);
        found.expect(transport)
    };
    let external = ["203.0.113.7", "443", "typ", "host", "tcptype", "passive"];
    assert!(candidates.iter().any(|words| words[4..10] == external));
    let (udp, tcp) = (find("udp"), find("tcp"));
    let priority = |words: &[&str]| words[3].parse::<u32>().expect("a number");
    assert!(priority(tcp) < priority(udp));
    assert_eq!(
        tcp[4..10],
        ["192.0.2.1", "8443", "typ", "host", "tcptype", "passive"]
    );
}

#[test]
fn a_stream_flows_from_and_to_clients_that_connect() {
    let mut world = World::new();
    let publisher = world.join_by_tcp(Role::Publish);
    let viewer = world.join_by_tcp(Role::Watch);
    let other = world.join(Role::Watch);
    for number in 0..5 {
        world.film(publisher, number == 0);
    }
    assert!(world.pictures(viewer).len() >= 4);
    assert_eq!(world.pictures(viewer).len(), world.pictures(other).len());
    assert!(world.gateway.has_path(&world.connection(viewer)));
}

#[test]
fn a_client_comes_by_a_tunnel_whose_end_was_not_named() {
    let mut world = World::new();
    let (number, offer) = world.client_by(Transport::Tcp, Role::Publish);
    world.tunnel = Some(addr("127.0.0.1:8443"));
    world.join_with(number, &offer);
    let connection = world.connection(number);
    assert!(world.gateway.has_path(&connection));
}

#[test]
fn a_session_that_ends_leaves_its_connections() {
    let mut world = World::new();
    let publisher = world.join_by_tcp(Role::Publish);
    let connection = world.connection(publisher);
    assert_eq!(world.left(), []);
    let id = world.clients[publisher].id;
    assert!(world.gateway.kick(id, world.now));
    world.run(4 * DELAY);
    assert_eq!(world.left(), [connection]);
    assert!(!world.gateway.has_path(&connection));
    assert!(world.clients[publisher].is_over, "it was told before");
}

#[test]
fn a_session_ends_soon_after_its_last_connection() {
    let mut world = World::new();
    let publisher = world.join_by_tcp(Role::Publish);
    let (connection, closed_at) = (world.connection(publisher), world.now);
    world.gateway.handle_disconnect(connection, closed_at);
    world.clients.pop();
    world.cable.clear();
    while world.why_ended().is_none() {
        world.run(TICK);
        assert!(world.now < closed_at + Duration::from_secs(6));
    }
    assert_eq!(world.why_ended(), Some("silent"));
    assert_eq!(world.left(), [], "nobody is there to be told");
}

#[test]
fn one_more_way_than_the_limit_takes_the_place_of_the_oldest() {
    let mut world = World::new();
    let publisher = world.join_by_tcp(Role::Publish);
    let first = world.connection(publisher);
    let check = world.check(publisher);
    let more = |number: usize| Path {
        remote: addr(&format!("203.0.113.1:{}", 5000 + number)),
        ..first
    };
    for number in 1..MAX_PATHS {
        world.gateway.handle_packet(more(number), &check, world.now);
        assert!(world.gateway.has_path(&more(number)));
    }
    assert!(world.gateway.has_path(&first));
    world
        .gateway
        .handle_packet(more(MAX_PATHS), &check, world.now);
    assert!(!world.gateway.has_path(&first));
    assert!(world.gateway.has_path(&more(MAX_PATHS)));
    world.step();
    assert_eq!(world.left(), [first]);
}
