//! What clients can do: the capability of whatever finds out.

use std::sync::Arc;

use crate::{event::Event, session::Session};

/// What others may ask of a plugin that finds out what clients can do (XEP-0115).
///
/// Clients are asked only on servers where some plugin requires this, or would use it.
///
/// ```
/// use sestina_core::{Assembly, ClientFeatures, Required};
///
/// # fn install(to: &mut Assembly) {
/// let clients: Required<dyn ClientFeatures> = to.require();
/// # }
/// ```
pub trait ClientFeatures: Send + Sync + 'static {
    /// The features of the client behind a session, sorted; nothing while they are not known.
    fn of(&self, session: &Session) -> Option<Arc<[Box<str>]>>;
}

impl dyn ClientFeatures {
    /// Whether the client behind a session is known to have a feature.
    #[must_use]
    pub fn has(&self, session: &Session, feature: &str) -> bool {
        let features = self.of(session).unwrap_or_default();
        features.binary_search_by(|it| (**it).cmp(feature)).is_ok()
    }
}

/// What the client behind a session can do has become known, or is not known any more.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientFeaturesChanged {
    /// The session.
    pub session: Arc<Session>,
}

impl ClientFeaturesChanged {
    /// For whoever finds out.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        Self { session }
    }
}

impl Event for ClientFeaturesChanged {}
