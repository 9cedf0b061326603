//! An account on its way out.

use std::{collections::VecDeque, fmt};

use sestina_stanza::Jid;
use sestina_store::StoredRecord;
use sestina_xml::Element;

use super::{
    credentials::{self, Particulars},
    records, stays_behind,
};
use crate::{Accounts, Server, accounts::AccountError};

/// Writes an account down, an element at a time; made by [`Accounts::export`].
pub struct Export {
    server: Server,
    account: Jid,
    ready: VecDeque<Element>,
    stage: Stage,
}

enum Stage {
    /// What plugins write down themselves, from this one on.
    Plugins(usize),
    /// The records of the others.
    Records(sestina_store::Export),
    Done,
}

impl Accounts<'_> {
    /// Begins to write an account down as XEP-0227 has it, for another server or for safekeeping.
    ///
    /// # Errors
    ///
    /// When there is no such account, or the store fails.
    pub async fn export(self, account: &Jid) -> Result<Export, AccountError> {
        let kept = self.kept(account).await?;
        let particulars = Particulars { created: kept.created, disabled: kept.disabled };
        let mut ready: VecDeque<_> = credentials::write_scram(&kept.credentials).collect();
        ready.push_back(particulars.write());
        let server = self.server().clone();
        Ok(Export { server, account: account.clone(), ready, stage: Stage::Plugins(0) })
    }
}

impl Export {
    /// Whose it is: its localpart is the name of the `<user/>`, its domain that of the `<host/>`.
    #[must_use]
    pub fn account(&self) -> &Jid {
        &self.account
    }

    /// The next element within `<user/>`; none when all were written.
    ///
    /// What changes meanwhile may or may not be among them.
    ///
    /// # Errors
    ///
    /// When something cannot be read. What was written so far is then not all there is.
    pub async fn next(&mut self) -> Result<Option<Element>, AccountError> {
        loop {
            if let Some(element) = self.ready.pop_front() {
                return Ok(Some(element));
            }
            match &mut self.stage {
                Stage::Plugins(at) => {
                    let carriers = self.server.carriers();
                    if let Some(elements) = carriers.export(*at, &self.account, &self.server).await
                    {
                        *at += 1;
                        self.ready = elements.map_err(AccountError::Unreadable)?.into();
                    } else {
                        let owner = crate::accounts::owner(&self.account);
                        self.stage = Stage::Records(self.server.store().export(&owner).await?);
                    }
                }
                Stage::Records(export) => match export.next().await? {
                    Some(mut page) => {
                        let carriers = self.server.carriers();
                        page.retain(|StoredRecord { space, .. }| {
                            !stays_behind(space, &self.server) && !carriers.speaks_for(space)
                        });
                        self.ready = records::write(&page).into();
                    }
                    None => self.stage = Stage::Done,
                },
                Stage::Done => return Ok(None),
            }
        }
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("account", &self.account).finish_non_exhaustive()
    }
}
