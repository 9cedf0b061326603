//! Commands: what people and operators have the server do, each defined once.
//!
//! One definition is an ad-hoc command (XEP-0050) for a client, and a subcommand for whoever sits at
//! the machine. It says who may run it, what it asks, and what it tells when it is done; how that is
//! asked and shown is the business of whatever carries it.

mod fields;
mod report;

use std::{collections::BTreeMap, fmt, ops::Deref, sync::Arc};

use sestina_stanza::{Condition, DataForm, Field, FormType, Jid};

pub use self::{
    fields::{FieldValue, Fields, Lines, Secret},
    report::{IntoReport, Note, Report, Severity},
};
use crate::{BoxFuture, Refusal, Server, assembly::CORE, contain::Joint, error::AssemblyError};

/// A command of the server; made by [`Command::for_administrators`] or [`Command::for_accounts`],
/// and declared by [`Assembly::command`](crate::Assembly::command).
///
/// ```
/// # use std::sync::Arc;
/// use sestina_core::{Assembly, AssemblyError, Call, Command, Refusal, Server, fields};
/// use sestina_stanza::Jid;
///
/// fields! {
///     /// Who comes to the feast.
///     struct Guest {
///         guest: Jid = "guest", "Who is invited";
///         dances: Option<bool> = "dances", "Whether there is dancing";
///     }
/// }
///
/// struct Feast;
///
/// impl Feast {
///     async fn invite(&self, call: Call<Guest>, _: &Server) -> Result<String, Refusal> {
///         Ok(format!("{} is invited", call.guest))
///     }
/// }
///
/// fn install(to: &mut Assembly) -> Result<(), AssemblyError> {
///     let feast = Arc::new(Feast);
///     let invite = Command::for_administrators("urn:example:feast#invite", "Invite somebody");
///     to.command(invite.runs(&feast, Feast::invite))
/// }
/// ```
#[derive(Clone)]
pub struct Command {
    parts: Arc<Parts>,
    /// Whose it is, once it is declared.
    by: &'static str,
}

struct Parts {
    draft: Draft,
    pages: fn() -> Vec<Vec<Field>>,
    run: Run,
}

type Run =
    Box<dyn Fn(Answered, Server) -> BoxFuture<'static, Result<Report, CommandError>> + Send + Sync>;
type Suggest = Box<dyn Fn(Server) -> BoxFuture<'static, Result<Vec<Field>, Refusal>> + Send + Sync>;
type Able = Box<dyn Fn(&Server) -> bool + Send + Sync>;

/// Who asks, whom, and what was answered.
struct Answered {
    by: Caller,
    at: Jid,
    given: DataForm,
    asked: DataForm,
}

/// A command that does not yet say what it does.
#[must_use = "a command is nothing until it runs something"]
pub struct Draft {
    node: &'static str,
    title: &'static str,
    form_type: &'static str,
    instructions: Option<&'static str>,
    audience: Audience,
    able: Option<Able>,
    suggest: Option<Suggest>,
}

/// Who may run a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Those whom [`Server::is_administrator`] names.
    Administrators,
    /// Everybody who is logged in here.
    Accounts,
}

/// Who runs a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever sits at the machine, and may do everything.
    Operator,
    /// A session of this server, by its full JID.
    Session(Jid),
    /// Somebody who has shown the password of an account elsewhere than on a stream, by its bare JID.
    Account(Jid),
}

impl Caller {
    /// The session or account, unless it is the operator.
    #[must_use]
    pub fn jid(&self) -> Option<&Jid> {
        match self {
            Self::Operator => None,
            Self::Session(jid) | Self::Account(jid) => Some(jid),
        }
    }

    /// Whether it administers a server.
    #[must_use]
    pub fn administers(&self, server: &Server) -> bool {
        self.jid().is_none_or(|jid| server.is_administrator(jid))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("the operator"),
            Self::Session(jid) | Self::Account(jid) => jid.fmt(f),
        }
    }
}

/// A command that is run; dereferences to what was answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call<P> {
    /// Who runs it.
    pub by: Caller,
    /// The domain that was asked.
    pub at: Jid,
    /// What was answered.
    pub given: P,
}

impl<P> Deref for Call<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.given
    }
}

/// Why a command was not done.
#[derive(Debug)]
pub enum CommandError {
    /// Whoever asks may not run it, or it cannot be run here.
    Forbidden,
    /// What was answered is not what was asked.
    Answers(String),
    /// It was refused.
    Refused(Refusal),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden => f.write_str("this is not for everybody"),
            Self::Answers(what) => f.write_str(what),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for CommandError {}

impl From<Refusal> for CommandError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Forbidden => Condition::Forbidden.into(),
            CommandError::Answers(_) => Condition::BadRequest.into(),
            CommandError::Refused(refusal) => refusal,
        }
    }
}

