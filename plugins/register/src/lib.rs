#![doc = include_str!("../README.md")]

mod attempts;
mod query;
mod settings;

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sestina_core::{
    Arrival, Assembly, AssemblyError, BadSetting, Get, Live, Origin, Plugin, Portable, Refusal,
    Rules, Scope, Server, Set, Spec, answer,
};
use sestina_stanza::{
    Condition, DataForm, FORM_TYPE, Field, Jid, Payload, StanzaError, Submission, ns,
};
use sestina_store::{Collection, Owner, Record, Space};
use sestina_stream::{Connection, Feature, View};
use sestina_xml::Element;

use self::{attempts::Attempts, settings::is_local};
pub use self::{
    query::Query,
    settings::{Bounds, Detail, Open, Rate},
};

/// Lets people make accounts, change their passwords, and remove their accounts.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Who may make an account; peers on this machine by default.
    pub open: Open,
    /// What people are told to do.
    pub instructions: String,
    /// What to ask for beside name and password, all of it required; nothing by default.
    pub details: Vec<Detail>,
    /// Whether passwords can be changed; on by default.
    pub change: bool,
    /// Whether accounts can be removed; on by default.
    pub remove: bool,
    /// How often an address may try to make an account.
    pub rate: Rate,
    /// How large things may be.
    pub bounds: Bounds,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            open: Open::default(),
            instructions: "Choose a user name and a password.".into(),
            details: Vec::new(),
            change: true,
            remove: true,
            rate: Rate::default(),
            bounds: Bounds::default(),
        }
    }
}

impl Plugin for Registration {
    const NAME: &'static str = "register";
    const SPECS: &'static [Spec] = &[Spec::xep(77, "2.4")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if to.settings().accounts.is_some() {
            return Err(AssemblyError::Elsewhere { plugin: Self::NAME });
        }
        let desk = Arc::new(Desk {
            details: details(&to.space()),
            attempts: Mutex::default(),
            server: to.rules(),
            rules: to.live(self, Self::check)?,
        });
        to.iq(Scope::Unauthenticated, answer(&desk, Desk::ask))?;
        to.iq(Scope::Unauthenticated, answer(&desk, Desk::register))?;
        for scope in [Scope::Server, Scope::Own] {
            to.iq(scope.clone(), answer(&desk, Desk::look_up))?;
            to.iq(scope, answer(&desk, Desk::change))?;
        }
        to.portable(&desk)?;
        to.stream_feature(desk);
        Ok(())
    }
}

impl Registration {
    fn check(&self) -> Result<(), BadSetting> {
        let Bounds { username, shortest_password, password, .. } = self.bounds;
        if !(1..=1023).contains(&username) {
            return Err(BadSetting::new("bounds.username", "between 1 and 1023 bytes"));
        }
        if !(1..=1024).contains(&password) {
            return Err(BadSetting::new("bounds.password", "between 1 and 1024 bytes"));
        }
        if shortest_password > password {
            return Err(BadSetting::new("bounds.shortest_password", "no more than the longest"));
        }
        Ok(())
    }
}

/// Where people come to register.
struct Desk {
    rules: Live<Registration>,
    /// Which say whether passwords are taken in the clear.
    server: Live<Rules>,
    attempts: Mutex<Attempts>,
    details: Collection<(), Details>,
}

/// What people have told of themselves; owned by the account, so it goes when the account goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Details(BTreeMap<String, String>);

impl Record for Details {
    const VERSION: u8 = 1;
}

impl Feature for Desk {
    /// XEP-0077 §8: for strangers, where they would be let in.
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        let offered = !view.is_authenticated() && self.admits(view.connection());
        offered.then(|| Element::builder("register", ns::REGISTER_FEATURE).build())
    }
}

/// Strangers.
impl Desk {
    /// XEP-0077 §3.1: what to fill in.
    async fn ask(&self, ask: Get<Query>, server: &Server) -> Result<Query, Refusal> {
        self.let_in(&ask.origin, server)?;
        Ok(self.questions(None, &Details::default()))
    }

