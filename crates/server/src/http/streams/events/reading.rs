//! One reading of a viewer's event stream: what it is told, and when that is over.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use gateway::Attendance;
use serde_json::{Value, json};
use tokio::time::{Interval, interval};

use super::super::layers::listed;
use super::{EventStream, Kind};
use crate::site::Site;
use crate::udp_loop::Followed;

/// How often a session is looked after; the comment that goes out then keeps proxies patient.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Reading {
    site: Arc<Site>,
    stream: EventStream,
    followed: Followed,
    told: Attendance,
    waiting: VecDeque<Event>,
    looks: Interval,
    is_last: bool,
}

impl Reading {
    /// Begins with what there is.
    pub(super) fn new(site: Arc<Site>, stream: EventStream, followed: Followed) -> Self {
        let mut reading = Self {
            site,
            stream,
            followed,
            told: Attendance::default(),
            waiting: VecDeque::new(),
            looks: interval(LOOK_EVERY),
            is_last: false,
        };
        reading.look_who();
        // Most pictures have none.
        let layers = reading.followed.layers.borrow();
        let has_layers = layers
            .as_ref()
            .is_some_and(|track| !track.layers.is_empty());
        drop(layers);
        if has_layers {
            reading.look_at_layers();
        }
        reading
    }

    /// Who has come or gone since the last look.
    fn look_who(&mut self) {
        let now = *self.followed.attendance.borrow_and_update();
        let before = std::mem::replace(&mut self.told, now);
        if now.is_published != before.is_published {
            let kind = match now.is_published {
                true => Kind::Active,
                false => Kind::Inactive,
            };
            self.tell(kind, &json!({}));
        }
        if now.viewers != before.viewers {
            self.tell(Kind::ViewerCount, &json!({"viewercount": now.viewers}));
        }
    }

    fn look_at_layers(&mut self) {
        let Some(track) = self.followed.layers.borrow_and_update().clone() else {
            return;
        };
        self.tell(Kind::Layers, &listed(&track));
        if track.layers.len() > 1 && !track.adapts {
            self.tell(Kind::Reconnect, &json!({}));
        }
    }

    fn tell(&mut self, kind: Kind, data: &Value) {
        if !self.stream.kinds.contains(&kind) {
            return;
        }
        let name = match kind {
            Kind::Active => "active",
            Kind::Inactive => "inactive",
            Kind::Layers => "layers",
            Kind::Reconnect => "reconnect",
            Kind::ViewerCount => "viewercount",
        };
        let event = Event::default().event(name).data(data.to_string());
        self.waiting.push_back(event);
    }

    /// The next event, once there is one; none when the session is over, or the viewer wants no more.
    pub(super) async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((Ok(event), self));
            }
            if self.is_last {
                return None;
            }
            tokio::select! {
                changed = self.followed.attendance.changed() => match changed {
                    Ok(()) => self.look_who(),
                    Err(_) => return None,
                },
                changed = self.followed.layers.changed() => match changed {
                    Ok(()) => self.look_at_layers(),
                    Err(_) => return None,
                },
                () = self.stream.ended.cancelled() => return None,
                () = self.site.draining.cancelled() => {
                    self.tell(Kind::Reconnect, &json!({}));
                    self.is_last = true;
                }
                _ = self.looks.tick() => {
                    let session = self.stream.session.clone();
                    if !self.site.media.has(session).await.unwrap_or(false) {
                        let (id, name) = (self.stream.session.id, &self.stream.id);
                        self.site.event_streams.remove(id, name);
                        return None;
                    }
                    self.waiting.push_back(Event::default().comment(""));
                }
            }
        }
    }
}
