//! The server as a whole (XEP-0133 §4.23 and §4.31).

use std::time::Duration;

use sestina_core::{Call, Changed, FieldValue, Lines, Refusal, Report, Server, fields};
use sestina_stanza::{Condition, Field, Jid, MessageType, Stanza, StanzaError};

use super::Office;

fields! {
    /// What is announced.
    pub(crate) struct Announcement {
        text: Lines = "announcement", "What is announced";
    }

    /// When the server stops, and what is announced before.
    pub(crate) struct Stop {
        delay: Option<Delay> = "delay", "How long to wait";
        text: Option<Lines> = "announcement", "What is announced before";
    }
}

/// A time to wait, of those that are offered.
pub(crate) struct Delay(Duration);

impl FieldValue for Delay {
    fn field(var: &str) -> Field {
        let offered = [
            ("30", "30 seconds"),
            ("60", "1 minute"),
            ("90", "90 seconds"),
            ("120", "2 minutes"),
            ("180", "3 minutes"),
            ("240", "4 minutes"),
            ("300", "5 minutes"),
        ];
        Field::list_single(var, offered).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        values.first()?.parse().ok().map(|seconds| Self(Duration::from_secs(seconds)))
    }

    fn write(&self) -> Vec<String> {
        vec![self.0.as_secs().to_string()]
    }
}

impl Office {
    pub(crate) async fn announce(
        &self,
        call: Call<Announcement>,
        server: &Server,
    ) -> Result<String, Refusal> {
        let told = announce(&call.at, &call.text, server);
        Ok(format!("{told} sessions were told"))
    }

    /// XEP-0133 §4.31. Whoever asks is answered, since the server stops after its queues are empty.
    pub(crate) async fn shut_down(&self, call: Call<Stop>, server: &Server) -> Result<(), Refusal> {
        let host = self.host.clone();
        if host.provider().is_none() {
            return Err(Condition::FeatureNotImplemented.into());
        }
        if let Some(text) = &call.text {
            announce(&call.at, text, server);
        }
        let delay = call.delay.as_ref().map_or(Duration::ZERO, |delay| delay.0);
        tracing::info!(by = %call.by, ?delay, "the server is going to be shut down");
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if let Some(host) = host.provider() {
                host.stop();
            }
        });
        Ok(())
    }
}

impl Office {
    /// Has the program read its settings again.
    pub(crate) async fn reload(&self, call: Call<()>, _: &Server) -> Result<Report, Refusal> {
        let host = self.host.provider().ok_or(Condition::FeatureNotImplemented)?;
        tracing::info!(by = %call.by, "the settings are read again");
        let changed = host.reload().await.map_err(|error| {
            StanzaError::new(Condition::NotAcceptable).with_text(error.to_string())
        })?;
        let told = |report: Report, it: &Changed| {
            report.note(format!("{} = {}: {}", it.setting, it.value, it.effect))
        };
        Ok(match changed.as_slice() {
            [] => Report::new().note("no setting has changed"),
            changed => changed.iter().fold(Report::new(), told),
        })
    }
}

/// Tells everybody who has a session, and says how many were told.
fn announce(from: &Jid, text: &Lines, server: &Server) -> usize {
    let message = Stanza::message(MessageType::Headline).from(from.clone()).body(&text.0).build();
    let sessions = server.all_sessions();
    let told = sessions
        .iter()
        .filter(|session| server.deliver(session, message.with_to(session.jid().clone())));
    told.count()
}
