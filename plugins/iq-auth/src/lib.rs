#![doc = include_str!("../README.md")]

mod decoy;
mod hashes;
mod kept;
mod query;

use std::sync::Arc;

use sestina_core::{
    Arrival, Assembly, AssemblyError, Gate, Get, IqHandler, IqRequest, LoggedIn, LoginAttempt,
    NewPassword, Plugin, Portable, Refusal, Scope, Server, Set, Spec, Started, answer,
    takes_passwords,
};
use sestina_stanza::{Condition, IqType, Jid, ns};
use sestina_stream::{Feature, View};
use sestina_xml::Element;
use tower::service_fn;
use zeroize::Zeroizing;

pub use self::query::Query;
use self::{
    hashes::{Chain, RECORD},
    kept::Keeping,
};

/// The most logins that one chain of hashes is made for.
pub const LONGEST_CHAIN: u32 = 10_000;

/// Lets clients log in that are older than SASL, some of them older than XMPP 1.0.
#[derive(Clone, Copy, Debug)]
pub struct IqAuth {
    /// Whether passwords are taken as they are, where PLAIN would take them; on by default.
    pub plain: bool,
    /// Whether hashes of the stream's id and the password are taken, for which the passwords
    /// themselves are kept; off by default.
    pub digest: bool,
    /// Whether each login shows a hash of what the next will show, for which hashes of the
    /// passwords are kept that are easy to guess from; off by default.
    pub zero_knowledge: bool,
    /// Whether a password that was shown as it is, and is right, is kept for the other two by an
    /// account that has come into being without them; off by default.
    pub learn: bool,
    /// Logins by zero-knowledge until the password is needed once more; the default is 500.
    pub sequences: u32,
}

impl Default for IqAuth {
    fn default() -> Self {
        Self { plain: true, digest: false, zero_knowledge: false, learn: false, sequences: 500 }
    }
}

impl Plugin for IqAuth {
    const NAME: &'static str = "iq-auth";
    const SPECS: &'static [Spec] = &[Spec::xep(78, "2.5")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if !(1..=LONGEST_CHAIN).contains(&self.sequences) {
            return Err(to.bad_setting("sequences", format!("between 1 and {LONGEST_CHAIN}")));
        }
        let desk = Arc::new(Desk { keeping: Keeping::new(to.space(), &self), rules: self });
        to.weak("people log in by it without SASL");
        if self.digest {
            to.weak("passwords are kept so that they can be read");
        }
        if self.zero_knowledge {
            to.weak("hashes are kept that passwords are easily guessed from");
        }
        to.accept_legacy_streams();
        to.iq(Scope::Unauthenticated, answer(&desk, Desk::ask))?;
        to.iq(Scope::Unauthenticated, answer(&desk, Desk::log_in))?;
        // The record of old servers, which is nobody's to send.
        let record = IqHandler::service(IqType::Set, "query", ns::AUTH_ZEROK, service_fn(refuse));
        to.iq(Scope::Unauthenticated, record)?;
        to.stream_feature(desk.clone());
        if self.digest || self.zero_knowledge {
            to.passwords(&desk, Desk::keep);
            to.on(&desk, Desk::begin);
        }
        if self.zero_knowledge {
            to.portable(&desk)?;
        }
        Ok(())
    }
}

async fn refuse(_: IqRequest) -> Result<Option<Element>, Refusal> {
    Err(Condition::NotAcceptable.into())
}

/// Where people log in.
struct Desk {
    rules: IqAuth,
    keeping: Keeping,
}

impl Feature for Desk {
    /// XEP-0078 §4: for strangers, where they could get in.
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        let IqAuth { plain, digest, zero_knowledge, .. } = self.rules;
        let passwords = || plain && takes_passwords(view.connection(), view.domain());
        let offered = !view.is_authenticated() && (digest || zero_knowledge || passwords());
        offered.then(|| Element::builder("auth", ns::AUTH_FEATURE).build())
    }
}

impl Desk {
    /// XEP-0078 §3.1: what to fill in. It is the same for every name, whether there is such an
    /// account or not.
    async fn ask(&self, ask: Get<Query>, server: &Server) -> Result<Query, Refusal> {
        let gate = gate(ask.origin.gate.as_ref())?;
        let IqAuth { plain, digest, zero_knowledge, .. } = self.rules;
        let plain = plain && gate.takes_passwords();
        if !plain && !digest && !zero_knowledge {
            return Err(Condition::ServiceUnavailable.into());
        }
        let username = ask.payload.username.unwrap_or_default();
        let challenge = match &*username {
            "" => None,
            name => {
                let account = Jid::from_parts(Some(name), gate.domain().domain(), None).ok();
                self.keeping.challenge(account.as_ref(), name, server).await?
            }
        };
        let (sequence, token) = challenge.unzip();
        Ok(Query {
            username: Some(username),
            password: plain.then(Zeroizing::default),
            digest: digest.then(Zeroizing::default),
            sequence,
            token,
            hash: None,
            resource: Some(String::new()),
        })
    }

