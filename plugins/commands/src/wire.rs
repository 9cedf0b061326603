//! What goes over the wire.

use sestina_core::Report;
use sestina_stanza::{DataForm, Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// A step of a command, as a client asks for it:
/// `<command xmlns='http://jabber.org/protocol/commands' node='…' action='execute'/>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which command.
    pub node: String,
    /// The run of it that goes on; none to begin one.
    pub session: Option<String>,
    /// What to do; none for something that nobody knows.
    pub action: Option<Action>,
    /// In which language, if the command itself says so.
    pub lang: Option<String>,
    /// The answers to the form that was shown; none as well where they cannot be read.
    pub form: Option<DataForm>,
}

/// What to do with a command (XEP-0050 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin it, or do what is usual at this stage.
    Execute,
    /// Give it up.
    Cancel,
    /// Go one stage back.
    Prev,
    /// Go one stage forth.
    Next,
    /// Do it.
    Complete,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Cancel => "cancel",
            Self::Prev => "prev",
            Self::Next => "next",
            Self::Complete => "complete",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Execute, Self::Cancel, Self::Prev, Self::Next, Self::Complete];
        all.into_iter().find(|action| action.name() == name)
    }
}

impl Ask {
    /// Whether the words of this server will do. The language of the stanza is that of the stream more
    /// often than a wish, so only what the command itself says counts as one.
    pub(crate) fn speaks_english(&self) -> bool {
        let primary = self.lang.as_deref().and_then(|lang| lang.split('-').next());
        primary.is_none_or(|primary| primary.is_empty() || primary.eq_ignore_ascii_case("en"))
    }
}

impl Payload for Ask {
    const NAME: &'static str = "command";
    const NAMESPACE: &'static str = ns::COMMANDS;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let node = element.attr("node").filter(|node| !node.is_empty());
        let form = element.children().find(|child| DataForm::is(*child));
        Ok(Self {
            node: node.ok_or_else(|| Invalid::attribute("node"))?.to_owned(),
            session: element.attr("sessionid").map(ToOwned::to_owned),
            action: element.attr("action").map_or(Some(Action::Execute), Action::from_name),
            lang: element.lang().map(ToOwned::to_owned),
            form: form.and_then(|form| DataForm::read(form).ok()),
        })
    }

    fn write(&self) -> Element {
        let command = Self::builder()
            .attr("node", &self.node)
            .attr_opt("sessionid", self.session.as_deref())
            .attr_opt("action", self.action.map(Action::name))
            .children(self.form.iter().map(Payload::write));
        let command = match &self.lang {
            Some(lang) => command.lang(lang),
            None => command,
        };
        command.build()
    }
}

/// What has become of a command (XEP-0050 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Executing,
    Completed,
    Canceled,
}

/// What is told of a command.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) node: &'static str,
    pub(crate) session: String,
    pub(crate) status: Status,
    pub(crate) stage: Option<Stage>,
    pub(crate) report: Option<Report>,
}

/// A page to be filled in, and where one can go from it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) form: DataForm,
    pub(crate) back: bool,
    pub(crate) forth: bool,
}

impl Told {
    pub(crate) fn write(self) -> Element {
        let status = match self.status {
            Status::Executing => "executing",
            Status::Completed => "completed",
            Status::Canceled => "canceled",
        };
        let mut command = Ask::builder()
            .attr("node", self.node)
            .attr("sessionid", self.session)
            .attr("status", status)
            .lang("en");
        if let Some(stage) = self.stage {
            // XEP-0050 §3.2: what `execute` stands for is always among them.
            let onward = if stage.forth { "next" } else { "complete" };
            let mut actions = Element::builder("actions", ns::COMMANDS).attr("execute", onward);
            if stage.back {
                actions = actions.child_with("prev", |to| to);
            }
            command = command.child(actions.child_with(onward, |to| to)).child(stage.form.write());
        }
        if let Some(report) = self.report {
            for note in report.notes {
                command = command.child_with("note", |to| {
                    to.attr("type", note.severity.name()).text(&note.text)
                });
            }
            command = command.children(report.form.iter().map(Payload::write));
        }
        command.build()
    }
}
