//! An account on its way in.

use std::fmt;

use sestina_sasl::Credentials;
use sestina_stanza::{Jid, ns};
use sestina_store::{Owner, Store};
use sestina_xml::Element;
use zeroize::Zeroizing;

use super::{
    ACCOUNT, RECORDS,
    credentials::{self, Particulars},
    records, stays_behind,
};
use crate::{
    Accounts, Refusal, Server,
    accounts::{AccountError, Incoming},
};

/// Puts an account together from what another server has written down; made by
/// [`Accounts::import`].
///
/// Nothing of it is to be seen before [`finish`](Self::finish), and then all of it is. Dropped, it
/// was never there.
pub struct Import {
    server: Server,
    account: Jid,
    replace: bool,
    /// Bytes that may yet come.
    room: usize,
    /// Where plugins write meanwhile.
    scratch: Store,
    credentials: Credentials,
    password: Option<Zeroizing<String>>,
    particulars: Option<Particulars>,
}

/// What became of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was taken.
    Read,
    /// Nobody here knows what it says.
    Skipped,
}

/// Why an account was not imported.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// It cannot be made, or not in place of the one that is there.
    Account(AccountError),
    /// What it has is more than an account may have here.
    TooLarge,
    /// An element says something that cannot be.
    Element {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// What is wrong.
        refusal: Refusal,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(error) => error.fmt(f),
            Self::TooLarge => f.write_str("it has more than an account may have here"),
            Self::Element { name, namespace, refusal } => {
                write!(f, "<{name} xmlns='{namespace}'/> cannot be taken: {refusal}")
            }
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Account(error) => Some(error),
            Self::TooLarge => None,
            Self::Element { refusal, .. } => Some(refusal),
        }
    }
}

impl<E: Into<AccountError>> From<E> for ImportError {
    fn from(error: E) -> Self {
        Self::Account(error.into())
    }
}

impl Accounts<'_> {
    /// Begins to read an account that was written down as XEP-0227 has it.
    ///
    /// # Errors
    ///
    /// When nobody can have this address here, or somebody has it and is not to be replaced.
    pub async fn import(self, account: &Jid, replace: bool) -> Result<Import, ImportError> {
        let account = self.address(account)?;
        if !replace && self.is_taken(&account).await? {
            return Err(AccountError::Exists.into());
        }
        Ok(Import {
            server: self.server().clone(),
            account,
            replace,
            room: Import::BYTES,
            scratch: sestina_store::memory(),
            credentials: Credentials::default(),
            password: None,
            particulars: None,
        })
    }
}

impl Import {
    /// The most bytes of elements that an account can have, unless told otherwise: they are held in
    /// memory until all are there.
    pub const BYTES: usize = 128 << 20;

    /// Bounds the bytes of its elements.
    #[must_use]
    pub fn at_most(self, bytes: usize) -> Self {
        Self { room: bytes, ..self }
    }

    /// Whose it is.
    #[must_use]
    pub fn account(&self) -> &Jid {
        &self.account
    }

    /// Takes the password that another server knows; what checks it is made of it, and nothing else
    /// is kept.
    pub fn password(&mut self, password: &str) {
        self.password = Some(Zeroizing::new(password.to_owned()));
    }

    /// Takes the next element within `<user/>`.
    ///
    /// # Errors
    ///
    /// When it cannot be taken. An account with such an element is none.
    pub async fn take(&mut self, element: &Element) -> Result<Taken, ImportError> {
        let bytes = element.as_bytes().len();
        self.room = self.room.checked_sub(bytes).ok_or(ImportError::TooLarge)?;
        let wrong = |refusal: Refusal| ImportError::Element {
            name: element.name().to_owned(),
            namespace: element.namespace().to_owned(),
            refusal,
        };
        match (element.name(), element.namespace()) {
            ("scram-credentials", ns::PIE_SCRAM) => {
                let read = credentials::read_scram(element).map_err(|error| wrong(error.into()))?;
                let Some(verifier) = read else { return Ok(Taken::Skipped) };
                if self.credentials.scram(verifier.hash()).is_some() {
                    return Err(wrong(twice()));
                }
                self.credentials.insert_scram(verifier);
                Ok(Taken::Read)
            }
            (Particulars::NAME, ACCOUNT) => {
                let read = Particulars::read(element).map_err(|error| wrong(error.into()))?;
                if self.particulars.replace(read).is_some() {
                    return Err(wrong(twice()));
                }
                Ok(Taken::Read)
            }
            ("records", RECORDS) => {
                let records = records::read(element).map_err(|error| wrong(error.into()))?;
                let server = &self.server;
                if records.iter().any(|record| stays_behind(&record.space, server)) {
                    let why = sestina_stanza::Invalid::attribute("space");
                    return Err(wrong(why.into()));
                }
                let stored = self.scratch.import(&self.owner(), records).await;
                stored.map_err(|error| wrong(error.into()))?;
                Ok(Taken::Read)
            }
            _ => {
                let carriers = self.server.carriers();
                let (account, scratch) = (&self.account, &self.scratch);
                match carriers.import(element, account, scratch, &self.server).await {
                    None => Ok(Taken::Skipped),
                    Some(Ok(())) => Ok(Taken::Read),
                    Some(Err(refusal)) => Err(wrong(refusal)),
                }
            }
        }
    }

    /// Makes the account, or puts it in place of the one that is there, whose sessions end. Without
    /// a password or credentials nobody can log in with it until it is given a password.
    ///
    /// # Errors
    ///
    /// When there is such an account and it was not to be replaced, when its password cannot be
    /// used, or the store fails. Either nothing has changed then, or the account is
    /// [`Busy`](AccountError::Busy) until a server that starts over the same store has gone on.
    ///
    /// # Cancel safety
    ///
    /// What was begun goes on to its end.
    pub async fn finish(mut self) -> Result<(), ImportError> {
        let accounts = self.server.accounts();
        let password = self.password.take();
        if let Some(password) = &password {
            self.credentials = accounts.derive(password).await?;
        }
        let Particulars { created, disabled } = self.particulars.take().unwrap_or_default();
        let Self { account, replace, scratch, credentials, .. } = self;
        let incoming =
            Incoming { credentials, password, created, disabled, records: scratch, replace };
        Ok(accounts.arrive(&account, incoming).await?)
    }

    /// Looks at what was taken as [`finish`](Self::finish) does, and leaves it.
    ///
    /// # Errors
    ///
    /// As for `finish`, as far as that can be told before.
    pub async fn rehearse(self) -> Result<(), ImportError> {
        if let Some(password) = &self.password {
            self.server.accounts().derive(password).await?;
        }
        Ok(())
    }

    fn owner(&self) -> Owner {
        crate::accounts::owner(&self.account)
    }
}

fn twice() -> Refusal {
    sestina_stanza::Invalid::new("it is there twice").into()
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import").field("account", &self.account).finish_non_exhaustive()
    }
}
