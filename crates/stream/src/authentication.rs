//! Authentication: SASL (RFC 6120 §6) and SASL2 (XEP-0388), which share one exchange.

use sestina_sasl::{
    Exchange, Failure, Identity, Step as Sasl, Success, decode_base64, decode_initial_response,
    encode_base64,
};
use sestina_stanza::{Jid, StreamError, ns};
use sestina_xml::Element;

use crate::Sink;
use crate::event::Step;
use crate::inline::{Inline, sasl2_text};
use crate::question::{Question, UserAgent};
use crate::refusal::{policy, unsupported};
use crate::stream::{Account, Asked, ClientStream, Flow, State};
use crate::{Attempt, Domain, offer};

/// Random bytes in the localpart of a guest (XEP-0175 §2).
const GUEST_BYTES: usize = 15;

/// An authentication in progress.
pub(crate) struct Login {
    exchange: Exchange,
    profile: Profile,
    /// Whose credentials the mechanism has asked for.
    username: Option<String>,
}

/// Which of the two ways to carry SASL a client has chosen.
enum Profile {
    Sasl,
    Sasl2(Box<Inline>),
}

impl Profile {
    fn namespace(&self) -> &'static str {
        match self {
            Self::Sasl => ns::SASL,
            Self::Sasl2(_) => ns::SASL2,
        }
    }

    fn text(&self, data: &[u8]) -> String {
        match self {
            Self::Sasl => encode_base64(data),
            Self::Sasl2(_) => sasl2_text(data),
        }
    }
}

impl ClientStream {
    /// Takes an element of the namespace of SASL while no exchange is under way.
    pub(crate) fn sasl(&mut self, element: &Element, out: &mut dyn Sink) -> Flow {
        self.refuse_authenticated()?;
        match element.name() {
            "auth" => {
                self.user_agent = None;
                let name = element.attr("mechanism").unwrap_or_default();
                let initial = decode_initial_response(&element.text());
                self.begin(name, initial, Profile::Sasl, out)
            }
            // RFC 6120 §6.4.4: there is nothing to abort, but it is answered all the same.
            "abort" => self.failed("", None, &Profile::Sasl, Failure::Aborted, out),
            "response" => self.failed("", None, &Profile::Sasl, Failure::MalformedRequest, out),
            _ => Err(unsupported()),
        }
    }

    /// Takes an element of the namespace of SASL2 while no exchange is under way.
    pub(crate) fn sasl2(&mut self, element: &Element, out: &mut dyn Sink) -> Flow {
        self.refuse_authenticated()?;
        match element.name() {
            "authenticate" => {
                let limit = self.limits.user_agent_bytes;
                let user_agent = element.child("user-agent", ns::SASL2);
                self.user_agent = user_agent.map(|element| UserAgent::read(element, limit));
                let domain = self.its_domain()?;
                let inline = Box::new(Inline::read(element, &self.view(&domain)));
                let name = element.attr("mechanism").unwrap_or_default();
                // Here an empty element is an empty response (XEP-0388 §2.2).
                let initial = element.child("initial-response", ns::SASL2);
                let initial = initial.map(|initial| decode_base64(&initial.text())).transpose();
                self.begin(name, initial, Profile::Sasl2(inline), out)
            }
            "abort" | "response" => Err(policy("no authentication is in progress")),
            _ => Err(unsupported()),
        }
    }

    /// Takes whatever a client sends while an exchange waits for its response.
    pub(crate) fn respond(
        &mut self,
        mut login: Login,
        element: &Element,
        out: &mut dyn Sink,
    ) -> Flow {
        if element.namespace() == login.profile.namespace() {
            match element.name() {
                "response" => {
                    let step = match decode_base64(&element.text()) {
                        Ok(message) => login.exchange.respond(&message),
                        Err(failure) => Sasl::Failed(failure),
                    };
                    return self.progress(login, step, out);
                }
                "abort" => {
                    let failure = login.exchange.abort();
                    return self.progress(login, Sasl::Failed(failure), out);
                }
                _ => {}
            }
        }
        // XEP-0388 §2.4 wants the stream to end; RFC 6120 leaves no room for anything else either.
        Err(policy("an authentication is in progress"))
    }

    /// Hands a mechanism what it asked for.
    pub(crate) fn resume(
        &mut self,
        mut login: Login,
        answer: sestina_sasl::Answer,
        out: &mut dyn Sink,
    ) -> Flow {
        let step = login.exchange.resume(answer);
        self.progress(login, step, out)
    }

    fn begin(
        &mut self,
        name: &str,
        initial: Result<Option<Vec<u8>>, Failure>,
        profile: Profile,
        out: &mut dyn Sink,
    ) -> Flow {
        let domain = self.its_domain()?;
        let started = if offer::needs_tls(&self.view(&domain)) {
            Err(Failure::EncryptionRequired)
        } else if matches!(profile, Profile::Sasl2(_)) && !self.connection.is_secure() {
            // XEP-0388 §3: it is not offered without TLS.
            Err(Failure::EncryptionRequired)
        } else {
            let mut random = |buffer: &mut [u8]| self.host.entropy(buffer);
            let brought = match &profile {
                Profile::Sasl => None,
                Profile::Sasl2(inline) => inline.mechanism(name, &self.view(&domain), &mut random),
            };
            match brought {
                Some(mechanism) => Ok(Exchange::new(name, mechanism)),
                None => {
                    let channel = self.connection.channel(domain.name.as_str());
                    domain.mechanisms.start(name, &channel, &mut random)
                }
            }
        };
        match started.and_then(|exchange| Ok((exchange, initial?))) {
            Ok((mut exchange, initial)) => {
                let step = exchange.begin(initial.as_deref());
                self.progress(Login { exchange, profile, username: None }, step, out)
            }
            Err(failure) => self.failed(name, None, &profile, failure, out),
        }
    }

