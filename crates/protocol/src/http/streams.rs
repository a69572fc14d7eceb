//! Streams and their shares, as the HTTP API speaks of them (`docs/protocol.md`, Streams).
//!
//! Names and actions are in [`crate::stream`]. A share's code is a bearer token that works until
//! the share ends.

use serde::{Deserialize, Serialize};

use super::IceServer;
use super::recordings::RecordingState;
use crate::id::ShareId;
use crate::stream::{StreamAction, StreamName};

/// How long a share serves when nobody says, in seconds: a week.
pub const DEFAULT_SHARE_LIFETIME_S: u64 = 7 * 24 * 60 * 60;
/// The longest that a share may serve, in seconds: a year.
pub const MAX_SHARE_LIFETIME_S: u64 = 365 * 24 * 60 * 60;

/// One stream of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    /// What it is called.
    pub name: StreamName,
    /// Whether anybody may view it.
    pub is_public: bool,
    /// Whether it is to be recorded.
    pub is_recorded: bool,
    /// What comes of that.
    pub recording: RecordingState,
    /// Since when the account has the name, in Unix milliseconds.
    pub created_at: u64,
}

/// `GET /api/streams`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Streams {
    /// Those of the account, by name.
    pub streams: Vec<Stream>,
}

/// `PUT /api/streams/{name}`; what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PutStream {
    /// Whether anybody may view it; at first nobody else may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_public: Option<bool>,
    /// Whether it is to be recorded; at first it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_recorded: Option<bool>,
}

/// `POST /api/streams/{name}/shares`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewShare {
    /// What its holder may do.
    pub action: StreamAction,
    /// For how many seconds: 1 to [`MAX_SHARE_LIFETIME_S`], by default
    /// [`DEFAULT_SHARE_LIFETIME_S`].
    #[serde(default = "default_lifetime_s")]
    pub expires_in: u64,
    /// Whom it is for, as a device's name; may be empty.
    #[serde(default)]
    pub label: String,
}

fn default_lifetime_s() -> u64 {
    DEFAULT_SHARE_LIFETIME_S
}

/// A share, without its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// Which share.
    pub id: ShareId,
    /// What its holder may do.
    pub action: StreamAction,
    /// Whom it is for.
    pub label: String,
    /// When it was made, in Unix milliseconds.
    pub created_at: u64,
    /// When it ends, in Unix milliseconds.
    pub expires_at: u64,
}

/// `GET /api/streams/{name}/shares`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shares {
    /// Those that serve, oldest first.
    pub shares: Vec<Share>,
}

/// A share that was just made: the one time that its code is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedShare {
    /// The share.
    #[serde(flatten)]
    pub share: Share,
    /// A bearer token: whoever has it may do what the share says.
    pub code: String,
    /// `https://HOST/s/#CODE`, for a browser.
    pub url: String,
}

/// `GET /api/share`: what the code in `Authorization` opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenedShare {
    /// Which stream.
    pub stream: StreamName,
    /// What one may do with it.
    pub action: StreamAction,
    /// When the share ends, in Unix milliseconds.
    pub expires_at: u64,
    /// Where to find STUN and TURN; the relay reaches the stream and nothing else.
    pub ice_servers: Vec<IceServer>,
}

/// `GET /api/streams/{name}/access`: what the caller may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StreamAccess {
    /// Which stream.
    pub stream: StreamName,
    /// What the caller may do with it.
    pub action: StreamAction,
    /// Where to find STUN and TURN.
    pub ice_servers: Vec<IceServer>,
    /// Whether it is recorded at this moment.
    pub recording: RecordingState,
}

impl std::fmt::Debug for CreatedShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreatedShare({:?}, …)", self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lives_a_week_and_has_no_label_unless_it_is_said() {
        let asked: NewShare = serde_json::from_str(r#"{"action":"view"}"#).unwrap();
        assert_eq!(asked.expires_in, 604_800);
        assert_eq!(asked.label, "");
        assert!(serde_json::from_str::<NewShare>(r#"{"action":"send"}"#).is_err());
    }

    #[test]
    fn a_share_that_was_made_is_one_object_and_does_not_show_its_code_in_debug_output() {
        let made = CreatedShare {
            share: Share {
                id: ShareId::from_bytes(&[1; 16]),
                action: StreamAction::View,
                label: "door".to_owned(),
                created_at: 1,
                expires_at: 2,
            },
            code: "secret".to_owned(),
            url: "https://h/s/#secret".to_owned(),
        };
        let json = serde_json::to_value(&made).unwrap();
        let expected = serde_json::json!({
            "id": "AQEBAQEBAQEBAQEBAQEBAQ", "action": "view", "label": "door",
            "createdAt": 1, "expiresAt": 2, "code": "secret", "url": "https://h/s/#secret",
        });
        assert_eq!(json, expected);
        assert!(!format!("{made:?}").contains("secret"));
    }
}
