//! What negotiation asks of a server, and the session that comes of it.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use sestina_sasl::{Account, Attempt, Failure, Outcome};
use sestina_stanza::{Condition, IqType, Jid, Stanza, StanzaError, ns};
use sestina_stream::{Answer, BindRequest, Bound, ClientStream, Domain, Host, IqAnswer, Question};

use crate::{
    Gate, PasswordId, Refusal, Scope, Seen, Server, accounts::blocking, handler::Answered,
    iq::IqRequest, server::Whose, session::Session,
};

/// A client on its way in: answers what its negotiation asks, and holds the session it binds.
///
/// Dropped before the client is [admitted](Self::admit), it takes the session back.
pub struct Admission {
    server: Server,
    /// The login under way, as far as the throttle knows of it.
    attempt: Mutex<Option<Attempt>>,
    /// The account whose record the login relies on, if it relies on one.
    account: Mutex<Option<Jid>>,
    session: Mutex<Option<Arc<Session>>>,
    /// Whether a request has failed to log in.
    failed: AtomicBool,
}

impl Admission {
    /// A client that has just come.
    #[must_use]
    pub fn new(server: Server) -> Arc<Self> {
        Arc::new(Self {
            server,
            attempt: Mutex::default(),
            account: Mutex::default(),
            session: Mutex::default(),
            failed: AtomicBool::new(false),
        })
    }

    /// Finds out what a stream asks for.
    pub fn find_out(
        self: &Arc<Self>,
        question: Question,
        stream: &ClientStream,
    ) -> impl Future<Output = Answer> + Send + use<> {
        let (peer, domain) = (stream.connection().peer(), stream.domain().cloned());
        let gate = match (&question, &domain) {
            (Question::Iq(_), Some(domain)) => {
                let connection = Arc::new(stream.connection().clone());
                Some(Gate::new(self, connection, domain.clone(), stream.id().into()))
            }
            _ => None,
        };
        let admission = self.clone();
        async move { admission.answer(question, domain, peer, gate).await }
    }

    async fn answer(
        &self,
        question: Question,
        domain: Option<Arc<Domain>>,
        peer: Option<SocketAddr>,
        gate: Option<Gate>,
    ) -> Answer {
        match (question, domain) {
            (Question::Credential(query), Some(domain)) => {
                Answer::Sasl(self.credential(query, &domain, peer).await)
            }
            (Question::Work(work), _) => Answer::Sasl(blocking(move || work.run()).await),
            (Question::Bind(request), _) => Answer::Bind(self.bind(request, peer).await),
            (Question::Iq(stanza), Some(domain)) => {
                Answer::Iq(self.request(stanza, &domain, gate).await)
            }
            (Question::Feature(outcome), _) => Answer::Feature(outcome.await),
            _ => Answer::Iq(IqAnswer::Refused),
        }
    }

    /// The session that was bound, now its carrier's to close.
    #[must_use]
    pub fn admit(&self) -> Option<Arc<Session>> {
        self.session.lock().take()
    }

    async fn credential(
        &self,
        query: sestina_sasl::Query,
        domain: &Domain,
        peer: Option<SocketAddr>,
    ) -> sestina_sasl::Answer {
        use sestina_sasl::{Answer, Query};
        let secrets = match &query {
            Query::Account { .. } | Query::Password { .. } => None,
            Query::Secret { family, .. } => match self.server.secrets(family) {
                Some(secrets) => Some(secrets.clone()),
                None => return Answer::Unavailable,
            },
            _ => return Answer::Unavailable,
        };
        let Ok(account) = Jid::from_parts(Some(query.username()), domain.name.domain(), None)
        else {
            return Answer::Unknown;
        };
        let Ok(found) = self.look_up(&account, peer).await else { return Answer::Unavailable };
        let answer = match secrets {
            None => match &query {
                Query::Password { password, .. } => {
                    // Asked for accounts that do not exist as well, since that takes its time.
                    let checked = self.server.accounts().checked(&account, password).await;
                    let Some(right) = checked else {
                        return Answer::Unavailable;
                    };
                    found.map(|found| Answer::Checked { right, standing: found.standing })
                }
                _ => found.map(Answer::Account),
            },
            Some(secrets) => {
                let password = found.as_ref().and_then(|it| PasswordId::of(&it.credentials));
                match secrets.of(&account, password.as_ref()).await {
                    Ok(secret) => secret
                        .zip(found)
                        .map(|(secret, found)| Answer::Secret { secret, standing: found.standing }),
                    Err(error) => {
                        tracing::warn!(%account, %error, "a secret could not be looked up");
                        return Answer::Unavailable;
                    }
                }
            }
        };
        if answer.is_some() {
            *self.account.lock() = Some(account);
        }
        answer.unwrap_or(Answer::Unknown)
    }

    /// Begins an attempt to log in to an account, unless the throttle puts it off, and fetches what
    /// is known of it.
    pub(crate) async fn look_up(
        &self,
        account: &Jid,
        peer: Option<SocketAddr>,
    ) -> Result<Option<Account>, Refusal> {
        // Who asks once more has been refused before.
        self.settle(Outcome::Failed);
        let address = peer.map(|peer| peer.ip());
        let admitted =
            self.server.throttle().lock().admit(address, account.as_str(), self.server.elapsed());
        match admitted {
            Ok(attempt) => *self.attempt.lock() = Some(attempt),
            Err(throttled) => {
                tracing::info!(%account, ?address, %throttled, "a login was put off");
                self.server.see(Seen::PutOff);
                return Err(Refusal::overloaded(throttled));
            }
        }
        self.server.accounts().credentials(account).await.map_err(|error| {
            tracing::warn!(%account, %error, "credentials could not be looked up");
            Refusal::overloaded(error)
        })
    }

