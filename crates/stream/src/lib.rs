#![doc = include_str!("../README.md")]

mod stream;

mod event;
mod question;

mod connection;
mod form;
mod host;
mod limits;

mod feature;

mod authentication;
mod binding;
mod header;
mod inline;
mod offer;
mod refusal;
mod wire;

#[doc(hidden)]
pub mod fuzzing;

pub use crate::connection::Connection;
pub use crate::event::{Established, Event, Step};
pub use crate::feature::{
    Feature, Negotiation, Outcome, Resumption, Slot, Transform, View, binding_feature,
};
pub use crate::form::{Form, Sink, read_message};
pub use crate::host::{Attempt, Domain, Host, TlsOffer};
pub use crate::limits::Limits;
pub use crate::question::{Answer, BindRequest, Bound, IqAnswer, Question, UserAgent};
pub use crate::stream::ClientStream;
