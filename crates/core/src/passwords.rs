//! New passwords, for those few who must have them.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sestina_sasl::{Credentials, ScramVerifier};
use sestina_stanza::Jid;
use sestina_store::{Owner, Store, StoreError};
use zeroize::Zeroizing;

use crate::{BoxFuture, Refusal, Server, contain::Joint, handler::Hears};

/// An account has come into being with this password, or has been given it.
///
/// It is handed to those who [asked for passwords](crate::Assembly::passwords) when the account was
/// assembled, before whoever has set it is told that it is set.
pub struct NewPassword {
    /// The account's bare JID.
    pub account: Jid,
    /// The password, as it was set.
    pub password: Zeroizing<String>,
    /// Which one it is. What is kept of a password is kept with this, and holds only as long as
    /// the account's credentials [have it](crate::LoginAttempt::password_id): another password may
    /// have been set at the same time, or while nobody listened.
    pub id: PasswordId,
}

/// Tells one password of an account from all others that it has had. No secret, and the same
/// password set twice has two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordId(Box<[u8]>);

impl PasswordId {
    /// Drawn anew for each password, like the salt that it is.
    pub(crate) fn of(credentials: &Credentials) -> Option<Self> {
        credentials.strongest().map(ScramVerifier::salt).map(|salt| Self(salt.into()))
    }
}

type Keeper = Arc<
    dyn for<'a> Fn(&'a NewPassword, &'a Server) -> BoxFuture<'a, Result<(), Refusal>> + Send + Sync,
>;

/// Who is handed new passwords.
#[derive(Default)]
pub(crate) struct Passwords(Vec<(&'static str, Keeper)>);

impl Passwords {
    pub(crate) fn hand<T, F>(&mut self, by: &'static str, state: &Arc<T>, keeper: F)
    where
        T: Send + Sync + 'static,
        F: for<'a> Hears<'a, T, NewPassword> + 'static,
    {
        let parts = Arc::new((state.clone(), keeper));
        let keeper: Keeper = Arc::new(move |password, server| {
            let parts = parts.clone();
            Box::pin(async move { parts.1.hear(&parts.0, password, server).await })
        });
        self.0.push((by, keeper));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of those who are handed them.
    pub(crate) fn first_keeper(&self) -> Option<&'static str> {
        self.0.first().map(|(by, _)| *by)
    }

    /// Who is handed them, sorted.
    pub(crate) fn keepers(&self) -> Vec<&str> {
        let mut keepers: Vec<_> = self.0.iter().map(|(by, _)| *by).collect();
        keepers.sort_unstable();
        keepers.dedup();
        keepers
    }

    fn are_kept_by(&self, plugin: &str) -> bool {
        self.0.iter().any(|(by, _)| *by == plugin)
    }

    /// Hands a password to all of them. One that cannot keep it is logged: the password is set.
    pub(crate) async fn tell(&self, password: &NewPassword, server: &Server) {
        for (by, keeper) in &self.0 {
            let keeping = async { keeper(password, server).await };
            let kept = server.contain_later(by, Joint::Password, keeping).await.flatten();
            if let Err(refusal) = kept {
                let account = &password.account;
                tracing::warn!(plugin = by, %account, %refusal, "a new password was not kept");
            }
        }
    }
}

/// Notes who is handed passwords from here on, and erases all that is stored by those who were in
/// the past and are not any more, unless they are only absent for now.
pub(crate) async fn settle_keepers(
    store: &Store,
    passwords: &Passwords,
    erase: bool,
) -> Result<(), StoreError> {
    let noted = store.space("core").collection::<(), Vec<String>>("password-keepers");
    let held = noted.get(&Owner::server(), &()).await?.unwrap_or_default();
    let mut keepers = passwords.keepers();
    for gone in held.iter().filter(|held| !passwords.are_kept_by(held)) {
        if erase {
            store.drop_space(gone).await?;
            tracing::info!(plugin = gone, "what a plugin has kept of passwords was erased");
        } else {
            keepers.push(gone);
        }
    }
    keepers.sort_unstable();
    if held == keepers {
        Ok(())
    } else if keepers.is_empty() {
        noted.remove(&Owner::server(), &()).await
    } else {
        let keepers: Vec<_> = keepers.into_iter().map(String::from).collect();
        noted.put(&Owner::server(), &(), &keepers).await
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPassword").field("account", &self.account).finish_non_exhaustive()
    }
}
