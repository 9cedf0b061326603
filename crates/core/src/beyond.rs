//! The way to servers of other domains: the capability of whatever speaks to them.

use sestina_stanza::Stanza;

use crate::{BoxFuture, Refusal, Server};

/// The way to other servers, for addresses at domains that are served neither here nor by a
/// [neighbour](crate::Switchboard). Without a provider there is none, and whoever writes there is
/// told `remote-server-not-found`.
///
/// What comes from there is handed to [`Server::incoming`].
pub trait Beyond: Send + Sync + 'static {
    /// Whether there is a way to a domain, as far as that is known without trying. Presence goes
    /// only where there is one.
    fn reaches(&self, domain: &str) -> bool;

    /// Takes a stanza to an address at another domain. Whoever has sent it sends nothing further
    /// until this is done; what it refuses, they are told.
    fn send(&self, stanza: Stanza, server: &Server) -> BoxFuture<'static, Result<(), Refusal>>;
}
