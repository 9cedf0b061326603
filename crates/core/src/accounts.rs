//! Accounts: who may log in, and with what.

mod arrival;

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sestina_sasl::{Account, Credentials, PasswordError, Secret, Standing};
use sestina_stanza::{Condition, Jid, StanzaError, StreamCondition, Timestamp};
use sestina_store::{Collection, Owner, Record, Store, StoreError};
use tokio::task::{JoinError, JoinHandle};
use zeroize::Zeroizing;

use self::arrival::Arrivals;
pub(crate) use self::arrival::{Incoming, is_cores_own};
use crate::{
    AccountSource, Refusal, Server,
    event::{AccountCreated, AccountDisabled, AccountEnabled, AccountRemoved, CredentialsChanged},
    passwords::{NewPassword, PasswordId},
    session::Session,
};

/// What is stored of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AccountRecord {
    credentials: Credentials,
    created: Timestamp,
    state: State,
}

/// Whether somebody may log in with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Enabled,
    Disabled,
    /// Somebody has asked for it to be removed, and it will be, whatever comes between.
    Leaving,
    /// It comes from elsewhere, and is not all here yet; it will be, whatever comes between.
    Arriving {
        /// Whether it is disabled once it is here.
        disabled: bool,
    },
}

impl Record for AccountRecord {
    const VERSION: u8 = 1;
}

/// The accounts of a server's domains.
#[derive(Debug)]
pub(crate) struct AccountTable {
    records: Collection<(), AccountRecord>,
    /// Where the accounts are listed that are leaving; their own records have the last word.
    leaving: Collection<String, ()>,
    arrivals: Arrivals,
    /// Who has the accounts, if the records above have not.
    source: Option<Arc<dyn AccountSource>>,
}

/// Where accounts are stored.
const SPACE: &str = "accounts";

/// Accounts read at once.
const PAGE: usize = 256;

impl AccountTable {
    pub(crate) fn new(store: &Store, source: Option<Arc<dyn AccountSource>>) -> Self {
        let space = store.space(SPACE);
        Self {
            records: space.collection("accounts"),
            leaving: space.collection("leaving"),
            arrivals: Arrivals::new(store),
            source,
        }
    }
}

/// What is done with accounts; made by [`Server::accounts`].
///
/// # Cancel safety
///
/// What changes an account goes on to its end when nobody waits for it any more.
#[derive(Clone, Copy, Debug)]
pub struct Accounts<'a> {
    server: &'a Server,
}

/// Why an account was not made or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccountError {
    /// There is one already.
    Exists,
    /// The password cannot be used.
    Password(PasswordError),
    /// Accounts are kept by the program that the server is part of, which alone can do this; see
    /// [`AccountSource`].
    Elsewhere,
    /// The address is no account's: it has no localpart, or a domain that is not served.
    Address,
    /// There is none.
    Unknown,
    /// It is being imported, or removed.
    Busy,
    /// A plugin could not read what it keeps of the account.
    Unreadable(Refusal),
    /// A plugin could not let go of the account; it is disabled, and removing it can be tried
    /// again.
    Held(Refusal),
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("the account exists already"),
            Self::Password(error) => write!(f, "the password cannot be used: {error}"),
            Self::Elsewhere => {
                f.write_str("accounts are kept by the program that the server is part of")
            }
            Self::Address => f.write_str("no account can have this address here"),
            Self::Unknown => f.write_str("there is no such account"),
            Self::Busy => f.write_str("the account is being imported or removed"),
            Self::Unreadable(refusal) => write!(f, "the account could not be read: {refusal}"),
            Self::Held(refusal) => write!(f, "the account could not be let go of: {refusal}"),
            Self::Store(error) => write!(f, "the store failed: {error}"),
        }
    }
}

impl std::error::Error for AccountError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Password(error) => Some(error),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Exists => Condition::Conflict.into(),
            AccountError::Password(_) => Condition::NotAcceptable.into(),
            AccountError::Elsewhere => Condition::NotAllowed.into(),
            AccountError::Address => Condition::JidMalformed.into(),
            AccountError::Unknown => Condition::ItemNotFound.into(),
            AccountError::Busy => Condition::ResourceConstraint.into(),
            AccountError::Held(refusal) | AccountError::Unreadable(refusal) => refusal,
            AccountError::Store(error) => error.into(),
        }
    }
}

