//! Who follows streams: told when a publisher or a viewer comes or goes, and a viewer besides when
//! its layers change.

use std::collections::HashMap;

use gateway::{Attendance, SessionId, TrackLayers};
use protocol::stream::StreamName;
use tokio::sync::watch;

/// What somebody who watches follows.
#[derive(Debug)]
pub struct Followed {
    /// Who is at the stream.
    pub attendance: watch::Receiver<Attendance>,
    /// What there is to choose from; none where the session is over, or has no picture.
    pub layers: watch::Receiver<Option<TrackLayers>>,
}

/// Every stream and every session that somebody follows.
#[derive(Default)]
pub(super) struct Followers {
    by_stream: HashMap<StreamName, watch::Sender<Attendance>>,
    by_session: HashMap<SessionId, (StreamName, watch::Sender<Option<TrackLayers>>)>,
}

impl Followers {
    /// A place from which both are seen, and each change of them.
    pub(super) fn follow(
        &mut self,
        (session, stream): (SessionId, StreamName),
        now: Attendance,
        layers: Option<TrackLayers>,
    ) -> Followed {
        let attendance = self.attend(stream.clone(), now);
        let followed = self.by_session.entry(session);
        let (_, track) = followed.or_insert_with(|| (stream, watch::Sender::new(layers)));
        Followed {
            attendance,
            layers: track.subscribe(),
        }
    }

    /// A place from which those at a stream are seen.
    pub(super) fn attend(
        &mut self,
        stream: StreamName,
        now: Attendance,
    ) -> watch::Receiver<Attendance> {
        let attendance = self.by_stream.entry(stream);
        attendance
            .or_insert_with(|| watch::Sender::new(now))
            .subscribe()
    }

    /// Tells those who follow this stream, and forgets it where nobody does any more.
    pub(super) fn tell(&mut self, stream: &StreamName, now: Attendance) {
        let Some(sender) = self.by_stream.get(stream) else {
            return;
        };
        if sender.receiver_count() == 0 {
            self.by_stream.remove(stream);
            return;
        }
        sender.send_if_modified(|told| std::mem::replace(told, now) != now);
    }

    /// The layers of this stream have changed, for one viewer or for all of them; those whose event
    /// stream nobody reads are forgotten.
    pub(super) fn tell_layers(
        &mut self,
        stream: &StreamName,
        viewer: Option<SessionId>,
        layers: impl Fn(SessionId) -> Option<TrackLayers>,
    ) {
        self.by_session.retain(|session, (watched, sender)| {
            let is_meant = watched == stream && viewer.is_none_or(|viewer| viewer == *session);
            if is_meant {
                sender.send_replace(layers(*session));
            }
            sender.receiver_count() > 0
        });
    }
}
