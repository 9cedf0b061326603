//! What the server is made of, and who is connected.

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Call, Refusal, Report, Server, Session, fields};
use sestina_stanza::{DataForm, Field, Jid};

use super::{ADMIN, command};

fields! {
    /// Whose sessions are to be listed.
    pub(crate) struct Whose {
        account: Option<Jid> = "accountjid", "The address of an account; everybody's if left out";
    }
}

/// Looks at the server as it is.
struct Inspector {
    listed: usize,
}

pub(crate) fn declare(listed: usize, to: &mut Assembly) -> Result<(), AssemblyError> {
    let inspector = Arc::new(Inspector { listed });
    let sessions = command("sestina:admin#list-sessions", "List sessions");
    to.command(sessions.runs(&inspector, Inspector::sessions))?;
    let plugins = command("sestina:admin#list-plugins", "List the plugins of the server");
    to.command(plugins.runs(&inspector, Inspector::plugins))?;
    let bounds = command("sestina:admin#show-bounds", "Show the bounds of the server");
    to.command(bounds.runs(&inspector, Inspector::bounds))
}

impl Inspector {
    async fn sessions(&self, call: Call<Whose>, server: &Server) -> Result<Report, Refusal> {
        let mut sessions = match &call.account {
            Some(account) => server.sessions(account).to_vec(),
            None => server.all_sessions(),
        };
        sessions.sort_unstable_by(|one, other| one.jid().as_str().cmp(other.jid().as_str()));
        let mut form = DataForm::result(ADMIN);
        form.reported = vec![
            Field::jid_single("jid").label("Session"),
            Field::boolean("available", false).label("Available"),
            Field::text_single("priority").label("Priority"),
            Field::text_single("show").label("Says it is"),
            Field::text_single("queued").label("Stanzas that wait for it"),
        ];
        for column in &mut form.reported {
            column.values.clear();
        }
        form.items.extend(sessions.iter().take(self.listed).map(|session| row(session)));
        let report = Report { form: Some(form), ..Report::new() };
        if sessions.len() > self.listed {
            return Ok(report.note(format!("{} of {}", self.listed, sessions.len())));
        }
        Ok(report)
    }

    async fn plugins(&self, _: Call<()>, server: &Server) -> Result<DataForm, Refusal> {
        let mut form = DataForm::result(ADMIN);
        form.reported = vec![
            Field::text_single("plugin").label("Plugin"),
            Field::text_multi("specifications").label("Follows"),
        ];
        form.items.extend(server.plugins().iter().map(|plugin| {
            let specs = plugin.specs.iter().map(ToString::to_string);
            vec![
                Field::new("plugin").value(plugin.name),
                Field::new("specifications").values(specs),
            ]
        }));
        Ok(form)
    }

    async fn bounds(&self, _: Call<()>, server: &Server) -> Result<DataForm, Refusal> {
        let bounds = server.bounds();
        let field = |var: &str, label: &str, value: String| {
            Field::text_single(var).label(label).value(value)
        };
        let number = |var, label, value: usize| field(var, label, value.to_string());
        Ok(DataForm::result(ADMIN)
            .field(number(
                "sessions_per_account",
                "Sessions of one account",
                bounds.sessions_per_account,
            ))
            .field(number("queue.stanzas", "Stanzas that wait for a session", bounds.queue.stanzas))
            .field(number("queue.bytes", "Bytes that wait for a session", bounds.queue.bytes))
            .field(field(
                "drain",
                "How long a shutdown waits for sessions",
                format!("{:?}", bounds.drain),
            ))
            .field(number("followers", "Who follow a session at a time", bounds.followers)))
    }
}

fn row(session: &Session) -> Vec<Field> {
    let presence = session.presence();
    let show = presence.as_ref().and_then(|presence| presence.child_text("show"));
    let available = u8::from(session.is_available()).to_string();
    vec![
        Field::new("jid").value(session.jid().as_str()),
        Field::new("available").value(available),
        Field::new("priority").values(session.priority().map(|priority| priority.to_string())),
        Field::new("show").values(show.map(|show| show.into_owned())),
        Field::new("queued").value(session.queued().to_string()),
    ]
}
