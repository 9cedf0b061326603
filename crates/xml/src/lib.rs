#![doc = include_str!("../README.md")]

mod chars;
mod content;
mod scope;
mod token;
mod tree;

mod error;
mod limits;

mod frame;
mod header;
mod stream;

mod element;
mod element_ref;
mod start;

mod builder;
mod escape;
mod write;

mod xso;

#[cfg(any(test, feature = "__differential"))]
#[doc(hidden)]
pub mod differential;

pub use builder::{Builder, Child};
pub use content::{Content, Name};
pub use element::Element;
pub use element_ref::{AttributeRef, Children, ElementRef, Node};
pub use error::{LimitKind, XmlError};
pub use escape::{escape_attribute, escape_text};
pub use header::StreamHeader;
pub use limits::Limits;
pub use scope::XML_NAMESPACE;
pub use start::{Foreign, Start, StartAttribute, StartAttributes};
pub use stream::{Frame, StreamParser};
pub use write::{TagWriter, write_end_tag};
pub use xso::PayloadError;
