//! What can go wrong, as it is said on the wire.

mod condition;
mod stanza_error;
mod stream_error;

pub use self::condition::Condition;
pub use self::stanza_error::{ErrorType, StanzaError};
pub use self::stream_error::{StreamCondition, StreamError};
