//! The HTTP side of a session: which request is next, and what its reply means (RFC 9725 §4,
//! draft-ietf-wish-whep §4). One request at a time, so that none overtakes another.

use std::collections::VecDeque;

use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, LOCATION};
use http::{Method, Request, Response, StatusCode};
use url::Url;

use crate::links::Links;
use crate::options::{Options, Role};
use crate::refusal::Refusal;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// Redirects of one request that are followed.
pub(crate) const MAX_REDIRECTS: usize = 5;
/// Changes that wait for a request before them.
const MAX_WAITING: usize = 16;

/// What is asked of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ask {
    /// A session, with this offer.
    Open(String),
    /// That it takes this answer to its own offer.
    Answer(String),
    /// That it takes this fragment's candidates.
    Trickle(String),
    /// Another ICE session, as this fragment begins it.
    Restart(String),
    /// The end of the session.
    Close,
}

/// What a reply means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answered {
    /// There is a session.
    Opened {
        /// SDP.
        answer: String,
        links: Links,
    },
    /// There is one, once the server's own offer is answered.
    CounterOffered {
        /// SDP.
        offer: String,
        links: Links,
    },
    /// There is none.
    NotOpened(Refusal),
    /// ICE was restarted; a fragment.
    Restarted(String),
    /// It was not, and the session is as it was, if it still is.
    NotRestarted(Refusal),
    /// The session is over.
    Closed,
}

#[derive(Debug)]
struct Session {
    url: Url,
    /// The entity tag of its ICE session; servers that change nothing have none.
    tag: Option<String>,
    /// Whether the server offered it: then restarting ICE is the server's to do.
    is_countered: bool,
}

/// A WHIP or WHEP resource, seen by its client.
#[derive(Debug)]
pub(crate) struct Resource {
    endpoint: Url,
    role: Role,
    token: Option<String>,
    cdn_loop: Option<String>,
    session: Option<Session>,
    waiting: VecDeque<Ask>,
    asked: Option<(Ask, Url)>,
    /// Where the next request goes, because the one before was sent there.
    redirected: Option<Url>,
    redirects: usize,
}

