//! Logging in by a request, as clients did before there was SASL (XEP-0078).

use std::{
    fmt,
    sync::{Arc, Weak},
};

use sestina_sasl::{Account, Failure, Outcome};
use sestina_stanza::{Condition, Jid};
use sestina_stream::{Connection, Domain};

use crate::{
    Admission, PasswordId, Refusal, Seen,
    proof::{self, PLAIN, Shown},
};

/// What stands for a mechanism where there is none.
const BY_REQUEST: &str = "request";

/// The way in for a stream that has not authenticated; see [`Origin::gate`](crate::Origin::gate).
///
/// A handler begins an [attempt](Self::attempt), has its password checked or vouches for the client
/// itself, and [binds](LoggedIn::bind) a resource. When it then answers with a result, the stream
/// is one of that session; when it refuses after all, the session is taken back.
///
/// Attempts are braked, counted and logged like those of SASL, and take as long for accounts that
/// do not exist.
#[derive(Clone)]
pub struct Gate {
    admission: Weak<Admission>,
    connection: Arc<Connection>,
    domain: Arc<Domain>,
    stream_id: Arc<str>,
}

impl Gate {
    pub(crate) fn new(
        admission: &Arc<Admission>,
        connection: Arc<Connection>,
        domain: Arc<Domain>,
        stream_id: Arc<str>,
    ) -> Self {
        Self { admission: Arc::downgrade(admission), connection, domain, stream_id }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The domain that the stream is for.
    #[must_use]
    pub fn domain(&self) -> &Jid {
        &self.domain.name
    }

    /// The id of the stream, which no other stream has had.
    #[must_use]
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// Whether a password may be sent over this connection as it is: wherever PLAIN is offered, by
    /// which it would be sent otherwise.
    #[must_use]
    pub fn takes_passwords(&self) -> bool {
        takes_passwords(&self.connection, &self.domain)
    }

    /// Begins an attempt to log in with a user name, whether or not there is such an account.
    ///
    /// # Errors
    ///
    /// `resource-constraint` where there were too many failures or the store cannot say, and
    /// `unexpected-request` where the stream has a session or is gone.
    pub async fn attempt(&self, username: &str) -> Result<LoginAttempt, Refusal> {
        let admission = self.admission.upgrade().filter(|admission| !admission.has_bound());
        let admission = admission.ok_or(Condition::UnexpectedRequest)?;
        let mut attempt = LoginAttempt {
            gate: self.clone(),
            admission: admission.clone(),
            // A name that no account can have: nobody needs braking who tries it.
            account: Jid::from_parts(Some(username), self.domain.name.domain(), None).ok(),
            found: None,
            over: false,
        };
        if let Some(account) = attempt.account.clone() {
            let peer = self.connection.peer();
            match admission.look_up(&account, peer).await {
                Ok(found) => attempt.found = found,
                Err(refusal) => {
                    attempt.end(Outcome::Undecided);
                    admission.note_failure();
                    return Err(refusal);
                }
            }
        }
        Ok(attempt)
    }
}

/// Whether PLAIN is offered on a connection, and so a password may be sent over it as it is.
#[must_use]
pub fn takes_passwords(connection: &Connection, domain: &Domain) -> bool {
    let channel = connection.channel(domain.name.as_str());
    domain.mechanisms.offered(&channel).any(|name| name == PLAIN)
}

/// An attempt to log in. Whoever drops it without a verdict has refused it.
pub struct LoginAttempt {
    gate: Gate,
    admission: Arc<Admission>,
    account: Option<Jid>,
    found: Option<Account>,
    over: bool,
}

impl LoginAttempt {
    /// The account that is meant, whether or not it exists; none if the name can be nobody's.
    #[must_use]
    pub fn account(&self) -> Option<&Jid> {
        self.account.as_ref()
    }

    /// Which password the account has, if it exists: what a plugin keeps of
    /// [another](crate::NewPassword::id) is void.
    #[must_use]
    pub fn password_id(&self) -> Option<PasswordId> {
        PasswordId::of(&self.found.as_ref()?.credentials)
    }

