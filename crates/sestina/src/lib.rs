#![doc = include_str!("../README.md")]

mod builder;
pub mod plugins;
mod server;

#[cfg(feature = "chat")]
#[doc(inline)]
pub use sestina_chat as chat;
#[cfg(feature = "console")]
#[doc(inline)]
pub use sestina_console as console;
#[doc(inline)]
pub use sestina_core as core;
#[cfg(feature = "metrics")]
#[doc(inline)]
pub use sestina_metrics as metrics;
#[doc(inline)]
pub use sestina_net as net;
#[doc(inline)]
pub use sestina_sasl as sasl;
#[doc(inline)]
pub use sestina_stanza as stanza;
#[doc(inline)]
pub use sestina_store as store;
#[cfg(feature = "redb")]
#[doc(inline)]
pub use sestina_store_redb as store_redb;
#[cfg(feature = "sled")]
#[doc(inline)]
pub use sestina_store_sled as store_sled;
#[doc(inline)]
pub use sestina_stream as stream;
#[cfg(feature = "web")]
#[doc(inline)]
pub use sestina_web as web;
#[doc(inline)]
pub use sestina_xml as xml;

pub use self::{
    builder::{Builder, StartError},
    server::Server,
};
pub use sestina_core::Plugin;
pub use sestina_net::{Kind, Tls};
pub use sestina_stanza::{Jid, Stanza};

/// The samples of the project's own README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