impl Resource {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            endpoint: options.endpoint.clone(),
            role: options.role,
            token: options.token.clone(),
            cdn_loop: options.cdn_loop.clone(),
            session: None,
            waiting: VecDeque::new(),
            asked: None,
            redirected: None,
            redirects: 0,
        }
    }

    /// Asks for a session. What waits for the one before falls away, but for its end.
    pub(crate) fn open(&mut self, offer: String) {
        self.waiting.retain(|ask| *ask == Ask::Close);
        self.waiting.push_back(Ask::Open(offer));
    }

    /// Answers the server's offer.
    pub(crate) fn answer(&mut self, answer: String) {
        self.waiting.push_back(Ask::Answer(answer));
    }

    /// Tells candidates.
    pub(crate) fn trickle(&mut self, fragment: String) {
        if self.session.is_some() && self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(Ask::Trickle(fragment));
        }
    }

    /// Asks for another ICE session; false where there is no session that could have one.
    pub(crate) fn restart(&mut self, fragment: String) -> bool {
        let can_restart = self
            .session
            .as_ref()
            .is_some_and(|session| session.tag.is_some() && !session.is_countered);
        if can_restart && self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(Ask::Restart(fragment));
        }
        can_restart
    }

    /// Ends the session, also one that is only asked for; false where there is none.
    pub(crate) fn close(&mut self) -> bool {
        self.waiting.clear();
        let is_asked = self.asked.is_some();
        if self.session.is_some() {
            self.waiting.push_back(Ask::Close);
        }
        is_asked || self.session.is_some()
    }

    /// The server has ended the session.
    pub(crate) fn forget(&mut self) {
        self.session = None;
        self.waiting.clear();
    }

    /// The request that is due, where none is under way.
    pub(crate) fn poll_request(&mut self) -> Option<Request<String>> {
        if self.asked.is_some() {
            return None;
        }
        let ask = self.waiting.pop_front()?;
        let url = match (&self.session, &ask) {
            (None, _) | (_, Ask::Open(_)) => &self.endpoint,
            (Some(session), _) => &session.url,
        };
        let url = self.redirected.take().unwrap_or_else(|| url.clone());
        let request = self.request(&ask, &url);
        self.asked = Some((ask, url));
        Some(request)
    }

    fn request(&self, ask: &Ask, url: &Url) -> Request<String> {
        let tag = self
            .session
            .as_ref()
            .and_then(|session| session.tag.as_deref());
        let (method, media_type, tag, body) = match ask {
            Ask::Open(offer) => (Method::POST, SDP, None, offer.as_str()),
            Ask::Answer(answer) => (Method::PATCH, SDP, tag, answer.as_str()),
            Ask::Trickle(fragment) => (Method::PATCH, FRAGMENT, tag, fragment.as_str()),
            // Whatever ICE session there is (RFC 9725 §4.3.3).
            Ask::Restart(fragment) => (Method::PATCH, FRAGMENT, Some("*"), fragment.as_str()),
            Ask::Close => (Method::DELETE, "", None, ""),
        };
        let mut request = Request::new(body.to_owned());
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().unwrap_or_default();
        // A token is of ASCII; anything else could not have been one.
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = value.parse() {
                request.headers_mut().insert(name, value);
            }
        };
        if !media_type.is_empty() {
            set(CONTENT_TYPE, media_type);
        }
        if let Some(tag) = tag {
            set(IF_MATCH, tag);
        }
        if let Some(hops) = &self.cdn_loop {
            set(HeaderName::from_static("cdn-loop"), hops);
        }
        // Whoever sends us elsewhere has the token; who listens on the way must not get it.
        let is_safe = url.scheme() == "https" || self.endpoint.scheme() == "http";
        if let Some(token) = self.token.as_ref().filter(|_| is_safe) {
            set(AUTHORIZATION, &format!("Bearer {token}"));
        }
        request
    }

    /// The reply to the request that is under way, or why there is none; what it means, if anything.
    pub(crate) fn handle_reply(
        &mut self,
        reply: Result<Response<String>, String>,
    ) -> Option<Answered> {
        let (ask, url) = self.asked.take()?;
        let reply = match reply.map_err(Refusal::NoReply) {
            Ok(reply) if is_redirect(reply.status()) => match self.follow(&ask, &url, &reply) {
                None => return None,
                Some(refusal) => Err(refusal),
            },
            Ok(reply) if reply.status().is_success() => Ok(reply),
            Ok(reply) if self.is_counter_offer(&ask, &reply) => Ok(reply),
            Ok(reply) => Err(Refusal::of(&reply)),
            Err(refusal) => Err(refusal),
        };
        self.redirects = 0;
        match (ask, reply) {
            (Ask::Open(_), Ok(reply)) => Some(self.opened(&url, reply)),
            (Ask::Open(_), Err(refusal)) => Some(Answered::NotOpened(refusal)),
            (Ask::Answer(_), Ok(_)) => None,
            (Ask::Answer(_), Err(refusal)) => {
                self.close();
                Some(Answered::NotOpened(refusal))
            }
            (Ask::Restart(_), Ok(reply)) => {
                if let Some(session) = &mut self.session {
                    session.tag = tag(&reply).or(session.tag.take());
                }
                Some(Answered::Restarted(reply.into_body()))
            }
            (Ask::Restart(_), Err(refusal)) => Some(Answered::NotRestarted(refusal)),
            // Servers that learn our addresses from our checks need not take them from us.
            (Ask::Trickle(_), _) => None,
            (Ask::Close, _) => {
                self.session = None;
                Some(Answered::Closed)
            }
        }
    }

    /// Asks again at the place that a redirect names (RFC 9725 §4.5); a refusal where it may not.
    fn follow(&mut self, ask: &Ask, url: &Url, reply: &Response<String>) -> Option<Refusal> {
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            return Some(Refusal::Redirects(MAX_REDIRECTS));
        }
        let Some(target) = location(url, reply) else {
            return Some(Refusal::Foreign("a redirect to nowhere".to_owned()));
        };
        self.redirected = Some(target);
        self.waiting.push_front(ask.clone());
        None
    }

    fn opened(&mut self, url: &Url, reply: Response<String>) -> Answered {
        let foreign = |why: &str| Answered::NotOpened(Refusal::Foreign(why.to_owned()));
        let Some(session_url) = location(url, &reply) else {
            return foreign("the session has no address");
        };
        self.session = Some(Session {
            url: session_url.clone(),
            tag: tag(&reply),
            is_countered: reply.status() == StatusCode::NOT_ACCEPTABLE,
        });
        let links = Links::of(reply.headers(), &session_url);
        match reply.status() {
            StatusCode::CREATED => Answered::Opened {
                answer: reply.into_body(),
                links,
            },
            StatusCode::NOT_ACCEPTABLE => Answered::CounterOffered {
                offer: reply.into_body(),
                links,
            },
            _ => foreign("the session is not created"),
        }
    }

    /// Whether the server makes an offer of its own, as it may to viewers
    /// (draft-ietf-wish-whep, "Server Sends Counter-Offer").
    fn is_counter_offer(&self, ask: &Ask, reply: &Response<String>) -> bool {
        let media_type = reply.headers().get(CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let is_sdp = media_type.is_some_and(|value| value.trim_start().starts_with(SDP));
        let is_asked = self.role == Role::Watch && matches!(ask, Ask::Open(_));
        is_asked && is_sdp && reply.status() == StatusCode::NOT_ACCEPTABLE
    }
}

/// Those that keep method and body (RFC 9110 §15.4).
fn is_redirect(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    )
}

fn location(base: &Url, reply: &Response<String>) -> Option<Url> {
    let location = reply.headers().get(LOCATION)?.to_str().ok()?;
    let url = base.join(location).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

fn tag(reply: &Response<String>) -> Option<String> {
    let tag = reply.headers().get(ETAG)?.to_str().ok()?;
    Some(tag.to_owned())
}

#[cfg(test)]
mod tests;
