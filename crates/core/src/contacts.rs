//! Who knows whom: the capability of whatever keeps contact lists.

use std::{fmt, sync::Arc};

use sestina_stanza::{Condition, Jid};

use crate::{BoxFuture, Refusal, Server, Session};

/// What others may ask of a plugin that keeps contact lists.
///
/// ```
/// use sestina_core::{Assembly, Contacts, Optional};
///
/// # fn install(to: &mut Assembly) {
/// let contacts: Optional<dyn Contacts> = to.optional();
/// # }
/// ```
pub trait Contacts: Send + Sync + 'static {
    /// What an account of this server has on its list about a contact; both are bare JIDs.
    ///
    /// Lists of accounts that are online are at hand.
    fn contact(&self, account: &Jid, contact: &Jid) -> Lookup<Option<Contact>>;

    /// Everybody on the list of an account, by bare JID.
    fn contacts(&self, account: &Jid) -> Lookup<Vec<(Jid, Contact)>> {
        let _ = account;
        Lookup::Known(Vec::new())
    }

    /// Whether lists can be changed by others than their owners' clients.
    fn can_change(&self) -> bool {
        false
    }

    /// Puts a contact on the list of an account, or calls it something else, as a client of the
    /// account would; both are bare JIDs. Who sees whose presence stays as it is.
    fn put<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        name: &'a str,
        groups: &'a [String],
        server: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        let _ = (account, contact, name, groups, server);
        Box::pin(async { Err(Condition::FeatureNotImplemented.into()) })
    }

    /// Takes a contact from the list of an account, as a client of the account would: neither sees
    /// the other's presence any more.
    fn remove<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        server: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        let _ = (account, contact, server);
        Box::pin(async { Err(Condition::FeatureNotImplemented.into()) })
    }

    /// To whom a session has shown itself in particular, and is to show its end as well
    /// (RFC 6121 §4.6).
    fn shown(&self, session: &Session) -> Vec<Jid> {
        let _ = session;
        Vec::new()
    }
}

impl dyn Contacts {
    /// Whether somebody sees the presence of an account: one of its contacts that does, or itself.
    ///
    /// # Errors
    ///
    /// When the list cannot be read. Who is not told yes must take it for a no.
    pub async fn may_see_presence(&self, of: &Jid, by: &Jid) -> Result<bool, Refusal> {
        if of.same_bare(by) {
            return Ok(true);
        }
        let contact = self.contact(&of.to_bare(), &by.to_bare()).wait().await?;
        Ok(contact.is_some_and(|contact| contact.subscription.from()))
    }
}

/// An entry of somebody's contact list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contact {
    /// Who of the two sees whose presence.
    pub subscription: Subscription,
    /// The groups that the owner of the list has put the contact into.
    pub groups: Arc<[Arc<str>]>,
}

impl Contact {
    /// An entry.
    pub fn new(subscription: Subscription, groups: impl Into<Arc<[Arc<str>]>>) -> Self {
        Self { subscription, groups: groups.into() }
    }
}

/// Who of two sees whose presence, from the side of the owner of a list (RFC 6121 §2.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subscription {
    /// Nobody.
    None,
    /// The owner sees the contact's.
    To,
    /// The contact sees the owner's.
    From,
    /// Each sees the other's.
    Both,
}

impl Subscription {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::To => "to",
            Self::From => "from",
            Self::Both => "both",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::To, Self::From, Self::Both].into_iter().find(|it| it.name() == name)
    }

    /// Whether the owner sees the contact's presence.
    #[must_use]
    pub const fn to(self) -> bool {
        matches!(self, Self::To | Self::Both)
    }

    /// Whether the contact sees the owner's presence.
    #[must_use]
    pub const fn from(self) -> bool {
        matches!(self, Self::From | Self::Both)
    }
}

/// What was looked up, or the look-up.
#[must_use]
pub enum Lookup<T> {
    /// It was at hand.
    Known(T),
    /// It has to be fetched.
    Wait(BoxFuture<'static, Result<T, Refusal>>),
}

impl<T> Lookup<T> {
    /// Fetches it, if it is not at hand.
    ///
    /// # Errors
    ///
    /// When it cannot be fetched.
    pub async fn wait(self) -> Result<T, Refusal> {
        match self {
            Self::Known(known) => Ok(known),
            Self::Wait(later) => later.await,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Lookup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => f.debug_tuple("Known").field(known).finish(),
            Self::Wait(_) => f.write_str("Wait"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Juliet sees Romeo, and Romeo is seen by her.
    struct Families;

    impl Contacts for Families {
        fn contact(&self, account: &Jid, contact: &Jid) -> Lookup<Option<Contact>> {
            match (account.local(), contact.local()) {
                (Some("romeo"), Some("juliet")) => {
                    Lookup::Known(Some(Contact::new(Subscription::From, [])))
                }
                (Some("juliet"), Some("romeo")) => {
                    Lookup::Wait(Box::pin(async { Ok(Some(Contact::new(Subscription::To, []))) }))
                }
                _ => Lookup::Known(None),
            }
        }
    }

    #[tokio::test]
    async fn presence_is_for_those_it_was_granted() {
        let families: &dyn Contacts = &Families;
        for (of, by, may) in [
            ("romeo@a", "juliet@a/balcony", true),
            ("romeo@a", "romeo@a/orchard", true),
            ("juliet@a", "romeo@a", false),
            ("romeo@a", "tybalt@a", false),
        ] {
            let (of, by) = (Jid::new(of).unwrap(), Jid::new(by).unwrap());
            assert_eq!(families.may_see_presence(&of, &by).await.unwrap(), may, "{of} by {by}");
        }
    }

    #[test]
    fn names_lead_back() {
        for subscription in ["none", "to", "from", "both"] {
            let read = Subscription::from_name(subscription).unwrap();
            assert_eq!(read.name(), subscription);
            assert_eq!(read.to(), matches!(subscription, "to" | "both"));
            assert_eq!(read.from(), matches!(subscription, "from" | "both"));
        }
        assert_eq!(Subscription::from_name("remove"), None);
    }
}
