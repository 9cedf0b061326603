//! Accounts that the host program keeps itself.

use std::fmt;

use sestina_sasl::Account;
use sestina_stanza::Jid;
use sestina_store::StoreError;

use crate::BoxFuture;

/// The accounts of a program that a server is part of, in place of those that a server keeps.
///
/// Who has an account, with which password, and whether it may log in is then for the program to say,
/// and [`Accounts`](crate::Accounts) only looks: whoever would make, change or remove an account
/// through it is told [`Elsewhere`](crate::AccountError::Elsewhere). What plugins keep of an account
/// is the server's as ever; [`Accounts::forget`](crate::Accounts::forget) erases it when the program
/// has removed somebody, and [`Accounts::log_out`](crate::Accounts::log_out) ends the sessions of
/// whoever may not log in any more.
///
/// A source is asked at each login, and whenever it matters whether somebody exists, such as for a
/// message to somebody who is not there: it has its data at hand, or a cache.
///
/// ```
/// use std::{collections::HashMap, sync::Arc};
/// use sestina_core::{AccountSource, Assembly, BoxFuture, Settings};
/// use sestina_sasl::{Account, Credentials};
/// use sestina_stanza::Jid;
/// use sestina_store::StoreError;
///
/// /// Users by name, with what [`Recipe::derive`](sestina_sasl::Recipe::derive) has made of their
/// /// passwords.
/// struct Users(HashMap<String, Credentials>);
///
/// impl AccountSource for Users {
///     fn find<'a>(
///         &'a self,
///         account: &'a Jid,
///     ) -> BoxFuture<'a, Result<Option<Account>, StoreError>> {
///         let found = account.local().and_then(|name| self.0.get(name)).cloned();
///         Box::pin(async { Ok(found.map(Account::new)) })
///     }
/// }
///
/// let mut settings = Settings::new("capulet.example".parse()?, sestina_store::memory());
/// settings.accounts = Some(Arc::new(Users(HashMap::new())));
/// let assembly = Assembly::new(settings);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait AccountSource: Send + Sync + 'static {
    /// Looks for the account of a bare JID, whose domain is served and whose localpart is prepared.
    ///
    /// Where passwords are [checked](Self::passwords) by the program, the credentials are not looked
    /// at and may be empty.
    ///
    /// # Errors
    ///
    /// When the program cannot say. Nobody is let in then, and nobody is told that there is no such
    /// account.
    fn find<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Option<Account>, StoreError>>;

    /// All accounts, sorted, for administrators who list or count them; none unless overridden.
    ///
    /// # Errors
    ///
    /// When the program cannot say.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Jid>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Who checks passwords, where all that the program has is some other hash of them; it is asked
    /// for once, when a server is assembled.
    ///
    /// SCRAM needs verifiers, so that PLAIN is then all that is offered, over TLS: the program sees
    /// the passwords of those who log in.
    fn passwords(&self) -> Option<&dyn PasswordCheck> {
        None
    }
}

/// Checks passwords that clients have shown.
pub trait PasswordCheck: Send + Sync {
    /// Whether this is the account's password.
    ///
    /// It is asked for names that are nobody's as well, and must take as long for them: compare with
    /// the hash of some password that nobody has. Arithmetic of more than a millisecond belongs on
    /// a thread of its own, as by `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    ///
    /// When the program cannot say; the client is told to try again later.
    fn check<'a>(
        &'a self,
        account: &'a Jid,
        password: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
}

impl fmt::Debug for dyn AccountSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountSource")
    }
}
