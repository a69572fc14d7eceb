//! Who follows the attendance of streams: told when a publisher or a viewer comes or goes.

use std::collections::HashMap;

use gateway::Attendance;
use protocol::stream::StreamName;
use tokio::sync::watch;

/// Every stream that somebody follows.
#[derive(Default)]
pub(super) struct Followers {
    by_stream: HashMap<StreamName, watch::Sender<Attendance>>,
}

impl Followers {
    /// A place from which a stream's attendance is seen, and each change of it.
    pub(super) fn follow(
        &mut self,
        stream: StreamName,
        now: Attendance,
    ) -> watch::Receiver<Attendance> {
        let sender = self.by_stream.entry(stream);
        sender
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
}
