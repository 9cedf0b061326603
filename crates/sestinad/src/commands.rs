//! `sestinad command`: what plugins let administrators do, through the running server if there is one,
//! else straight over the store.

use serde::{Deserialize, Serialize};
use sestina::{
    core::{Caller, Command, CommandError, Report, Server, Severity},
    stanza::{DataForm, Field, FieldType, FormType, Jid},
};

use crate::{
    cli::{Administering, RunCommand},
    config::Config,
    control::{Reply, Request},
    failure::Failure,
    password::Password,
    print, users,
};

/// A command, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    node: String,
    title: String,
    asks: Vec<Asked>,
}

/// Something that a command asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    name: String,
    label: String,
    required: bool,
    /// Whether it is not shown where it is typed.
    private: bool,
}

/// Carries out a command about commands.
pub(crate) fn run(config: &Config, command: Administering) -> Result<(), Failure> {
    match command {
        Administering::List { host } => {
            print(&commands(config, host)?.iter().map(describe).collect::<String>())
        }
        Administering::Run(it) => {
            let fields = answers(config, &it)?;
            match users::ask(config, Request::RunCommand { host: it.host, node: it.node, fields })?
            {
                Reply::Told { text, failed: false } => print(&text),
                Reply::Told { text, failed: true } => Err(text.trim_end().to_owned().into()),
                Reply::Failed(why) => Err(why.into()),
                _ => Err(unexpected()),
            }
        }
    }
}

fn commands(config: &Config, host: Option<String>) -> Result<Vec<Listed>, Failure> {
    match users::ask(config, Request::ListCommands { host })? {
        Reply::Commands(commands) => Ok(commands),
        Reply::Failed(why) => Err(why.into()),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> Failure {
    "the server has answered something else".to_owned().into()
}

/// What is answered on the command line, and passwords, which are never there.
fn answers(config: &Config, command: &RunCommand) -> Result<Vec<(String, Password)>, Failure> {
    let listed = commands(config, command.host.clone())?;
    let asks = listed.iter().find(|it| is_named(&it.node, &command.node)).map(|it| &*it.asks);
    let private =
        |name: &str| asks.is_some_and(|asks| asks.iter().any(|it| it.private && it.name == name));
    let mut fields = Vec::new();
    for answer in &command.answers {
        let Some((name, value)) = answer.split_once('=') else {
            return Err(format!("{answer:?} is no answer: expected NAME=VALUE").into());
        };
        if private(name) {
            let why = "is asked for, since others can see what is on a command line";
            return Err(format!("{name} {why}").into());
        }
        fields.push((name.to_owned(), Password::new(value.to_owned())));
    }
    let secret = asks.unwrap_or_default().iter().filter(|it| it.private && it.required);
    let names: Vec<_> = secret.map(|it| it.name.clone()).collect();
    if !names.is_empty() {
        // It is asked for twice already.
        let password =
            if command.password_stdin { Password::from_stdin() } else { Password::ask("this") }?;
        fields.extend(names.into_iter().map(|name| (name, password.clone())));
    }
    Ok(fields)
}

fn describe(command: &Listed) -> String {
    let mut text = format!("{}\n    {}\n", command.node, command.title);
    for asked in &command.asks {
        let optional = if asked.required { "" } else { " (may be left out)" };
        text += &format!("    {}: {}{optional}\n", asked.name, asked.label);
    }
    text
}

/// Whether a command is meant: by its node, or by what follows the `#` in it.
fn is_named(node: &str, name: &str) -> bool {
    node == name || node.rsplit_once('#').is_some_and(|(_, short)| short == name)
}

/// The commands that can be run at the machine.
pub(crate) fn list(server: &Server) -> Reply {
    let able = server.commands().filter(|command| command.allows(&Caller::Operator, server));
    Reply::Commands(able.map(listed).collect())
}

fn listed(command: &Command) -> Listed {
    let fields = command.pages().into_iter().flat_map(|page| page.fields);
    let asks = fields.filter(|field| {
        !matches!(field.kind, Some(FieldType::Hidden | FieldType::Fixed)) && field.var.is_some()
    });
    let asks = asks.map(|field| Asked {
        name: field.var.unwrap_or_default(),
        label: field.label.unwrap_or_default(),
        required: field.required,
        private: field.kind == Some(FieldType::TextPrivate),
    });
    Listed {
        node: command.node().to_owned(),
        title: command.title().to_owned(),
        asks: asks.collect(),
    }
}

/// Runs a command with these answers.
pub(crate) async fn carry_out(
    server: &Server,
    home: &str,
    name: &str,
    fields: Vec<(String, Password)>,
) -> Reply {
    let named: Vec<_> = server.commands().filter(|it| is_named(it.node(), name)).collect();
    let [command] = named[..] else {
        let why = if named.is_empty() { "there is no command" } else { "several commands end in" };
        return Reply::Failed(format!(
            "{why} {name}; `sestinad command list` tells which there are"
        ));
    };
    let home = match Jid::new(home) {
        Ok(home) => home,
        Err(error) => return Reply::Failed(format!("{home:?} is no domain: {error}")),
    };
    let mut given = DataForm::new(FormType::Submit);
    for (name, value) in fields {
        let value = value.reveal().to_owned();
        match given.fields.iter_mut().find(|field| field.var.as_ref() == Some(&name)) {
            Some(field) => field.values.push(value),
            None => given.fields.push(Field::new(name).value(value)),
        }
    }
    match command.run(Caller::Operator, home, given, server).await {
        Ok(report) => tell(&report),
        Err(CommandError::Forbidden) => Reply::Failed(format!("{name} cannot be run here")),
        Err(error) => Reply::Failed(error.to_string()),
    }
}

fn tell(report: &Report) -> Reply {
    let mut text: String = report.notes.iter().map(|note| format!("{}\n", note.text)).collect();
    if let Some(form) = &report.form {
        for field in form.fields.iter().filter(|field| field.kind != Some(FieldType::Hidden)) {
            let name = field.label.as_ref().or(field.var.as_ref());
            let name = name.map(String::as_str).unwrap_or_default();
            text += &format!("{name}: {}\n", field.values.join(" "));
        }
        for item in &form.items {
            let cells: Vec<_> = item.iter().map(|field| field.values.join(" ")).collect();
            text += &format!("{}\n", cells.join("\t"));
        }
    }
    let failed = report.notes.iter().any(|note| note.severity == Severity::Error);
    if text.is_empty() {
        text.push_str("done\n");
    }
    Reply::Told { text, failed }
}
