#![doc = include_str!("../README.md")]

mod delay;
mod error;
mod form;
#[doc(hidden)]
pub mod fuzzing;
mod id;
mod jid;
pub mod ns;
mod payload;
mod result_set;
mod stanza;
mod timestamp;

pub use self::delay::Delay;
pub use self::error::{Condition, ErrorType, StanzaError, StreamCondition, StreamError};
pub use self::form::{
    Choice, DataForm, Datatype, FORM_TYPE, Field, FieldError, FieldFault, FieldType, FormErrors,
    FormType, Submission,
};
pub use self::id::StanzaId;
pub use self::jid::{Jid, JidError, MAX_PART_BYTES, Part};
pub use self::payload::{IntoPayload, Invalid, Payload};
pub use self::result_set::{Anchor, Page, PageRequest, ResultSet, UnknownItem};
pub use self::stanza::{
    Echo, IqType, Kind, Malformed, MessageType, PresenceType, ReadError, Stanza, StanzaBuilder,
};
pub use self::timestamp::{Timestamp, TimestampError};

/// For the macros of this crate.
#[doc(hidden)]
pub use sestina_xml as __xml;
