//! Showing a password elsewhere than on a stream, as on a page of a console.

use std::{fmt, net::IpAddr, time::Duration};

use sestina_sasl::{
    Account, Answer, Channel, Exchange, Failure, Mechanisms, Outcome, Protection, Query, Step,
};
use sestina_stanza::Jid;
use sestina_store::StoreError;
use zeroize::Zeroizing;

use crate::{PasswordId, Seen, Server, accounts::blocking};

/// The mechanism whose rules a password goes by that is sent as it is.
pub(crate) const PLAIN: &str = "PLAIN";

/// What stands for a mechanism where there is none.
const BY_PROOF: &str = "proof";

/// Why somebody has not proved to be an account's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unproven {
    /// The password is wrong, or there is no such account, or it may not log in.
    Wrong,
    /// There were too many failures: nothing is checked before this time has passed.
    Later(Duration),
    /// It could not be checked just now.
    Unavailable,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong => f.write_str("the account or its password is wrong"),
            Self::Later(wait) => write!(f, "too many failed logins: wait for {wait:?}"),
            Self::Unavailable => f.write_str("the password could not be checked"),
        }
    }
}

impl std::error::Error for Unproven {}

/// That somebody has shown the password of an account; it is worth something as long as that is the
/// password, and the account may log in.
#[derive(Clone, Debug)]
pub struct Proof {
    account: Jid,
    password: Option<PasswordId>,
}

impl Proof {
    /// The account, by its bare JID.
    #[must_use]
    pub fn account(&self) -> &Jid {
        &self.account
    }

    /// Whether it still holds.
    ///
    /// # Errors
    ///
    /// When the store fails. Who is not told yes must take it for a no.
    pub async fn holds(&self, server: &Server) -> Result<bool, StoreError> {
        let found = server.accounts().credentials(&self.account).await?;
        Ok(found.is_some_and(|found| {
            found.standing.check().is_ok() && PasswordId::of(&found.credentials) == self.password
        }))
    }
}

impl Server {
    /// Has somebody prove with a password to be the owner of an account. It is braked and counted
    /// together with logins on streams, and takes as long for accounts that do not exist.
    ///
    /// Whether a password may be sent over the connection that it came by is for the caller to say.
    ///
    /// # Errors
    ///
    /// Unless the password is right.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped counts as a failure.
    pub async fn prove(
        &self,
        account: &Jid,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<Proof, Unproven> {
        let domain = self.domain(Some(account.domain())).ok_or(Unproven::Wrong)?;
        if account.local().is_none() {
            return Err(Unproven::Wrong);
        }
        let account = account.to_bare();
        let admitted = self.throttle().lock().admit(from, account.as_str(), self.elapsed());
        let attempt = admitted.map_err(|throttled| {
            tracing::info!(%account, address = ?from, %throttled, "a login was put off");
            self.see(Seen::PutOff);
            Unproven::Later(throttled.retry_after)
        })?;
        let mut pending = Pending { server: self, attempt: Some(attempt) };
        let found = match self.accounts().credentials(&account).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%account, %error, "credentials could not be looked up");
                pending.settle(Outcome::Undecided);
                return Err(Unproven::Unavailable);
            }
        };
        let password_id = found.as_ref().and_then(|found| PasswordId::of(&found.credentials));
        // The caller has seen to the connection.
        let channel = Channel::new(domain.name.domain(), Protection::Tls);
        let mut random = |buffer: &mut [u8]| self.entropy().fill(buffer);
        let Some(exchange) = begin(&domain.mechanisms, &channel, &mut random) else {
            pending.settle(Outcome::Undecided);
            return Err(Unproven::Unavailable);
        };
        match shown(exchange, &account, password, found, self).await {
            Shown::Right => {
                pending.settle(Outcome::Succeeded);
                self.see(Seen::LoggedIn { mechanism: BY_PROOF, failure: None });
                Ok(Proof { account, password: password_id })
            }
            Shown::Wrong => {
                pending.settle(Outcome::Failed);
                let failure = Some(Failure::NotAuthorized.condition());
                self.see(Seen::LoggedIn { mechanism: BY_PROOF, failure });
                tracing::debug!(%account, address = ?from, "a password was wrong");
                Err(Unproven::Wrong)
            }
            Shown::Undecided => {
                pending.settle(Outcome::Undecided);
                Err(Unproven::Unavailable)
            }
        }
    }
}

/// An attempt that has failed unless it comes to an end.
struct Pending<'a> {
    server: &'a Server,
    attempt: Option<sestina_sasl::Attempt>,
}

impl Pending<'_> {
    fn settle(&mut self, outcome: Outcome) {
        if let Some(attempt) = self.attempt.take() {
            self.server.throttle().lock().settle(attempt, outcome, self.server.elapsed());
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.settle(Outcome::Failed);
    }
}

/// What came of a password.
pub(crate) enum Shown {
    Right,
    Wrong,
    /// It was not checked.
    Undecided,
}

/// Begins an exchange for a password that is sent as it is, where such are taken.
pub(crate) fn begin(
    mechanisms: &Mechanisms,
    channel: &Channel,
    random: &mut dyn FnMut(&mut [u8]),
) -> Option<Exchange> {
    mechanisms.start(PLAIN, channel, random).ok()
}

/// Checks a password, by the rules and at the cost of PLAIN.
pub(crate) async fn shown(
    mut exchange: Exchange,
    account: &Jid,
    password: &str,
    mut found: Option<Account>,
    server: &Server,
) -> Shown {
    let name = account.local().unwrap_or_default();
    let message = Zeroizing::new(format!("\0{name}\0{password}"));
    let mut step = exchange.begin(Some(message.as_bytes()));
    loop {
        let answer = match step {
            Step::Ask(Query::Password { password, .. }) => {
                // Also of an account that does not exist: it must not be told apart by the time.
                let right = server.accounts().checked(account, &password).await;
                match (right, found.take()) {
                    (Some(right), Some(found)) => {
                        Answer::Checked { right, standing: found.standing }
                    }
                    (Some(_), None) => Answer::Unknown,
                    (None, _) => Answer::Unavailable,
                }
            }
            Step::Ask(_) => found.take().map_or(Answer::Unknown, Answer::Account),
            Step::Work(work) => blocking(move || work.run()).await,
            Step::Done(_) => return Shown::Right,
            Step::Failed(Failure::TemporaryAuthFailure) | Step::Challenge(_) => {
                return Shown::Undecided;
            }
            Step::Failed(_) => return Shown::Wrong,
        };
        step = exchange.resume(answer);
    }
}
