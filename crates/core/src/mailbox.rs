//! What waits for whom: the capability of whatever keeps messages for later.

use sestina_stanza::{Jid, Stanza};

use crate::{BoxFuture, Refusal, Server};

/// What others may ask of a plugin that keeps messages for accounts.
///
/// ```
/// use sestina_core::{Assembly, Mailbox, Optional};
///
/// # fn install(to: &mut Assembly) {
/// let mailbox: Optional<dyn Mailbox> = to.optional();
/// # }
/// ```
pub trait Mailbox: Send + Sync + 'static {
    /// Keeps a message until the account, a bare JID, comes the next time, whoever is there now.
    /// Once this is done the message is stored, or its sender has been told that it is not.
    ///
    /// It is refused if it is none that waits, such as part of a conversation in a room.
    fn keep(
        &self,
        account: &Jid,
        message: Stanza,
        server: &Server,
    ) -> BoxFuture<'static, Result<(), Refusal>>;
}
