//! The stream errors that negotiation ends with in more than one place.

use sestina_stanza::{StreamCondition, StreamError};

/// What should not happen: a feature or a driver did not keep to the contract.
pub(crate) fn internal() -> StreamError {
    StreamError::new(StreamCondition::InternalServerError)
}

/// A stanza that the client may not send yet (RFC 6120 §4.9.3.12).
pub(crate) fn not_authorized() -> StreamError {
    StreamError::new(StreamCondition::NotAuthorized)
}

/// Something the client may know, but not do (RFC 6120 §4.9.3.14).
pub(crate) fn policy(text: &'static str) -> StreamError {
    StreamError::new(StreamCondition::PolicyViolation).with_text(text)
}

/// An element that is no part of negotiation (RFC 6120 §4.9.3.24).
pub(crate) fn unsupported() -> StreamError {
    StreamError::new(StreamCondition::UnsupportedStanzaType)
}
