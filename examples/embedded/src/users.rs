//! The application's own users.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use sestina::{
    Jid,
    core::{AccountSource, BoxFuture, Entropy, SystemEntropy},
    sasl::{Account, Credentials, PasswordError, Recipe},
    store::StoreError,
};

use crate::DOMAIN;

/// Users by name; every clone is of the same.
#[derive(Clone, Debug, Default)]
pub struct Users(Arc<Mutex<BTreeMap<String, Credentials>>>);

/// Why somebody was not signed up.
#[derive(Debug)]
pub enum SignUpError {
    /// The name cannot be part of an address.
    Name,
    /// Somebody has it.
    Taken,
    /// The password cannot be used.
    Password(PasswordError),
}

impl Users {
    /// Signs somebody up.
    ///
    /// # Errors
    ///
    /// When the name or the password cannot be had.
    pub async fn sign_up(&self, name: &str, password: String) -> Result<Jid, SignUpError> {
        let jid = address(name).ok_or(SignUpError::Name)?;
        if self.0.lock().contains_key(jid.as_str()) {
            return Err(SignUpError::Taken);
        }
        let mut salt = [0; 32];
        SystemEntropy.fill(&mut salt);
        // Milliseconds of arithmetic, which hold up nobody there.
        let derive = move || Recipe::default().derive(&password, &salt);
        let derived = tokio::task::spawn_blocking(derive).await;
        let credentials = derived.expect("it does not panic").map_err(SignUpError::Password)?;
        let mut users = self.0.lock();
        if users.contains_key(jid.as_str()) {
            return Err(SignUpError::Taken);
        }
        users.insert(jid.to_string(), credentials);
        Ok(jid)
    }

    /// Strikes somebody off; says who it was.
    pub fn remove(&self, name: &str) -> Option<Jid> {
        let jid = address(name)?;
        self.0.lock().remove(jid.as_str()).map(|_| jid)
    }

    /// The address of a user that there is.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Jid> {
        let jid = address(name)?;
        self.0.lock().contains_key(jid.as_str()).then_some(jid)
    }
}

/// How the server asks for them.
impl AccountSource for Users {
    fn find<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Option<Account>, StoreError>> {
        let found = self.0.lock().get(account.as_str()).cloned();
        Box::pin(async { Ok(found.map(Account::new)) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Jid>, StoreError>> {
        let users = self.0.lock().keys().filter_map(|user| Jid::new(user).ok()).collect();
        Box::pin(async { Ok(users) })
    }
}

fn address(name: &str) -> Option<Jid> {
    Jid::from_parts(Some(name), DOMAIN, None).ok()
}