impl<'a> Accounts<'a> {
    pub(crate) fn of(server: &'a Server) -> Self {
        Self { server }
    }

    pub(crate) fn server(self) -> &'a Server {
        self.server
    }

    fn table(self) -> &'a AccountTable {
        self.server.account_table()
    }

    /// Who has the accounts, if this server has not.
    pub(crate) fn source(self) -> Option<&'a Arc<dyn AccountSource>> {
        self.table().source.as_ref()
    }

    /// Makes an account.
    ///
    /// # Errors
    ///
    /// When there is one, when address or password cannot be used, or the store fails.
    pub async fn create(self, account: &Jid, password: &str) -> Result<(), AccountError> {
        let (account, password) = (self.address(account)?, Zeroizing::new(password.to_owned()));
        self.change(|server| async move {
            let accounts = server.accounts();
            if accounts.exists(&account).await {
                // Nobody pays for deriving what is not kept.
                return Err(AccountError::Exists);
            }
            let credentials = accounts.derive(&password).await?;
            let id = PasswordId::of(&credentials);
            let record =
                Some(AccountRecord { credentials, created: server.now(), state: State::Enabled });
            let existed = accounts
                .table()
                .records
                .update(&owner(&account), &(), |held| {
                    let existed = held.is_some();
                    if !existed {
                        *held = record.clone();
                    }
                    existed
                })
                .await?;
            if existed {
                return Err(AccountError::Exists);
            }
            tracing::info!(%account, "an account was created");
            accounts.hand_on(&account, password, id).await;
            accounts.tell(AccountCreated::new(account)).await;
            Ok(())
        })
        .await
    }

    /// Gives an account another password.
    ///
    /// # Errors
    ///
    /// When there is no such account, when the password cannot be used, or the store fails.
    pub async fn set_password(self, account: &Jid, password: &str) -> Result<(), AccountError> {
        let (account, password) = (self.address(account)?, Zeroizing::new(password.to_owned()));
        self.change(|server| async move {
            let accounts = server.accounts();
            let credentials = accounts.derive(&password).await?;
            let id = PasswordId::of(&credentials);
            accounts.edit(&account, |record| record.credentials = credentials.clone()).await?;
            tracing::info!(%account, "a password was changed");
            accounts.hand_on(&account, password, id).await;
            accounts.tell(CredentialsChanged::new(account)).await;
            Ok(())
        })
        .await
    }

    /// Lets an account log in or not. One that may not loses its sessions, and its contacts see it go;
    /// what is sent to it is treated as for anybody who is away.
    ///
    /// # Errors
    ///
    /// When there is no such account, or the store fails.
    pub async fn set_disabled(self, account: &Jid, disabled: bool) -> Result<(), AccountError> {
        let account = self.address(account)?;
        self.change(move |server| async move {
            let accounts = server.accounts();
            let state = if disabled { State::Disabled } else { State::Enabled };
            let set = |record: &mut AccountRecord| std::mem::replace(&mut record.state, state);
            let changed = accounts.edit(&account, set).await? != state;
            if disabled {
                accounts.end_sessions(&server.sessions(&account)).await;
            }
            if !changed {
                return Ok(());
            }
            tracing::info!(%account, disabled, "an account was disabled or enabled");
            if disabled {
                accounts.tell(AccountDisabled::new(account)).await;
            } else {
                accounts.tell(AccountEnabled::new(account)).await;
            }
            Ok(())
        })
        .await
    }

    /// Whether an account may not log in.
    ///
    /// # Errors
    ///
    /// When there is no such account, or the store fails.
    pub async fn is_disabled(self, account: &Jid) -> Result<bool, AccountError> {
        Ok(self.kept(account).await?.disabled)
    }

    /// Removes an account and everything that is stored under it.
    ///
    /// # Errors
    ///
    /// When there is no such account, a plugin could not let go of it, or the store fails. Nobody
    /// logs in with an account whose removal was begun; it goes on when this is called again, and
    /// when a server starts over the same store.
    pub async fn remove(self, account: &Jid) -> Result<(), AccountError> {
        self.remove_for(account, None).await
    }

    /// Removes the account of a session that has asked for it. Its other sessions end before, and
    /// this one as soon as it has been answered.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove); the session then goes on, so that it can ask again.
    pub async fn remove_own(self, session: &Arc<Session>) -> Result<(), AccountError> {
        self.remove_for(session.account(), Some(session.clone())).await
    }

    async fn remove_for(
        self,
        account: &Jid,
        asking: Option<Arc<Session>>,
    ) -> Result<(), AccountError> {
        let account = self.address(account)?;
        self.change(|server| async move {
            server.accounts().begin_removal(&account).await?;
            let mut others = server.sessions(&account);
            if let Some(asking) = &asking {
                others.retain(|session| session.id() != asking.id());
                server.gone(asking).await;
            }
            server.accounts().end_sessions(&others).await;
            server.accounts().await_the_end(&account, &others).await;
            server.accounts().erase(&account).await?;
            let key = account.as_str();
            if let Err(error) = server.accounts().table().leaving.remove(&Owner::server(), key).await {
                // It has no record, so that this says nothing any more.
                tracing::warn!(%account, %error, "an account that has gone is still listed as leaving");
            }
            tracing::info!(%account, "an account was removed");
            if let Some(session) = asking {
                session.close_owing(Some(StreamCondition::NotAuthorized.into()));
            }
            Ok(())
        })
        .await
    }

    /// Ends the sessions of an account, such as one that may not log in any more, where the host
    /// program [keeps accounts](AccountSource); what is sent to it is treated as for anybody who is away.
    pub async fn log_out(self, account: &Jid) {
        self.end_sessions(&self.server.sessions(account)).await;
    }

    /// Ends the sessions of an account that the host program has removed from its
    /// [source](AccountSource), and erases everything that is stored under it.
    ///
    /// # Errors
    ///
    /// When there is such an account still, a plugin could not let go of it, or the store fails.
    pub async fn forget(self, account: &Jid) -> Result<(), AccountError> {
        let account = self.address(account)?;
        self.to_the_end(|server| async move {
            let accounts = server.accounts();
            if accounts.is_taken(&account).await? {
                return Err(AccountError::Exists);
            }
            let sessions = server.sessions(&account);
            accounts.end_sessions(&sessions).await;
            accounts.await_the_end(&account, &sessions).await;
            accounts.erase(&account).await?;
            tracing::info!(%account, "what was kept of an account was erased");
            Ok(())
        })
        .await
    }

    async fn end_sessions(self, sessions: &[Arc<Session>]) {
        for session in sessions {
            session.close(Some(StreamCondition::NotAuthorized.into()));
            self.server.gone(session).await;
        }
    }

    /// What sessions have under way, and whatever is written down about those that go, is done before
    /// records are erased.
    async fn await_the_end(self, account: &Jid, sessions: &[Arc<Session>]) {
        if !self.server.drained(|| sessions.iter().all(|session| session.is_over())).await {
            tracing::warn!(%account, "sessions of an account that is removed were still there");
        }
    }

    /// Whether there is such an account; a store that fails knows none.
    pub async fn exists(self, account: &Jid) -> bool {
        if let Some(source) = self.source() {
            return match source.find(&account.to_bare()).await {
                Ok(found) => found.is_some(),
                Err(error) => {
                    tracing::warn!(%account, %error, "an account could not be looked up");
                    false
                }
            };
        }
        match self.table().records.get(&owner(&account.to_bare()), &()).await {
            Ok(record) => {
                record.is_some_and(|record| !matches!(record.state, State::Arriving { .. }))
            }
            Err(error) => {
                tracing::warn!(%account, %error, "an account could not be looked up");
                false
            }
        }
    }

    /// Whether there is such an account, and it is not about to go.
    ///
    /// Whoever has stored something that others have sent for an account asks this afterwards, and
    /// takes it back if the answer is no: it may have come behind what erases the account. A store
    /// that fails knows of none.
    pub async fn stays(self, account: &Jid) -> bool {
        match self.kept(&account.to_bare()).await {
            Ok(_) => true,
            Err(AccountError::Unknown | AccountError::Busy) => false,
            Err(error) => {
                tracing::warn!(%account, %error, "an account could not be looked up");
                false
            }
        }
    }

    /// All accounts, sorted.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<Jid>, StoreError> {
        if let Some(source) = self.source() {
            return source.list().await;
        }
        let space = self.server.store().space(SPACE);
        let (mut accounts, mut last) = (Vec::new(), None);
        loop {
            let page = space.owners(last.as_ref(), PAGE).await?;
            accounts.extend(page.iter().filter_map(|owner| Jid::new(owner.as_account()?).ok()));
            match page.last() {
                Some(owner) if page.len() == PAGE => last = Some(owner.clone()),
                _ => return Ok(accounts),
            }
        }
    }

    /// Whether a password is right. Takes milliseconds, off the runtime's own threads.
    ///
    /// # Errors
    ///
    /// When there is no such account, or the store fails.
    pub async fn check_password(self, account: &Jid, password: &str) -> Result<bool, AccountError> {
        let found = self.credentials(account).await?.ok_or(AccountError::Unknown)?;
        if let Some(check) = self.source().and_then(|source| source.passwords()) {
            return Ok(check.check(account, password).await?);
        }
        let credentials = found.credentials;
        let password = password.to_owned();
        Ok(blocking(move || credentials.verify(&password)).await)
    }

    /// Whether a password is right, where the host program checks that; none if it cannot say.
    pub(crate) async fn checked(self, account: &Jid, password: &Secret) -> Option<bool> {
        let check = self.source()?.passwords()?;
        match check.check(account, password.as_str()?).await {
            Ok(right) => Some(right),
            Err(error) => {
                tracing::warn!(%account, %error, "a password could not be checked");
                None
            }
        }
    }

    /// What a SASL mechanism asks for.
    pub(crate) async fn credentials(self, account: &Jid) -> Result<Option<Account>, StoreError> {
        if let Some(source) = self.source() {
            return source.find(account).await;
        }
        let record = self.table().records.get(&owner(account), &()).await?;
        Ok(record.map(|record| {
            let standing = match record.state {
                State::Enabled => Standing::Good,
                State::Disabled | State::Leaving | State::Arriving { .. } => Standing::Disabled,
            };
            Account::new(record.credentials).with_standing(standing)
        }))
    }

    /// Whether an account may have a session.
    pub(crate) async fn admits(self, account: &Jid) -> Result<(), StanzaError> {
        match self.credentials(account).await {
            Ok(Some(found)) if found.standing == Standing::Good => Ok(()),
            Ok(_) => Err(Condition::NotAuthorized.into()),
            Err(error) => {
                tracing::warn!(%account, %error, "an account could not be looked up");
                Err(Refusal::from(error).into_error())
            }
        }
    }

    pub(crate) fn address(self, account: &Jid) -> Result<Jid, AccountError> {
        if account.is_bare() && account.local().is_some() && self.server.serves(account.domain()) {
            Ok(account.clone())
        } else {
            Err(AccountError::Address)
        }
    }

    /// Hands a new password to those who need it.
    async fn hand_on(self, account: &Jid, password: Zeroizing<String>, id: Option<PasswordId>) {
        let passwords = self.server.passwords();
        if let Some(id) = id.filter(|_| !passwords.is_empty()) {
            let new = NewPassword { account: account.clone(), password, id };
            passwords.tell(&new, self.server).await;
        }
    }

    pub(crate) async fn derive(
        self,
        password: &Zeroizing<String>,
    ) -> Result<Credentials, AccountError> {
        let (recipe, password) =
            (self.server.rules().authentication.recipe.clone(), password.clone());
        let mut salt = [0; 32];
        self.server.entropy().fill(&mut salt);
        blocking(move || recipe.derive(&password, &salt)).await.map_err(AccountError::Password)
    }

    /// Changes the record of an account, unless that is leaving or arriving.
    async fn edit<R: Send>(
        self,
        account: &Jid,
        edit: impl Fn(&mut AccountRecord) -> R + Send + Sync,
    ) -> Result<R, AccountError> {
        let edit = |held: &mut Option<AccountRecord>| {
            let record = held.as_mut().ok_or(AccountError::Unknown)?;
            match record.state {
                State::Enabled | State::Disabled => Ok(edit(record)),
                State::Leaving => Err(AccountError::Unknown),
                State::Arriving { .. } => Err(AccountError::Busy),
            }
        };
        self.table().records.update(&owner(account), &(), edit).await?
    }

    async fn begin_removal(self, account: &Jid) -> Result<(), AccountError> {
        let AccountTable { records, leaving, .. } = self.table();
        // Listed first: from when its record says so on, a server that starts finds it.
        leaving.put(&Owner::server(), account.as_str(), &()).await?;
        let leaves = |held: &mut Option<AccountRecord>| {
            let record = held.as_mut().ok_or(AccountError::Unknown)?;
            if matches!(record.state, State::Arriving { .. }) {
                return Err(AccountError::Busy);
            }
            record.state = State::Leaving;
            Ok(())
        };
        let left = records.update(&owner(account), &(), leaves).await?;
        if left.is_err() {
            leaving.remove(&Owner::server(), account.as_str()).await?;
        }
        left
    }

    /// Has plugins let go of an account, and erases all that is stored under it.
    async fn erase(self, account: &Jid) -> Result<(), AccountError> {
        let removed = self.server.emit(&AccountRemoved::new(account.clone())).await;
        removed.map_err(AccountError::Held)?;
        // Its own record goes last: as long as anything is left there is an account, which nobody
        // can make anew and whose removal can be called for again.
        let store = self.server.store();
        for space in store.spaces().await? {
            if space != SPACE {
                store.space(space).purge(&owner(account)).await?;
            }
        }
        Ok(store.space(SPACE).purge(&owner(account)).await?)
    }

    /// Erases all that is stored under the address of a guest who has gone. A server does so itself
    /// unless it does not live to see a guest go.
    ///
    /// # Errors
    ///
    /// When this is an account after all, a plugin could not let go of it, or the store fails.
    pub async fn forget_guest(self, guest: &Jid) -> Result<(), AccountError> {
        if self.is_taken(guest).await? {
            Err(AccountError::Exists)
        } else {
            self.erase(guest).await
        }
    }

    /// The same where nobody waits for it.
    pub(crate) async fn see_off(self, guest: &Jid) {
        if let Err(error) = self.forget_guest(guest).await {
            tracing::warn!(%guest, %error, "something was left of a guest");
        }
    }

    /// Goes on with the removals that an earlier server has begun, where accounts are its own.
    pub(crate) async fn resume_removals(self) -> Result<(), StoreError> {
        if self.source().is_some() {
            return Ok(());
        }
        let AccountTable { records, leaving, .. } = self.table();
        for (name, ()) in leaving.scan(&Owner::server()).await? {
            let Ok(account) = Jid::new(&name) else { continue };
            let record = records.get(&owner(&account), &()).await?;
            if record.is_none_or(|record| record.state != State::Leaving) {
                leaving.remove(&Owner::server(), &*name).await?;
            } else if let Err(error) = self.remove(&account).await {
                tracing::warn!(%account, %error, "an account could not be removed");
            }
        }
        Ok(())
    }

    /// Changes accounts, if they are this server's to change.
    async fn change<F>(self, change: impl FnOnce(Server) -> F) -> Result<(), AccountError>
    where
        F: Future<Output = Result<(), AccountError>> + Send + 'static,
    {
        match self.source() {
            None => self.to_the_end(change).await,
            Some(_) => Err(AccountError::Elsewhere),
        }
    }

    /// Runs a change in a task of its own: the connection of whoever asked for it may go away at
    /// any moment, and half a change is none that anybody was told of.
    async fn to_the_end<F>(self, change: impl FnOnce(Server) -> F) -> Result<(), AccountError>
    where
        F: Future<Output = Result<(), AccountError>> + Send + 'static,
    {
        joined(tokio::spawn(change(self.server.clone()))).await
    }

    async fn tell<E: crate::Event>(self, event: E) {
        // Handlers that fail are logged where they fail; the account is as it was asked to be.
        let _ = self.server.emit(&event).await;
    }
}

pub(crate) fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}

/// Runs heavy arithmetic where it holds up nobody.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    joined(tokio::task::spawn_blocking(work)).await
}

/// Waits for a task that nobody aborts; a panic in it goes on here.
pub(crate) async fn joined<T>(task: JoinHandle<T>) -> T {
    match task.await.map_err(JoinError::try_into_panic) {
        Ok(result) => result,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime stops, and whoever waits here goes with it.
        Err(Err(_cancelled)) => std::future::pending().await,
    }
}