    /// XEP-0077 §3.1: an account is asked for.
    async fn register(&self, ask: Set<Query>, server: &Server) -> Result<(), Refusal> {
        if ask.remove {
            // XEP-0077 §3.2: nobody knows whose.
            return Err(Condition::UnexpectedRequest.into());
        }
        if ask.is_cancelled() {
            return Ok(());
        }
        self.let_in(&ask.origin, server)?;
        let filled_in = self.form(None, &Details::default()).validate(&ask.filled_in());
        let filled_in = filled_in.map_err(StanzaError::from)?;
        let account = self.name(&filled_in, ask.origin.to.domain())?;
        let password = self.password(&filled_in)?;
        let details = self.details_in(&filled_in)?;
        if !self.try_once(&ask.origin, server) {
            return Err(Refusal::overloaded("too many attempts from one address"));
        }
        let created = server.accounts().create(&account, password).await;
        let peer = ask.origin.peer();
        if let Err(error) = created {
            tracing::info!(?peer, %account, %error, "not registered");
            return Err(error.into());
        }
        if let Err(error) = self.keep(&account, details).await {
            // Nobody is told of an account of which half is missing.
            server.accounts().remove(&account).await?;
            return Err(error);
        }
        tracing::info!(?peer, %account, "registered");
        Ok(())
    }

    fn admits(&self, connection: &Connection) -> bool {
        self.rules.now().open.admits(connection, self.server.now().authentication.allow_plaintext)
    }

    /// Refuses whoever may not have an account, or not here.
    fn let_in(&self, origin: &Origin, server: &Server) -> Result<(), Refusal> {
        if !origin.connection.as_ref().is_some_and(|connection| self.admits(connection)) {
            return Err(Condition::NotAllowed.into());
        }
        if !origin.to.is_domain() || !server.serves(origin.to.domain()) {
            return Err(Condition::ItemNotFound.into());
        }
        Ok(())
    }

    fn try_once(&self, origin: &Origin, server: &Server) -> bool {
        let Some(peer) = origin.peer() else { return true };
        let local = origin.connection.as_ref().is_some_and(|connection| is_local(connection));
        let rate = self.rules.now().rate;
        (local && !rate.loopback) || self.attempts.lock().admit(peer.ip(), &rate, server.elapsed())
    }
}

/// Those who have an account.
impl Desk {
    /// XEP-0077 §3.1: what is on file.
    async fn look_up(&self, ask: Get<Query>, server: &Server) -> Result<Query, Refusal> {
        let account = asking(&ask.origin, server).await?;
        let details = self.details.get(&owner(&account), &()).await?.unwrap_or_default();
        Ok(self.questions(account.local(), &details))
    }

    /// XEP-0077 §3.2 and §3.3: another password, other details, or no account any more.
    async fn change(&self, ask: Set<Query>, server: &Server) -> Result<(), Refusal> {
        let account = asking(&ask.origin, server).await?;
        if ask.remove {
            return self.remove(&ask.origin, server).await;
        }
        if ask.is_cancelled() {
            return Ok(());
        }
        if !self.rules.now().change {
            return Err(Condition::NotAllowed.into());
        }
        let filled_in = self.form(account.local(), &Details::default()).validate(&ask.filled_in());
        let filled_in = filled_in.map_err(StanzaError::from)?;
        // XEP-0077 §3.3: an incomplete request, above all an empty password, changes nothing.
        let (Some(name), Some(_)) = (given(&filled_in, "username"), given(&filled_in, "password"))
        else {
            return Err(Condition::BadRequest.into());
        };
        let named = Jid::from_parts(Some(name), account.domain(), None).or_else(|_| Jid::new(name));
        if !named.is_ok_and(|named| named == account) {
            return Err(Condition::Forbidden.into());
        }
        let password = self.password(&filled_in)?;
        let details = self.details_in(&filled_in)?;
        server.accounts().set_password(&account, password).await?;
        self.keep(&account, details).await
    }

    async fn remove(&self, origin: &Origin, server: &Server) -> Result<(), Refusal> {
        if !self.rules.now().remove {
            return Err(Condition::NotAllowed.into());
        }
        let session = origin.from.as_ref().and_then(|from| server.session(from));
        let session = session.ok_or(Condition::UnexpectedRequest)?;
        Ok(server.accounts().remove_own(&session).await?)
    }

    /// Adds to what is on file.
    async fn keep(&self, account: &Jid, details: BTreeMap<String, String>) -> Result<(), Refusal> {
        if details.is_empty() {
            return Ok(());
        }
        self.details
            .update(&owner(account), &(), |held| {
                held.get_or_insert_default().0.extend(details.clone());
            })
            .await?;
        Ok(())
    }
}

/// What is asked, and what is made of the answers.
impl Desk {
    /// Both shapes, for clients that know forms and for those that do not (XEP-0077 §4).
    fn questions(&self, username: Option<&str>, details: &Details) -> Query {
        let form = self.form(username, details);
        let fields = form.fields.iter().filter(|field| field.var.as_deref() != Some(FORM_TYPE));
        let fields = fields.map(|field| {
            let value = field.values.first().cloned().unwrap_or_default();
            (field.var.clone().unwrap_or_default(), value)
        });
        Query {
            registered: username.is_some(),
            instructions: Some(self.rules.now().instructions.clone()),
            fields: fields.collect(),
            form: Some(form),
            remove: false,
        }
    }

