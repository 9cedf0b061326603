//! What is kept of passwords for mechanisms that cannot do with a verifier.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sestina_sasl::{Secret, SecretFamily, prepare_password};
use sestina_stanza::{Condition, Jid};
use sestina_store::{Collection, Owner, Record, Space, StoreError};
use zeroize::Zeroizing;

use crate::{
    Refusal, Server,
    passwords::{NewPassword, PasswordId},
};

/// The secrets of one family, in the space of the plugin that speaks it.
pub(crate) struct Secrets {
    family: Box<dyn SecretFamily>,
    kept: Collection<(), Kept>,
}

/// What is kept of one password.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    of: PasswordId,
    secret: Zeroizing<Vec<u8>>,
}

impl Record for Kept {
    const VERSION: u8 = 1;
}

impl Secrets {
    pub(crate) fn new(family: Box<dyn SecretFamily>, space: &Space) -> Arc<Self> {
        Arc::new(Self { family, kept: space.collection("secrets") })
    }

    pub(crate) fn family(&self) -> &str {
        self.family.name()
    }

    /// Makes the secret of a new password, and keeps it.
    pub(crate) async fn keep(&self, new: &NewPassword, _: &Server) -> Result<(), Refusal> {
        let password = prepare_password(&new.password);
        let password = password.map_err(|_| Refusal::from(Condition::NotAcceptable))?;
        let account = &new.account;
        let name = account.local().unwrap_or_default();
        let secret = self.family.derive(name, account.domain(), &password);
        let secret = Zeroizing::new(secret.as_bytes().to_vec());
        let kept = Kept { of: new.id.clone(), secret };
        Ok(self.kept.put(&Owner::account(account.bare_str()), &(), &kept).await?)
    }

    /// The secret of an account, if it is that of its present password. It is looked for whether or
    /// not there is such an account.
    pub(crate) async fn of(
        &self,
        account: &Jid,
        password: Option<&PasswordId>,
    ) -> Result<Option<Secret>, StoreError> {
        let kept = self.kept.get(&Owner::account(account.bare_str()), &()).await?;
        let kept = kept.filter(|kept| password == Some(&kept.of));
        Ok(kept.map(|kept| kept.secret.into()))
    }
}