/// A method that runs a command.
#[diagnostic::on_unimplemented(
    message = "this runs no command",
    label = "expected `async fn(&self, Call<P>, &Server) -> Result<R, Refusal>` with `P: Fields`"
)]
pub trait Runs<'a, T, P>: Send + Sync {
    /// Runs the method; what it tells is of this purpose (XEP-0068).
    fn run(
        &self,
        state: &'a T,
        call: Call<P>,
        form_type: &'a str,
        server: &'a Server,
    ) -> impl Future<Output = Result<Report, Refusal>> + Send;
}

impl<'a, T, P, F, Fut, R, Error> Runs<'a, T, P> for F
where
    T: 'a,
    P: Send + 'a,
    F: Fn(&'a T, Call<P>, &'a Server) -> Fut + Send + Sync,
    Fut: Future<Output = Result<R, Error>> + Send + 'a,
    R: IntoReport,
    Error: Into<Refusal>,
{
    fn run(
        &self,
        state: &'a T,
        call: Call<P>,
        form_type: &'a str,
        server: &'a Server,
    ) -> impl Future<Output = Result<Report, Refusal>> + Send {
        let done = self(state, call, server);
        async move {
            match done.await {
                Ok(told) => Ok(told.into_report(form_type)),
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// A method that suggests answers: what is set now, for whoever is about to change it.
#[diagnostic::on_unimplemented(
    message = "this suggests nothing",
    label = "expected `async fn(&self, &Server) -> Result<P, Refusal>` with `P: Fields`"
)]
pub trait Suggests<'a, T>: Send + Sync {
    /// Runs the method.
    fn suggest(
        &self,
        state: &'a T,
        server: &'a Server,
    ) -> impl Future<Output = Result<Vec<Field>, Refusal>> + Send;
}

impl<'a, T, P, F, Fut> Suggests<'a, T> for F
where
    T: 'a,
    P: Fields,
    F: Fn(&'a T, &'a Server) -> Fut + Send + Sync,
    Fut: Future<Output = Result<P, Refusal>> + Send + 'a,
{
    fn suggest(
        &self,
        state: &'a T,
        server: &'a Server,
    ) -> impl Future<Output = Result<Vec<Field>, Refusal>> + Send {
        let suggested = self(state, server);
        async { suggested.await.map(|suggested| suggested.write()) }
    }
}

impl Draft {
    /// Says what its forms are for (XEP-0068), if that is not its node.
    pub fn form_type(mut self, form_type: &'static str) -> Self {
        self.form_type = form_type;
        self
    }

    /// Says what to do with its form, for people.
    pub fn instructions(mut self, instructions: &'static str) -> Self {
        self.instructions = Some(instructions);
        self
    }

    /// Says whether it can be run on this server, for what depends on capabilities. One that cannot
    /// is not listed.
    pub fn if_able<T: Send + Sync + 'static>(
        mut self,
        state: &Arc<T>,
        able: impl Fn(&T, &Server) -> bool + Send + Sync + 'static,
    ) -> Self {
        let state = state.clone();
        self.able = Some(Box::new(move |server| able(&state, server)));
        self
    }

    /// Suggests answers: `suggesting(&state, State::method)`.
    pub fn suggesting<T, F>(mut self, state: &Arc<T>, method: F) -> Self
    where
        T: Send + Sync + 'static,
        F: for<'a> Suggests<'a, T> + 'static,
    {
        let parts = Arc::new((state.clone(), method));
        self.suggest = Some(Box::new(move |server| {
            let parts = parts.clone();
            Box::pin(async move { parts.1.suggest(&parts.0, &server).await })
        }));
        self
    }

    /// Says what it does: `runs(&state, State::method)`. What it asks comes from the method's
    /// signature.
    pub fn runs<T, P, F>(self, state: &Arc<T>, method: F) -> Command
    where
        T: Send + Sync + 'static,
        P: Fields,
        F: for<'a> Runs<'a, T, P> + 'static,
    {
        let parts = Arc::new((state.clone(), method));
        let form_type = self.form_type;
        let run: Run = Box::new(move |answered: Answered, server| {
            let parts = parts.clone();
            Box::pin(async move {
                let Answered { by, at, given, asked } = answered;
                let given = asked.validate(&given);
                let given = given.map_err(|errors| CommandError::Answers(errors.to_string()))?;
                let given = P::read(&given).ok_or_else(|| {
                    CommandError::Answers("something is missing, or not what was asked".to_owned())
                })?;
                let call = Call { by, at, given };
                Ok(parts.1.run(&parts.0, call, form_type, &server).await?)
            })
        });
        Command { parts: Arc::new(Parts { draft: self, pages: P::pages, run }), by: CORE }
    }
}

