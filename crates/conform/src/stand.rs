//! The server as the rows meet it: two endpoints, the tokens for them, the sessions that a row opened.

use hyper::Method;
use url::Url;

use crate::http::{Ask, Http, HttpError, Reply};
use crate::media::Publisher;
use crate::offer::{Offer, Role};
use crate::row::Miss;

pub(crate) const SDP: &str = "application/sdp";
pub(crate) const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// What is examined.
#[derive(Debug, Clone)]
pub struct Target {
    /// The WHIP endpoint of a stream that nobody else publishes meanwhile.
    pub whip: Url,
    /// The WHEP endpoint of the same stream.
    pub whep: Url,
    /// Bearer token for WHIP.
    pub publish_token: Option<String>,
    /// Bearer token for WHEP.
    pub view_token: Option<String>,
    /// Certificate authorities to believe instead of the system's, PEM.
    pub authorities: Option<Vec<u8>>,
    /// Whether rows that take a minute are asked too.
    pub is_patient: bool,
}

/// A session that a row opened.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) url: Url,
    pub(crate) role: Role,
    pub(crate) reply: Reply,
}

impl Opened {
    /// Its entity tag, as it is sent back.
    pub(crate) fn tag(&self) -> &str {
        self.reply.header("etag")
    }
}

/// The server that is examined.
pub(crate) struct Stand {
    pub(crate) target: Target,
    http: Http,
    opened: Vec<Opened>,
    /// Status of every reply, and whether it said when or where to try again.
    pub(crate) turned_away: Vec<(u16, bool)>,
    publisher: Option<Publisher>,
}

impl Stand {
    pub(crate) fn new(target: Target) -> Result<Self, HttpError> {
        for url in [&target.whip, &target.whep] {
            if !matches!(url.scheme(), "http" | "https") {
                return Err(HttpError::Url(url.to_string()));
            }
        }
        let http = Http::new(target.authorities.as_deref())?;
        let (opened, turned_away) = (Vec::new(), Vec::new());
        Ok(Self {
            target,
            http,
            opened,
            turned_away,
            publisher: None,
        })
    }

    /// Whether there is a server at all.
    pub(crate) async fn greet(&mut self) -> Result<(), HttpError> {
        let ask = Ask::new(Method::OPTIONS, &self.target.whip.clone());
        self.send(ask).await.map(drop)
    }

    /// Whether it is still there; why not.
    pub(crate) async fn reach(&self) -> Result<(), String> {
        self.http.reach(&self.target.whip).await
    }

    pub(crate) fn endpoint(&self, role: Role) -> &Url {
        match role {
            Role::Publish => &self.target.whip,
            Role::Watch => &self.target.whep,
        }
    }

    /// The token for this, if there is one.
    pub(crate) fn token(&self, role: Role) -> Option<&str> {
        match role {
            Role::Publish => self.target.publish_token.as_deref(),
            Role::Watch => self.target.view_token.as_deref(),
        }
    }

    /// A request as it is.
    pub(crate) async fn send(&mut self, ask: Ask) -> Result<Reply, HttpError> {
        let reply = self.http.send(ask).await?;
        let says_more = |name| !reply.header(name).is_empty();
        match reply.status {
            503 => self.turned_away.push((503, says_more("retry-after"))),
            301..=308 => self.turned_away.push((reply.status, says_more("location"))),
            _ => {}
        }
        Ok(reply)
    }

    /// A request whose reply need not end; its body as far as these words.
    pub(crate) async fn peek(&self, ask: Ask, words: &str) -> Result<Reply, HttpError> {
        self.http.peek(ask, words).await
    }

    /// A request to an endpoint, with its token.
    pub(crate) async fn ask(&mut self, role: Role, method: Method) -> Result<Reply, HttpError> {
        let ask = Ask::new(method, self.endpoint(role)).bearer(self.token(role));
        self.send(ask).await
    }

    /// Posts an offer; a session that comes of it is ended with the row.
    pub(crate) async fn post(&mut self, role: Role, offer: &str) -> Result<Reply, HttpError> {
        self.post_as(role, SDP, offer).await
    }

    pub(crate) async fn post_as(
        &mut self,
        role: Role,
        media_type: &str,
        body: &str,
    ) -> Result<Reply, HttpError> {
        let ask = Ask::new(Method::POST, self.endpoint(role));
        let ask = ask.bearer(self.token(role)).body(media_type, body);
        let reply = self.send(ask).await?;
        let location = self.endpoint(role).join(reply.header("location"));
        if let (201 | 406, Ok(url)) = (reply.status, location)
            && !reply.header("location").is_empty()
        {
            let reply = reply.clone();
            self.opened.push(Opened { url, role, reply });
        }
        Ok(reply)
    }

    /// Posts an offer that the server may counter with one of its own; the session that it then
    /// names, if it does.
    pub(crate) async fn open_countered(
        &mut self,
        offer: &Offer,
    ) -> Result<(Reply, Option<Opened>), Miss> {
        let before = self.opened.len();
        let reply = self.post(Role::Watch, &offer.sdp).await?;
        Ok((reply, self.opened.get(before).cloned()))
    }

    /// Posts an offer that must become a session.
    pub(crate) async fn open(&mut self, role: Role, offer: &Offer) -> Result<Opened, Miss> {
        let before = self.opened.len();
        let reply = self.post(role, &offer.sdp).await?;
        match self.opened.get(before) {
            Some(opened) if reply.status == 201 => Ok(opened.clone()),
            _ => Err(Miss::Fault(format!(
                "an ordinary offer is answered with {} and Location {:?}",
                reply.status,
                reply.header("location")
            ))),
        }
    }

    /// A request to a session, with its token.
    pub(crate) async fn ask_session(
        &mut self,
        opened: &Opened,
        method: Method,
    ) -> Result<Reply, HttpError> {
        let ask = Ask::new(method, &opened.url).bearer(self.token(opened.role));
        self.send(ask).await
    }

    /// `PATCH` with a fragment and, where given, `If-Match`.
    pub(crate) async fn patch(
        &mut self,
        opened: &Opened,
        tag: Option<&str>,
        fragment: &str,
    ) -> Result<Reply, HttpError> {
        self.patch_as(opened, tag, FRAGMENT, fragment).await
    }

    pub(crate) async fn patch_as(
        &mut self,
        opened: &Opened,
        tag: Option<&str>,
        media_type: &str,
        body: &str,
    ) -> Result<Reply, HttpError> {
        let ask = Ask::new(Method::PATCH, &opened.url).bearer(self.token(opened.role));
        let ask = ask.body(media_type, body);
        let ask = match tag {
            Some(tag) => ask.header("if-match", tag),
            None => ask,
        };
        self.send(ask).await
    }

    /// Publishes until the row ends.
    pub(crate) async fn publish(&mut self) -> Result<(), Miss> {
        let publisher = Publisher::start(self).await?;
        self.publisher = Some(publisher);
        Ok(())
    }

    /// Ends what the row opened; a server that cannot is found out by the row about that.
    pub(crate) async fn clear(&mut self) {
        self.publisher = None;
        for opened in std::mem::take(&mut self.opened) {
            let _ = self.ask_session(&opened, Method::DELETE).await;
        }
    }
}
