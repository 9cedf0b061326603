//! Announcing by command (XEP-0133 §4.24 to §4.28).

use sestina_core::{Call, Lines, Refusal, Server, fields};

use super::board::{Board, Text};

fields! {
    /// The message of the day.
    pub(crate) struct MessageOfTheDay {
        text: Lines = "motd", "The message of the day";
    }

    /// What new accounts are told.
    pub(crate) struct Welcome {
        text: Lines = "welcome", "The welcome";
    }
}

impl Board {
    pub(crate) async fn set_by_command(
        &self,
        call: Call<MessageOfTheDay>,
        server: &Server,
    ) -> Result<(), Refusal> {
        self.set_motd(text(&call.text)).await?;
        self.tell_all(server).await
    }

    pub(crate) async fn edit_by_command(
        &self,
        call: Call<MessageOfTheDay>,
        _: &Server,
    ) -> Result<(), Refusal> {
        let subject = self.motd().and_then(|motd| motd.subject);
        self.edit_motd(Text { subject, ..text(&call.text) }).await
    }

    pub(crate) async fn suggest(&self, _: &Server) -> Result<MessageOfTheDay, Refusal> {
        let body = self.motd().map(|motd| motd.body).unwrap_or_default();
        Ok(MessageOfTheDay { text: Lines(body) })
    }

    pub(crate) async fn delete_by_command(&self, _: Call<()>, _: &Server) -> Result<(), Refusal> {
        self.delete_motd().await
    }

    pub(crate) async fn set_welcome(&self, call: Call<Welcome>, _: &Server) -> Result<(), Refusal> {
        self.pin_welcome(Some(text(&call.text))).await
    }

    pub(crate) async fn delete_welcome(&self, _: Call<()>, _: &Server) -> Result<(), Refusal> {
        self.pin_welcome(None).await
    }
}

fn text(lines: &Lines) -> Text {
    Text { subject: None, body: lines.0.clone() }
}
