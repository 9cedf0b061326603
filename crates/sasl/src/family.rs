//! Mechanisms that cannot do with a verifier.

use std::fmt;

use crate::Secret;

/// A family of mechanisms from outside this crate that needs a secret of its own for each account.
///
/// Such a secret can often be replayed, as that of DIGEST-MD5 can: whoever keeps it has decided to,
/// and keeps it apart from the [`Credentials`](crate::Credentials). A mechanism asks for it by
/// [`Query::Secret`](crate::Query::Secret).
pub trait SecretFamily: fmt::Debug + Send + Sync {
    /// The name by which it is asked for.
    fn name(&self) -> &str;

    /// Makes the secret of the account with this prepared localpart and domain from its prepared
    /// password.
    fn derive(&self, username: &str, domain: &str, password: &str) -> Secret;
}