    /// The form; all of it is required of those who have no account yet.
    fn form(&self, username: Option<&str>, details: &Details) -> DataForm {
        let required = |field: Field| if username.is_none() { field.required() } else { field };
        let named = Field::text_single("username").label("User name");
        let password = Field::text_private("password").label("Password");
        let rules = self.rules.now();
        let mut form = DataForm::form(ns::REGISTER)
            .title("Account")
            .instructions(rules.instructions.as_str())
            .field(required(named).values(username))
            .field(required(password));
        for detail in &rules.details {
            let field = Field::text_single(detail.var()).label(detail.label());
            form = form.field(required(field).values(details.0.get(detail.var())));
        }
        form
    }

    /// The account that is asked for.
    fn name(&self, filled_in: &Submission, domain: &str) -> Result<Jid, Refusal> {
        let name = given(filled_in, "username").unwrap_or_default();
        let longest = self.rules.now().bounds.username;
        Jid::from_parts(Some(name), domain, None)
            .ok()
            .filter(|jid| jid.local().is_some_and(|name| name.len() <= longest))
            .ok_or_else(|| unacceptable("no account can have this name"))
    }

    /// The password. What may be wrong with its characters is found where it is derived from.
    fn password<'a>(&self, filled_in: &'a Submission) -> Result<&'a str, Refusal> {
        let bounds = self.rules.now().bounds;
        let password = filled_in.value("password").unwrap_or_default();
        if password.len() > bounds.password {
            return Err(unacceptable("the password is too long"));
        }
        if password.chars().count() < bounds.shortest_password {
            return Err(unacceptable("the password is too short"));
        }
        Ok(password)
    }

    /// The details that were given.
    fn details_in(&self, filled_in: &Submission) -> Result<BTreeMap<String, String>, Refusal> {
        let rules = self.rules.now();
        let asked = rules.details.iter();
        let given =
            asked.filter_map(|detail| Some((detail.var(), given(filled_in, detail.var())?)));
        given
            .map(|(var, value)| match value.len() <= rules.bounds.detail {
                true => Ok((var.to_owned(), value.to_owned())),
                false => Err(unacceptable(format!("'{var}' is too long"))),
            })
            .collect()
    }
}

/// What people have told moves in the element that they have told it in.
impl Portable for Desk {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[(Query::NAME, ns::REGISTER)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let Some(Details(kept)) = self.details.get(&owner(account), &()).await? else {
            return Ok(Vec::new());
        };
        let told = kept.iter().map(|(name, text)| Element::builder(name, ns::REGISTER).text(text));
        Ok(vec![Element::builder(Query::NAME, ns::REGISTER).children(told).build()])
    }

    /// All that the specification knows, whether it is asked for here or not.
    async fn import(&self, query: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let mut kept = BTreeMap::new();
        for told in query.children().filter(|child| child.namespace() == ns::REGISTER) {
            let text = told.text();
            let Some(detail) = Detail::from_var(told.name()).filter(|_| !text.trim().is_empty())
            else {
                continue;
            };
            if text.trim().len() > self.rules.now().bounds.detail {
                return Err(unacceptable(format!("{} is too long", detail.label())));
            }
            kept.insert(detail.var().to_owned(), text.trim().to_owned());
        }
        if kept.is_empty() {
            return Ok(());
        }
        Ok(details(to.space()).put(&to.owner(), &(), &Details(kept)).await?)
    }
}

fn details(space: &Space) -> Collection<(), Details> {
    space.collection("details")
}

/// The account that asks. A session need not have one.
async fn asking(origin: &Origin, server: &Server) -> Result<Jid, Refusal> {
    let Some(from) = &origin.from else { return Err(Condition::UnexpectedRequest.into()) };
    let account = from.to_bare();
    if account.domain() != origin.to.domain() {
        return Err(Condition::Forbidden.into());
    }
    if !server.accounts().exists(&account).await {
        return Err(Condition::RegistrationRequired.into());
    }
    Ok(account)
}

/// What a field holds, if that is more than white space.
fn given<'a>(filled_in: &'a Submission, var: &str) -> Option<&'a str> {
    filled_in.value(var).map(str::trim).filter(|value| !value.is_empty())
}

fn unacceptable(why: impl Into<Box<str>>) -> Refusal {
    StanzaError::new(Condition::NotAcceptable).with_text(why).into()
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}
