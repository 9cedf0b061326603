//! Guests: the capability of whatever lets them in.

use std::{any::Any, net::IpAddr};

use sestina_stanza::Jid;

use crate::{BoxFuture, Refusal};

/// Decides which guests (XEP-0175) are let in. Without a provider all are whose mechanism is offered.
pub trait Guests: Send + Sync + 'static {
    /// Lets a guest in, by the bare JID that is made up for it, or says why not; then nothing is left
    /// of it. A guest from no address is one of this process.
    ///
    /// What is stored under that address is erased when the guest goes. If the server does not live
    /// to see that, [`forget_guest`](crate::Accounts::forget_guest) does it later.
    fn admit<'a>(
        &'a self,
        guest: &'a Jid,
        from: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Stay, Refusal>>;
}

/// What is held for as long as a guest stays.
pub type Stay = Box<dyn Any + Send + Sync>;
