//! Accounts that come from elsewhere, all of each or nothing.
//!
//! A store commits one space at a time, and an account has records in many. So they are written
//! down beside first; then the account's own record says that it is arriving, which is what decides;
//! and from there on nothing but going on is possible, for a server that starts as well.

use std::{ops::Bound, sync::Arc};

use sestina_sasl::{Credentials, Standing};
use sestina_stanza::{Jid, StreamCondition, Timestamp};
use sestina_store::{Collection, Export, Owner, Store, StoreError, StoredRecord};
use zeroize::Zeroizing;

use super::{AccountError, AccountRecord, Accounts, SPACE, State, owner};
use crate::{PasswordId, Refusal, event::AccountImported};

/// Where the records of those who arrive are written down until they are in their places.
const ARRIVALS: &str = "arrivals";

/// Records that are put in their places at once.
const PAGE: usize = 64;

/// Bytes that are written down at once.
const PAGE_BYTES: usize = 1 << 20;

/// Whether a space is the core's, so that nobody brings records for it.
pub(crate) fn is_cores_own(space: &str) -> bool {
    [SPACE, ARRIVALS, "core"].contains(&space)
}

/// All that an account brings.
pub(crate) struct Incoming {
    pub(crate) credentials: Credentials,
    /// What they were made of, if it is known.
    pub(crate) password: Option<Zeroizing<String>>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) disabled: bool,
    /// Its records, and nobody else's.
    pub(crate) records: Store,
    /// Whether it comes in place of one that is there.
    pub(crate) replace: bool,
}

/// What is kept of an account beside the records of plugins.
pub(crate) struct Kept {
    pub(crate) credentials: Credentials,
    pub(crate) created: Option<Timestamp>,
    pub(crate) disabled: bool,
}

/// Those who arrive.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// Where they are listed; their own records have the last word.
    listed: Collection<String, ()>,
    /// What they bring, in order.
    brought: Collection<u64, StoredRecord>,
    /// Those that a task of this server is at work on.
    under_way: Arc<dashmap::DashSet<Jid>>,
}

impl Arrivals {
    pub(super) fn new(store: &Store) -> Self {
        Self {
            listed: store.space(SPACE).collection("arriving"),
            brought: store.space(ARRIVALS).collection("records"),
            under_way: Arc::default(),
        }
    }
}

/// The only task at work on an account's arrival.
struct Place(Arc<dashmap::DashSet<Jid>>, Jid);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.remove(&self.1);
    }
}