    async fn bind(
        &self,
        request: BindRequest,
        peer: Option<SocketAddr>,
    ) -> Result<Bound, StanzaError> {
        let BindRequest { account, jid, chosen, anonymous, .. } = request;
        let recorded = self.account.lock().take().filter(|recorded| *recorded == account);
        let whose = match &recorded {
            Some(recorded) => Whose::Account(recorded),
            None if anonymous => Whose::Guest(peer.map(|peer| peer.ip())),
            None => Whose::Anybody,
        };
        let bound = self.server.bind_jid(jid, chosen, whose).await;
        // A client that is refused may ask again.
        *self.account.lock() = recorded;
        let session = bound?;
        let bound = Bound::from(session.jid().clone());
        *self.session.lock() = Some(session);
        Ok(bound)
    }

    /// Binds a resource for a client that has logged in to an account by a request.
    pub(crate) async fn bind_known(&self, jid: Jid, account: &Jid) -> Result<(), StanzaError> {
        let session = self.server.bind_jid(jid, true, Whose::Account(account)).await?;
        let before = self.session.lock().replace(session);
        if let Some(before) = before {
            self.server.forget(&before);
        }
        Ok(())
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn has_bound(&self) -> bool {
        self.session.lock().is_some()
    }

    /// Notes that a request has failed to log in, for the stream to count.
    pub(crate) fn note_failure(&self) {
        self.failed.store(true, Ordering::Release);
    }

    pub(crate) fn settle(&self, outcome: Outcome) {
        if let Some(attempt) = self.attempt.lock().take() {
            self.server.throttle().lock().settle(attempt, outcome, self.server.elapsed());
        }
    }

    async fn request(&self, stanza: Stanza, domain: &Domain, gate: Option<Gate>) -> IqAnswer {
        // The protocols that are made for strangers say themselves that nobody here speaks them
        // (XEP-0077 §3.1, XEP-0078 §3); any other request ends the stream (RFC 6120 §4.9.3.12).
        let made_for_strangers = stanza
            .payload()
            .is_some_and(|payload| matches!(payload.namespace(), ns::AUTH | ns::REGISTER));
        let iqs = self.server.iqs();
        if !iqs.takes(&Scope::Unauthenticated, &stanza) {
            return match stanza.error(&Condition::ServiceUnavailable.into()) {
                Some(error) if made_for_strangers => IqAnswer::Reply(error),
                _ => IqAnswer::Refused,
            };
        }
        let request = IqRequest {
            to: stanza.to().cloned().unwrap_or_else(|| domain.name.clone()),
            stanza,
            connection: gate.as_ref().map(|gate| gate.connection().clone()),
            gate,
            session: None,
            server: self.server.clone(),
            answered: Answered::default(),
        };
        let Ok(answer) = iqs.dispatch(&Scope::Unauthenticated, request).await;
        let failed = self.failed.swap(false, Ordering::AcqRel);
        let Some(reply) = answer else { return IqAnswer::Refused };
        let bound = self.session.lock().as_ref().map(|session| session.jid().clone());
        match bound {
            Some(jid) if reply.kind() == IqType::Result.into() => IqAnswer::Bound { reply, jid },
            Some(_) => {
                // Whoever let the client in has thought better of it.
                let session = self.session.lock().take();
                if let Some(session) = session {
                    self.server.close(&session).await;
                }
                IqAnswer::Failed(reply)
            }
            None if failed => IqAnswer::Failed(reply),
            None => IqAnswer::Reply(reply),
        }
    }
}

impl Host for Admission {
    fn domain(&self, name: Option<&str>) -> Option<Arc<Domain>> {
        self.server.domain(name)
    }

    fn entropy(&self, buffer: &mut [u8]) {
        self.server.entropy().fill(buffer);
    }

    fn attempted(&self, attempt: &sestina_stream::Attempt<'_>) {
        let peer = attempt.connection.peer();
        // What no mechanism is called is the client's own word.
        let domain = self.server.domain(None);
        let known = domain.is_some_and(|it| it.mechanisms.contains(attempt.mechanism));
        self.server.see(Seen::LoggedIn {
            mechanism: if known { attempt.mechanism } else { "unknown" },
            failure: attempt.outcome.as_ref().err().map(|failure| failure.condition()),
        });
        match attempt.outcome {
            Ok(account) => {
                tracing::debug!(?peer, %account, mechanism = attempt.mechanism, "logged in");
                self.settle(Outcome::Succeeded);
            }
            Err(failure) => {
                tracing::debug!(
                    ?peer,
                    username = attempt.username,
                    mechanism = attempt.mechanism,
                    condition = failure.condition(),
                    "not logged in"
                );
                // Only a password that was shown and refused tells its owner anything.
                self.settle(match failure {
                    Failure::NotAuthorized
                    | Failure::AccountDisabled
                    | Failure::CredentialsExpired => Outcome::Failed,
                    _ => Outcome::Undecided,
                });
            }
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        // Whoever leaves before the end may have learned that the password was wrong.
        self.settle(Outcome::Failed);
        if let Some(session) = self.session.get_mut().take() {
            self.server.forget(&session);
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("session", &self.session).finish_non_exhaustive()
    }
}