    /// Checks a password, by the rules and at the cost of PLAIN.
    ///
    /// # Errors
    ///
    /// `not-authorized` if it is wrong, `not-acceptable` where passwords
    /// [are not taken](Gate::takes_passwords), `resource-constraint` if it could not be checked.
    pub async fn password(mut self, password: &str) -> Result<LoggedIn, Refusal> {
        let Some(account) = self.account.clone().filter(|account| account.local().is_some()) else {
            return self.judge(false);
        };
        let domain = &self.gate.domain;
        let channel = self.gate.connection.channel(domain.name.as_str());
        let server = self.admission.server().clone();
        let mut random = |buffer: &mut [u8]| server.entropy().fill(buffer);
        let Some(exchange) = proof::begin(&domain.mechanisms, &channel, &mut random) else {
            self.end(Outcome::Undecided);
            return Err(Condition::NotAcceptable.into());
        };
        let found = self.found.take();
        match proof::shown(exchange, &account, password, found, &server).await {
            Shown::Right => self.let_in(),
            Shown::Wrong => self.judge(false),
            Shown::Undecided => {
                self.end(Outcome::Undecided);
                Err(Refusal::overloaded("the password could not be checked"))
            }
        }
    }

    /// Takes the handler's own word for whether the client has shown the password. It counts for
    /// accounts that exist and may log in.
    ///
    /// # Errors
    ///
    /// `not-authorized` unless all of this is so.
    pub fn judge(mut self, right: bool) -> Result<LoggedIn, Refusal> {
        let good = self.found.as_ref().is_some_and(|found| found.standing.check().is_ok());
        if right && good {
            return self.let_in();
        }
        self.end(Outcome::Failed);
        Err(Condition::NotAuthorized.into())
    }

    /// Ends the attempt undecided: nobody can have learned anything.
    pub fn put_off(mut self) {
        self.end(Outcome::Undecided);
    }

    fn let_in(mut self) -> Result<LoggedIn, Refusal> {
        self.end(Outcome::Succeeded);
        let account = self.account.take().ok_or(Condition::NotAuthorized)?;
        self.admission.server().see(Seen::LoggedIn { mechanism: BY_REQUEST, failure: None });
        tracing::debug!(peer = ?self.gate.connection.peer(), %account, "logged in by a request");
        Ok(LoggedIn { admission: self.admission.clone(), account })
    }

    fn end(&mut self, outcome: Outcome) {
        if !std::mem::replace(&mut self.over, true) {
            self.admission.settle(outcome);
            if outcome == Outcome::Failed {
                self.admission.note_failure();
                let failure = Some(Failure::NotAuthorized.condition());
                self.admission.server().see(Seen::LoggedIn { mechanism: BY_REQUEST, failure });
                let peer = self.gate.connection.peer();
                let account = self.account.as_ref().map(Jid::as_str);
                tracing::debug!(?peer, account, "not logged in by a request");
            }
        }
    }
}

impl Drop for LoginAttempt {
    fn drop(&mut self) {
        self.end(Outcome::Failed);
    }
}

/// A client that has shown who it is, and has no resource yet.
#[must_use = "who has logged in binds a resource"]
pub struct LoggedIn {
    admission: Arc<Admission>,
    account: Jid,
}

impl LoggedIn {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &Jid {
        &self.account
    }

    /// Binds a resource, as `<bind/>` would.
    ///
    /// # Errors
    ///
    /// `not-acceptable` where this is no resource, and what
    /// [binding](crate::Server::bind) can fail with.
    pub async fn bind(self, resource: &str) -> Result<(), Refusal> {
        let jid = self.account.with_resource(resource);
        let jid = jid.map_err(|_| Refusal::from(Condition::NotAcceptable))?;
        Ok(self.admission.bind_known(jid, &self.account).await?)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("stream_id", &self.stream_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for LoginAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginAttempt").field("account", &self.account).finish_non_exhaustive()
    }
}

impl fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoggedIn").field(&self.account).finish()
    }
}