impl Command {
    /// A command that administrators run, by the node and the title that clients see.
    pub fn for_administrators(node: &'static str, title: &'static str) -> Draft {
        Self::draft(node, title, Audience::Administrators)
    }

    /// A command that everybody runs who is logged in here.
    pub fn for_accounts(node: &'static str, title: &'static str) -> Draft {
        Self::draft(node, title, Audience::Accounts)
    }

    fn draft(node: &'static str, title: &'static str, audience: Audience) -> Draft {
        let (instructions, able, suggest) = (None, None, None);
        Draft { node, title, form_type: node, instructions, audience, able, suggest }
    }

    /// Its node, which names it.
    #[must_use]
    pub fn node(&self) -> &'static str {
        self.parts.draft.node
    }

    /// Its title, for people.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.parts.draft.title
    }

    /// Who may run it.
    #[must_use]
    pub fn audience(&self) -> Audience {
        self.parts.draft.audience
    }

    /// Whether somebody may run it here and now.
    #[must_use]
    pub fn allows(&self, by: &Caller, server: &Server) -> bool {
        let able = self.parts.draft.able.as_ref().is_none_or(|able| {
            server.contain(self.by, Joint::Command, || able(server)).unwrap_or(false)
        });
        able && match (by, self.audience()) {
            (Caller::Operator, _) => true,
            (by, Audience::Administrators) => by.administers(server),
            (Caller::Session(jid), Audience::Accounts) => server.session(jid).is_some(),
            (Caller::Account(_), Audience::Accounts) => false,
        }
    }

    /// What it asks, page by page; nothing if it asks nothing.
    #[must_use]
    pub fn pages(&self) -> Vec<DataForm> {
        (self.parts.pages)().into_iter().map(|fields| self.form(fields)).collect()
    }

    /// What it asks, filled in with what is suggested.
    ///
    /// # Errors
    ///
    /// When what is suggested cannot be looked up.
    pub async fn ask(&self, server: &Server) -> Result<Vec<DataForm>, Refusal> {
        let mut pages = self.pages();
        let suggested = match &self.parts.draft.suggest {
            Some(suggest) => {
                let suggested = async { suggest(server.clone()).await };
                server.contain_later(self.by, Joint::Command, suggested).await.flatten()?
            }
            None => Vec::new(),
        };
        for field in pages.iter_mut().flat_map(|page| &mut page.fields) {
            if let Some(suggested) = suggested.iter().find(|it| it.var == field.var) {
                field.values.clone_from(&suggested.values);
            }
        }
        Ok(pages)
    }

    fn form(&self, fields: Vec<Field>) -> DataForm {
        let mut form = DataForm::form(self.parts.draft.form_type).title(self.title());
        form.instructions.extend(self.parts.draft.instructions.map(ToOwned::to_owned));
        form.fields.extend(fields);
        form
    }

    /// Runs it with the answers to all of its pages, for whoever may.
    ///
    /// # Errors
    ///
    /// When whoever asks may not, the answers are not what was asked, or the command is refused.
    pub async fn run(
        &self,
        by: Caller,
        at: Jid,
        given: DataForm,
        server: &Server,
    ) -> Result<Report, CommandError> {
        if !self.allows(&by, server) {
            return Err(CommandError::Forbidden);
        }
        // XEP-0050 §4.1: a form that is given up says what it was filled in with.
        let given = DataForm { kind: FormType::Submit, ..given };
        let asked = self.form((self.parts.pages)().into_iter().flatten().collect());
        tracing::info!(node = self.node(), %by, "a command is run");
        let answered = Answered { by, at, given, asked };
        let run = async { (self.parts.run)(answered, server.clone()).await };
        let told = server.contain_later(self.by, Joint::Command, run).await;
        let told = told.map_err(CommandError::from).flatten();
        if let Err(error) = &told {
            tracing::info!(node = self.node(), %error, "a command was refused");
        }
        told
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("node", &self.node())
            .field("audience", &self.audience())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("node", &self.node).finish_non_exhaustive()
    }
}

/// The commands of a server by their nodes.
#[derive(Debug, Default)]
pub(crate) struct Commands(BTreeMap<&'static str, (&'static str, Command)>);

impl Commands {
    pub(crate) fn declare(
        &mut self,
        by: &'static str,
        command: Command,
    ) -> Result<(), AssemblyError> {
        let command = Command { by, ..command };
        let node = command.node();
        match self.0.insert(node, (by, command)) {
            None => Ok(()),
            Some((first, _)) => Err(AssemblyError::ClaimedTwice {
                what: format!("the command {node}"),
                first,
                second: by,
            }),
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Command> {
        self.0.values().map(|(_, command)| command)
    }

    pub(crate) fn of(&self, node: &str) -> Option<&Command> {
        self.0.get(node).map(|(_, command)| command)
    }
}
