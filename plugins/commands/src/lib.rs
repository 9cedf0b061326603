#![doc = include_str!("../README.md")]

mod desk;
mod wire;

use std::{sync::Arc, time::Duration};

use sestina_core::{
    Assembly, AssemblyError, Caller, Command, CommandError, Identity, Item, Node, Origin, Plugin,
    Refusal, Scope, Server, Session, Set, Spec, answer,
};
use sestina_stanza::{Condition, DataForm, ErrorType, FormType, Jid, StanzaError, ns};
use sestina_xml::Element;

pub use self::wire::{Action, Ask};
use self::{
    desk::{Desk, Gone, Ongoing},
    wire::{Stage, Status, Told},
};

/// The most that [`Commands::ongoing`] can be.
pub const MOST_ONGOING: usize = 100;

/// The longest that [`Commands::patience`] can be.
pub const LONGEST_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Lets clients find and run the commands of the server.
#[derive(Clone, Copy, Debug)]
pub struct Commands {
    /// How many commands one client may have begun; the oldest gives way to one more. The default is
    /// 8, and [`MOST_ONGOING`] is the most.
    pub ongoing: usize,
    /// How long the server waits for the next step of a command; the default is ten minutes, and
    /// [`LONGEST_PATIENCE`] is the most.
    pub patience: Duration,
}

impl Default for Commands {
    fn default() -> Self {
        Self { ongoing: 8, patience: Duration::from_secs(600) }
    }
}

impl Plugin for Commands {
    const NAME: &'static str = "commands";
    const SPECS: &'static [Spec] = &[Spec::xep(50, "1.3.0")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if !(1..=MOST_ONGOING).contains(&self.ongoing) {
            return Err(to.bad_setting("ongoing", "1 to 100 commands"));
        }
        if self.patience.is_zero() || self.patience > LONGEST_PATIENCE {
            return Err(to.bad_setting("patience", "more than nothing, and a day at most"));
        }
        let clerk = Arc::new(self);
        to.iq(Scope::Server, answer(&clerk, Self::step))?;
        to.feature(Scope::Server, ns::DATA_FORM);
        to.node(Scope::Server, at_node);
        Ok(())
    }
}

impl Commands {
    /// XEP-0050 §2.4 and §3.1: begins a command, or goes on with one.
    async fn step(&self, ask: Set<Ask>, server: &Server) -> Result<Element, Refusal> {
        let Some(session) = ask.origin.session.clone() else { return Err(forbidden()) };
        let command = server.command(&ask.node).ok_or(Condition::ItemNotFound)?;
        if !command.allows(&caller(&session), server) {
            return Err(forbidden());
        }
        if !ask.speaks_english() {
            return Err(wrong("bad-locale"));
        }
        let action = ask.action.ok_or_else(|| wrong("malformed-action"))?;
        let at = domain(&ask.origin)?;
        let run = Running { command, session: &session, at, server };
        match &ask.session {
            None if action == Action::Execute => self.begin(run).await,
            None => Err(wrong("bad-action")),
            Some(id) => {
                let taken = run.desk().take(id, command.node(), server.elapsed());
                let mut ongoing = taken.map_err(|gone| match gone {
                    Gone::Unknown => wrong("bad-sessionid"),
                    Gone::Over => expired(),
                })?;
                let told = run.go_on(&mut ongoing, action, ask.payload.form).await;
                let stays = match &told {
                    Ok(told) => told.status == Status::Executing,
                    // Whoever was refused can mend the answers, go back, or cancel.
                    Err(_) => true,
                };
                if stays {
                    self.keep(&run, ongoing);
                }
                told.map(Told::write)
            }
        }
    }

    async fn begin(&self, run: Running<'_>) -> Result<Element, Refusal> {
        let pages = run.command.ask(run.server).await?;
        let id = run.desk().name(run.server);
        if pages.is_empty() {
            return run.complete(&id, DataForm::new(FormType::Submit)).await.map(Told::write);
        }
        let ongoing = Ongoing::new(id, run.command.node(), pages);
        let told = run.show(&ongoing);
        self.keep(&run, ongoing);
        Ok(told.write())
    }

    /// Lays a command down until its next step.
    fn keep(&self, run: &Running<'_>, ongoing: Ongoing) {
        let until = run.server.elapsed() + self.patience;
        run.desk().lay(ongoing, until, self.ongoing);
    }
}

/// A command that somebody runs.
#[derive(Clone, Copy)]
struct Running<'a> {
    command: &'a Command,
    session: &'a Arc<Session>,
    at: &'a Jid,
    server: &'a Server,
}

