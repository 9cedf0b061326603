#![doc = include_str!("../README.md")]

mod board;
mod by_command;
mod by_message;

use std::sync::Arc;

use sestina_core::{
    AccountCreated, Assembly, AssemblyError, BadSetting, Command, Draft, Plugin, PresenceChanged,
    Refusal, Server, Spec, Started,
};
use sestina_stanza::{Jid, MessageType, Stanza};

use self::board::{Board, Text};

/// What the forms of commands are for (XEP-0133).
const ADMIN: &str = "http://jabber.org/protocol/admin";

/// The most that [`Announcements::longest`] can be.
pub const LONGEST: usize = 64 << 10;

/// Keeps the message of the day and the welcome, and tells everybody.
#[derive(Clone, Copy, Debug)]
pub struct Announcements {
    /// How many bytes a text may have; the default is 4 KiB, and [`LONGEST`] is the most.
    pub longest: usize,
}

impl Default for Announcements {
    fn default() -> Self {
        Self { longest: 4096 }
    }
}

impl Plugin for Announcements {
    const NAME: &'static str = "announce";
    const SPECS: &'static [Spec] = &[Spec::xep(133, "1.3.1")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let settings = to.live(self, Self::check)?;
        let board = Arc::new(Board::new(settings, &to.space()));
        to.on(&board, Board::start);
        to.on(&board, Board::arrive);
        to.on(&board, Board::welcome);
        to.sender().rewrite(&Arc::new(board.clone()), by_message::take);
        let set =
            command("http://jabber.org/protocol/admin#set-motd", "Set the message of the day");
        to.command(set.runs(&board, Board::set_by_command))?;
        let edit =
            command("http://jabber.org/protocol/admin#edit-motd", "Edit the message of the day")
                .instructions("Who has read it is not told again.")
                .if_able(&board, |board, _| board.has_motd())
                .suggesting(&board, Board::suggest);
        to.command(edit.runs(&board, Board::edit_by_command))?;
        let delete = command(
            "http://jabber.org/protocol/admin#delete-motd",
            "Delete the message of the day",
        )
        .if_able(&board, |board, _| board.has_motd());
        to.command(delete.runs(&board, Board::delete_by_command))?;
        let greet = command("http://jabber.org/protocol/admin#set-welcome", "Set the welcome")
            .instructions("It is sent to every account that is made from now on.");
        to.command(greet.runs(&board, Board::set_welcome))?;
        let dismiss =
            command("http://jabber.org/protocol/admin#delete-welcome", "Delete the welcome")
                .if_able(&board, |board, _| board.has_welcome());
        to.command(dismiss.runs(&board, Board::delete_welcome))
    }
}

impl Announcements {
    fn check(&self) -> Result<(), BadSetting> {
        match (1..=LONGEST).contains(&self.longest) {
            true => Ok(()),
            false => Err(BadSetting::new("longest", "1 byte to 64 KiB")),
        }
    }
}

fn command(node: &'static str, title: &'static str) -> Draft {
    Command::for_administrators(node, title).form_type(ADMIN)
}

impl Board {
    async fn start(&self, _: &Started, _: &Server) -> Result<(), Refusal> {
        self.load().await
    }

    /// Whoever comes online hears the message of the day, unless the account has heard it.
    async fn arrive(&self, change: &PresenceChanged, server: &Server) -> Result<(), Refusal> {
        let session = &change.session;
        if !change.initial || !session.is_available() || session.is_guest() {
            return Ok(());
        }
        let account = session.account();
        if let Some(text) = self.unread(account, server).await? {
            let message = text.message(&account.to_domain());
            server.deliver(session, message.with_to(session.jid().clone()));
        }
        Ok(())
    }

    /// A new account is welcomed; nobody is online with it yet, so it waits like any message.
    async fn welcome(&self, event: &AccountCreated, server: &Server) -> Result<(), Refusal> {
        if let Some(text) = self.greeting() {
            let message = text.message(&event.account.to_domain());
            server.route(message.with_to(event.account.clone())).await;
        }
        Ok(())
    }

    /// Tells the message of the day to everybody who is online and has not heard it.
    async fn tell_all(&self, server: &Server) -> Result<(), Refusal> {
        let mut told: Option<(Jid, Option<Text>)> = None;
        let mut sessions = server.all_sessions();
        sessions.retain(|session| session.is_available() && !session.is_guest());
        sessions.sort_by(|one, other| one.jid().as_str().cmp(other.jid().as_str()));
        for session in sessions {
            let account = session.account();
            let text = match &told {
                Some((last, text)) if last == account => text.clone(),
                _ => {
                    let text = self.unread(account, server).await?;
                    told = Some((account.clone(), text.clone()));
                    text
                }
            };
            if let Some(text) = text {
                let message = text.message(&account.to_domain());
                server.deliver(&session, message.with_to(session.jid().clone()));
            }
        }
        Ok(())
    }
}

impl Text {
    /// As somebody hears it, before it is addressed.
    fn message(&self, from: &Jid) -> Stanza {
        let mut message = Stanza::message(MessageType::Headline).from(from.clone());
        if let Some(subject) = &self.subject {
            message = message.text_child("subject", subject);
        }
        message.body(&self.body).build()
    }
}