impl Accounts<'_> {
    /// What is kept of an account.
    pub(crate) async fn kept(self, account: &Jid) -> Result<Kept, AccountError> {
        if let Some(source) = self.source() {
            let found = source.find(account).await?.ok_or(AccountError::Unknown)?;
            let disabled = found.standing != Standing::Good;
            return Ok(Kept { credentials: found.credentials, created: None, disabled });
        }
        match self.table().records.get(&owner(account), &()).await? {
            Some(AccountRecord { credentials, created, state }) => match state {
                State::Enabled | State::Disabled => {
                    let disabled = state == State::Disabled;
                    Ok(Kept { credentials, created: Some(created), disabled })
                }
                State::Arriving { .. } => Err(AccountError::Busy),
                State::Leaving => Err(AccountError::Unknown),
            },
            None => Err(AccountError::Unknown),
        }
    }

    /// Whether there is any record of an account, whatever its state.
    pub(crate) async fn is_taken(self, account: &Jid) -> Result<bool, StoreError> {
        if let Some(source) = self.source() {
            return Ok(source.find(account).await?.is_some());
        }
        Ok(self.table().records.get(&owner(account), &()).await?.is_some())
    }

    /// Makes an account of what it brings.
    pub(crate) async fn arrive(self, account: &Jid, it: Incoming) -> Result<(), AccountError> {
        let account = account.clone();
        self.change(|server| async move {
            let (accounts, mut it) = (server.accounts(), it);
            let (password, id) = (it.password.take(), PasswordId::of(&it.credentials));
            let under_way = &accounts.table().arrivals.under_way;
            if !under_way.insert(account.clone()) {
                return Err(AccountError::Busy);
            }
            let _place = Place(under_way.clone(), account.clone());
            // What waits beside for one that arrives is no longer to be touched.
            match accounts.kept(&account).await {
                Ok(_) if !it.replace => return Err(AccountError::Exists),
                Ok(_) | Err(AccountError::Unknown) => {}
                Err(error) => return Err(error),
            }
            let decided = match accounts.write_beside(&account, &it.records).await {
                Ok(()) => accounts.decide(&account, it).await,
                Err(error) => Ok(Err(error.into())),
            };
            // Where the store cannot say what was decided, a server that starts looks.
            if let Err(error) = decided? {
                if let Err(error) = accounts.forget_arrival(&account).await {
                    tracing::warn!(%account, %error, "something was left of an import");
                }
                return Err(error);
            }
            let moved_in = accounts.move_in(&account).await;
            moved_in.map_err(|error| {
                tracing::error!(%account, %error, "an import goes on when the server starts again");
                AccountError::Busy
            })?;
            if let Some(password) = password {
                accounts.hand_on(&account, password, id).await;
            }
            Ok(())
        })
        .await
    }

    async fn write_beside(self, account: &Jid, records: &Store) -> Result<(), StoreError> {
        let Arrivals { listed, brought, .. } = &self.table().arrivals;
        let owner = owner(account);
        let space = self.server.store().space(ARRIVALS);
        space.purge(&owner).await?;
        // Listed first: from when its record says so on, a server that starts finds it.
        listed.put(&Owner::server(), account.as_str(), &()).await?;
        let mut export: Export = records.export(&owner).await?;
        let mut number = 0_u64;
        while let Some(page) = export.next().await? {
            let (mut batch, mut bytes) = (space.batch(&owner), 0);
            for record in page {
                bytes += record.value.len();
                batch.put(brought, &number, &record);
                number += 1;
                if bytes > PAGE_BYTES {
                    let full = std::mem::replace(&mut batch, space.batch(&owner));
                    full.commit().await?;
                    bytes = 0;
                }
            }
            batch.commit().await?;
        }
        Ok(())
    }

    /// From here on it arrives, unless it may not.
    async fn decide(
        self,
        account: &Jid,
        it: Incoming,
    ) -> Result<Result<(), AccountError>, StoreError> {
        let record = AccountRecord {
            credentials: it.credentials,
            created: it.created.unwrap_or_else(|| self.server.now()),
            state: State::Arriving { disabled: it.disabled },
        };
        let decide = |held: &mut Option<AccountRecord>| match held.as_ref().map(|held| held.state) {
            Some(State::Leaving | State::Arriving { .. }) => Err(AccountError::Busy),
            Some(_) if !it.replace => Err(AccountError::Exists),
            _ => {
                *held = Some(record.clone());
                Ok(())
            }
        };
        self.table().records.update(&owner(account), &(), decide).await
    }

    /// Puts what an account has brought in its places, instead of whatever was there, and opens it.
    async fn move_in(self, account: &Jid) -> Result<(), Refusal> {
        let server = self.server;
        let sessions = server.sessions(account);
        for session in &sessions {
            session.close(Some(StreamCondition::Reset.into()));
            server.gone(session).await;
        }
        if !server.drained(|| sessions.iter().all(|session| session.is_over())).await {
            tracing::warn!(%account, "sessions of an account that is replaced were still there");
        }
        let (owner, store) = (owner(account), server.store());
        for space in store.spaces().await? {
            if !is_cores_own(&space) {
                store.space(space).purge(&owner).await?;
            }
        }
        let brought = &self.table().arrivals.brought;
        let mut last = None;
        loop {
            let from = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let page = brought.page(&owner, from, PAGE).await?;
            let Some((number, _)) = page.last() else { break };
            last = Some(*number);
            store.import(&owner, page.into_iter().map(|(_, record)| record)).await?;
        }
        server.emit(&AccountImported::new(account.clone())).await?;
        let opens = |held: &mut Option<AccountRecord>| {
            if let Some(record) = held
                && let State::Arriving { disabled } = record.state
            {
                record.state = if disabled { State::Disabled } else { State::Enabled };
            }
        };
        self.table().records.update(&owner, &(), opens).await?;
        tracing::info!(%account, "an account was imported");
        if let Err(error) = self.forget_arrival(account).await {
            // It has arrived, so that this says nothing any more.
            tracing::warn!(%account, %error, "an account that is here is still listed as arriving");
        }
        Ok(())
    }

    /// Forgets what was written down beside.
    async fn forget_arrival(self, account: &Jid) -> Result<(), StoreError> {
        self.server.store().space(ARRIVALS).purge(&owner(account)).await?;
        self.table().arrivals.listed.remove(&Owner::server(), account.as_str()).await
    }

    /// Goes on with the arrivals that an earlier server has decided on, and forgets the others, where
    /// accounts are its own.
    pub(crate) async fn resume_arrivals(self) -> Result<(), StoreError> {
        if self.source().is_some() {
            return Ok(());
        }
        for (name, ()) in self.table().arrivals.listed.scan(&Owner::server()).await? {
            let Ok(account) = Jid::new(&name) else { continue };
            let record = self.table().records.get(&owner(&account), &()).await?;
            if record.is_none_or(|record| !matches!(record.state, State::Arriving { .. })) {
                self.forget_arrival(&account).await?;
            } else if let Err(error) = self.move_in(&account).await {
                tracing::warn!(%account, %error, "an account could not be imported");
            }
        }
        Ok(())
    }
}
