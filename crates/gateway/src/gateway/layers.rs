//! What a viewer is told of layers, and what it may ask for (the layer extension of
//! draft-ietf-wish-whep).

use protocol::stream::StreamName;
use str0m::media::Rid;

use super::{Event, Gateway};
use crate::layer_choice::Layer;
use crate::session::{Role, SessionId, SessionKey};
use crate::stream::Stream;

/// Why a layer cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// There is no such session, or not any more.
    #[error("no such session")]
    NoSession,
    /// The session has no such track, or one without a choice.
    #[error("no picture has the mid {0:?}")]
    NoTrack(String),
    /// The publisher sends no such layer.
    #[error("no layer is called {0:?}")]
    NoLayer(String),
}

/// A layer of what a viewer watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerState {
    /// Its name.
    pub id: String,
    /// What it takes, in bits a second; none where it does not come at present.
    pub bitrate_bps: Option<u64>,
    /// Width and height in pixels, once a key frame has said them.
    pub size: Option<(u16, u16)>,
}

/// The layers of a viewer's picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackLayers {
    /// The track's mid.
    pub mid: String,
    /// Every layer, as the publisher named them; none where it sends one encoding.
    pub layers: Vec<LayerState>,
    /// The name of the one that the viewer gets.
    pub current: Option<String>,
    /// The name of the one that the viewer asked for; none where it asked for none in particular.
    pub pinned: Option<String>,
    /// Whether the layer follows what the viewer's connection carries. A viewer who came before the
    /// layers has to come again for that.
    pub adapts: bool,
}

impl Gateway {
    /// The layers that a viewer may choose from; none where there is no such session, or no picture
    /// in it.
    pub fn layers(
        &self,
        id: SessionId,
        stream: &StreamName,
        now: std::time::Instant,
    ) -> Option<TrackLayers> {
        let key = self.find(id, stream, Role::Watch)?;
        let session = self.sessions.get(&key)?;
        let stream = self.streams.get(stream)?;
        let named = stream.layers.iter().filter_map(|layer| {
            Some(LayerState {
                id: layer.rid?.to_string(),
                bitrate_bps: layer.meter.rate_bps(now),
                size: layer.picture.size,
            })
        });
        Some(TrackLayers {
            mid: session.video_mid()?.to_string(),
            layers: named.collect(),
            current: session.layer().and_then(|layer| name_of(stream, layer)),
            pinned: session.pinned().and_then(|layer| name_of(stream, layer)),
            adapts: session.rtc.estimates(),
        })
    }

    /// A viewer asks for a layer by its name, or for none in particular.
    ///
    /// # Errors
    /// What there is not. The viewer goes on with what it gets.
    pub fn handle_layer(
        &mut self,
        (id, stream): (SessionId, &StreamName),
        mid: &str,
        layer: Option<&str>,
    ) -> Result<(), LayerError> {
        let key = self.find(id, stream, Role::Watch);
        let key = key.ok_or(LayerError::NoSession)?;
        let layer = match layer {
            None => None,
            Some(name) => Some(self.layer_called(stream, name)?),
        };
        let session = self.sessions.get_mut(&key).ok_or(LayerError::NoSession)?;
        match session.pin(mid.into(), layer) {
            true => Ok(()),
            false => Err(LayerError::NoTrack(mid.to_owned())),
        }
    }

    fn layer_called(&self, stream: &StreamName, name: &str) -> Result<Layer, LayerError> {
        let layers = self.streams.get(stream).map(|stream| &stream.layers);
        let position = layers.and_then(|layers| {
            let is_it = |rid: &Rid| **rid == *name;
            layers
                .iter()
                .position(|layer| layer.rid.as_ref().is_some_and(is_it))
        });
        position.ok_or_else(|| LayerError::NoLayer(name.to_owned()))
    }

    /// A viewer gets another layer.
    pub(super) fn tell_layer(&mut self, key: SessionKey, layer: Layer) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let stream = self.streams.get(&session.stream);
        if let Some(layer) = stream.and_then(|stream| name_of(stream, layer)) {
            self.events.push_back(Event::Layer {
                id: session.id,
                stream: session.stream.clone(),
                layer,
            });
        }
    }
}

fn name_of(stream: &Stream, layer: Layer) -> Option<String> {
    Some(stream.layers.get(layer)?.rid?.to_string())
}