impl Running<'_> {
    /// What the client has begun; it goes with its session.
    fn desk(&self) -> Arc<Desk> {
        self.session.part()
    }

    /// XEP-0050 §3.1: what an action makes of the page that is shown.
    async fn go_on(
        &self,
        ongoing: &mut Ongoing,
        action: Action,
        form: Option<DataForm>,
    ) -> Result<Told, Refusal> {
        match action {
            Action::Cancel => Ok(self.told(ongoing.id(), Status::Canceled)),
            Action::Prev if ongoing.back() => Ok(self.show(ongoing)),
            Action::Next | Action::Execute if !ongoing.is_last() => {
                ongoing.answer(form).map_err(bad_payload)?;
                ongoing.forth();
                Ok(self.show(ongoing))
            }
            Action::Complete | Action::Execute if ongoing.is_last() => {
                ongoing.answer(form).map_err(bad_payload)?;
                self.complete(ongoing.id(), ongoing.answers()).await
            }
            _ => Err(wrong("bad-action")),
        }
    }

    async fn complete(&self, id: &str, given: DataForm) -> Result<Told, Refusal> {
        let by = caller(self.session);
        let report = self.command.run(by, self.at.clone(), given, self.server).await;
        let report = report.map_err(|error| match error {
            CommandError::Forbidden => forbidden(),
            CommandError::Answers(what) => bad_payload(what),
            CommandError::Refused(refusal) => refusal,
        })?;
        Ok(Told { report: Some(report), ..self.told(id, Status::Completed) })
    }

    fn show(&self, ongoing: &Ongoing) -> Told {
        let stage =
            Stage { form: ongoing.page(), back: !ongoing.is_first(), forth: !ongoing.is_last() };
        Told { stage: Some(stage), ..self.told(ongoing.id(), Status::Executing) }
    }

    fn told(&self, id: &str, status: Status) -> Told {
        let node = self.command.node();
        Told { node, session: id.to_owned(), status, stage: None, report: None }
    }
}

/// XEP-0050 §2.2: the list of commands, as far as whoever asks may run them, and each command.
fn at_node(asked: &Origin, node: &str, server: &Server) -> Result<Option<Node>, Refusal> {
    let by = asked.session.as_ref().map(caller);
    let allows = |command: &Command| by.as_ref().is_some_and(|by| command.allows(by, server));
    if node == ns::COMMANDS {
        let jid = domain(asked)?;
        let commands = server.commands().filter(|command| allows(command));
        let items = commands.map(|command| Item {
            jid: jid.clone(),
            node: Some(command.node().to_owned()),
            name: Some(command.title().to_owned()),
        });
        let identities = vec![Identity::new("automation", "command-list").named("Commands")];
        return Ok(Some(Node { identities, items: items.collect(), ..Node::default() }));
    }
    let Some(command) = server.command(node) else { return Ok(None) };
    if !allows(command) {
        return Err(forbidden());
    }
    Ok(Some(Node {
        identities: vec![Identity::new("automation", "command-node").named(command.title())],
        features: vec![ns::COMMANDS.to_owned(), ns::DATA_FORM.to_owned()],
        items: Vec::new(),
    }))
}

fn caller(session: &Arc<Session>) -> Caller {
    Caller::Session(session.jid().clone())
}

/// The domain that is asked.
fn domain(asked: &Origin) -> Result<&Jid, Refusal> {
    if asked.to.is_domain() { Ok(&asked.to) } else { Err(Condition::ItemNotFound.into()) }
}

/// XEP-0050 §3.4 gives it this type.
fn forbidden() -> Refusal {
    StanzaError::new(Condition::Forbidden).with_type(ErrorType::Cancel).into()
}

/// XEP-0050 §3.4: something about the request was wrong.
fn wrong(what: &str) -> Refusal {
    bad_request(what).into()
}

fn bad_payload(what: String) -> Refusal {
    bad_request("bad-payload").with_text(what).into()
}

fn bad_request(what: &str) -> StanzaError {
    let what = Element::builder(what, ns::COMMANDS).build();
    StanzaError::new(Condition::BadRequest).with_type(ErrorType::Modify).with_application(what)
}

/// XEP-0050 §3.4: it was completed or canceled, or nobody went on with it in time.
fn expired() -> Refusal {
    let what = Element::builder("session-expired", ns::COMMANDS).build();
    let error = StanzaError::new(Condition::NotAllowed).with_type(ErrorType::Cancel);
    error.with_application(what).into()
}