    fn progress(&mut self, mut login: Login, step: Sasl, out: &mut dyn Sink) -> Flow {
        match step {
            Sasl::Challenge(message) => {
                let challenge = Element::builder("challenge", login.profile.namespace())
                    .text(login.profile.text(&message));
                self.form.write_element(&challenge.build(), out);
                self.state = State::Login(login);
                Ok(Step::Read)
            }
            Sasl::Ask(query) => {
                login.username = Some(query.username().to_owned());
                self.state = State::Asked(Asked::Login(login));
                Ok(Step::Ask(Question::Credential(query)))
            }
            Sasl::Work(work) => {
                self.state = State::Asked(Asked::Login(login));
                Ok(Step::Ask(Question::Work(work)))
            }
            Sasl::Done(success) => self.succeeded(login, success, out),
            Sasl::Failed(failure) => {
                let Login { exchange, profile, username } = login;
                self.failed(exchange.mechanism(), username.as_deref(), &profile, failure, out)
            }
        }
    }

    fn succeeded(&mut self, login: Login, success: Success, out: &mut dyn Sink) -> Flow {
        let domain = self.its_domain()?;
        let (jid, anonymous) = match self.identify(&login.profile, success.identity, &domain) {
            Ok(identity) => identity,
            Err(failure) => return self.progress(login, Sasl::Failed(failure), out),
        };
        let Login { exchange, profile, username } = login;
        let mechanism = exchange.mechanism();
        self.host.attempted(&Attempt {
            connection: &self.connection,
            domain: &domain,
            mechanism,
            username: username.as_deref(),
            outcome: Ok(&jid),
        });
        self.account = Some(Account { jid, anonymous, mechanism: mechanism.to_owned() });
        match profile {
            Profile::Sasl => {
                let mut element = Element::builder("success", ns::SASL);
                if let Some(data) = success.data {
                    element = element.text(encode_base64(&data));
                }
                self.form.write_element(&element.build(), out);
                // RFC 6120 §6.4.6: the client opens the stream anew.
                self.restart();
                Ok(Step::Restart)
            }
            Profile::Sasl2(mut inline) => {
                inline.data = success.data;
                self.inline(inline, out)
            }
        }
    }

    /// The bare JID a client goes on as, and whether it is a guest's.
    fn identify(
        &self,
        profile: &Profile,
        identity: Identity,
        domain: &Domain,
    ) -> Result<(Jid, bool), Failure> {
        let (local, anonymous) = match identity {
            Identity::Account(name) => (name, false),
            Identity::Anonymous => (self.random_name::<GUEST_BYTES>().to_ascii_lowercase(), true),
        };
        let jid = Jid::from_parts(Some(&local), domain.name.domain(), None)
            .map_err(|_| Failure::NotAuthorized)?;
        // XEP-0388 §2.3. By SASL the client says it again, in the header that follows.
        let claimed = self.claimed.as_ref().filter(|_| matches!(profile, Profile::Sasl2(_)));
        match claimed {
            Some(claimed) if !anonymous && !claimed.same_bare(&jid) => Err(Failure::InvalidAuthzid),
            _ => Ok((jid, anonymous)),
        }
    }

    /// Tells a client that it has failed to authenticate, and closes if that was once too often.
    fn failed(
        &mut self,
        mechanism: &str,
        username: Option<&str>,
        profile: &Profile,
        failure: Failure,
        out: &mut dyn Sink,
    ) -> Flow {
        let domain = self.its_domain()?;
        self.host.attempted(&Attempt {
            connection: &self.connection,
            domain: &domain,
            mechanism,
            username,
            outcome: Err(failure),
        });
        // In both profiles the condition is one of SASL's (XEP-0388 §2.6.2).
        let element = Element::builder("failure", profile.namespace())
            .child(Element::builder(failure.condition(), ns::SASL));
        self.form.write_element(&element.build(), out);
        self.state = State::Open;
        self.failed_by_sasl = true;
        self.count_failure()
    }

    /// Counts a failed attempt (RFC 6120 §6.4.5).
    pub(crate) fn count_failure(&mut self) -> Flow {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.its_domain()?.attempts {
            return Err(policy("too many failed attempts to authenticate"));
        }
        Ok(Step::Read)
    }

    /// RFC 4422 §3.8 and XEP-0388 §4.8: once is enough.
    fn refuse_authenticated(&self) -> Result<(), StreamError> {
        match self.account {
            None => Ok(()),
            Some(_) => Err(policy("you have authenticated already")),
        }
    }
}