    /// XEP-0078 §3.2: they are filled in.
    async fn log_in(&self, ask: Set<Query>, server: &Server) -> Result<(), Refusal> {
        let gate = gate(ask.origin.gate.as_ref())?;
        let filled_in = ask.payload;
        let username = filled_in.username.filter(|name| !name.is_empty());
        let resource = filled_in.resource.filter(|resource| is_resource(resource));
        let (Some(username), Some(resource)) = (username, resource) else {
            return Err(Condition::NotAcceptable.into());
        };
        let shown = [
            filled_in.hash.filter(|_| self.rules.zero_knowledge).map(Shown::Hash),
            filled_in.digest.filter(|_| self.rules.digest).map(Shown::Digest),
            filled_in.password.filter(|_| self.rules.plain).map(Shown::Password),
        ];
        let shown = shown.into_iter().flatten().next().ok_or(Condition::NotAcceptable)?;
        let attempt = gate.attempt(&username).await?;
        let logged_in = match shown {
            Shown::Password(password) => self.check(attempt, password, server).await?,
            shown => self.look(attempt, &shown, gate.stream_id()).await?,
        };
        logged_in.bind(&resource).await
    }

    /// Has a password checked by the verifiers of modern mechanisms.
    async fn check(
        &self,
        attempt: LoginAttempt,
        password: Zeroizing<String>,
        server: &Server,
    ) -> Result<LoggedIn, Refusal> {
        let id = attempt.password_id();
        let logged_in = attempt.password(&password).await?;
        if let Some(id) = id {
            let account = logged_in.account();
            let keeping = &self.keeping;
            let kept = async {
                if keeping.wants(account, &id, self.rules.learn).await? {
                    keeping.keep_password(account, &password, &id, server).await?;
                }
                Ok::<_, sestina_store::StoreError>(())
            };
            if (self.rules.digest || self.rules.zero_knowledge)
                && let Err(error) = kept.await
            {
                tracing::warn!(%account, %error, "a password that was shown was not kept");
            }
        }
        Ok(logged_in)
    }

    /// Looks whether a hash is right, by what is kept for that.
    async fn look(
        &self,
        attempt: LoginAttempt,
        shown: &Shown,
        stream: &str,
    ) -> Result<LoggedIn, Refusal> {
        let Some(account) = attempt.account() else { return attempt.judge(false) };
        let id = attempt.password_id();
        let right = match shown {
            Shown::Hash(hash) => self.keeping.advance(account, id.as_ref(), hash).await,
            Shown::Digest(digest) => self.keeping.fits(account, id.as_ref(), stream, digest).await,
            Shown::Password(_) => Ok(false),
        };
        match right {
            Ok(right) => attempt.judge(right),
            Err(error) => {
                attempt.put_off();
                Err(error.into())
            }
        }
    }

    async fn begin(&self, _: &Started, server: &Server) -> Result<(), Refusal> {
        self.keeping.decoys.begin(server).await?;
        Ok(self.keeping.tidy().await?)
    }

    async fn keep(&self, new: &NewPassword, server: &Server) -> Result<(), Refusal> {
        Ok(self.keeping.keep(new, server).await?)
    }
}

/// Chains that old servers have begun go on here, where there is no password to make another of.
impl Portable for Desk {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[(RECORD, ns::AUTH_ZEROK)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let chain = self.keeping.orphan(account).await?;
        Ok(chain.iter().map(Chain::write).collect())
    }

    async fn import(&self, record: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let chain = Chain::read(record.root())?;
        Ok(Keeping::new(to.space().clone(), &self.rules).adopt(to.account(), chain).await?)
    }
}

/// What a client has shown for its password.
enum Shown {
    Password(Zeroizing<String>),
    Digest(Zeroizing<String>),
    Hash(Zeroizing<String>),
}

fn gate(gate: Option<&Gate>) -> Result<&Gate, Refusal> {
    gate.ok_or_else(|| Condition::UnexpectedRequest.into())
}

/// Whether this can be a resource: asked before anything is used up for it.
fn is_resource(text: &str) -> bool {
    !text.is_empty() && Jid::from_parts(None, "resource.example", Some(text)).is_ok()
}
