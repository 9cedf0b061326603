//! Announcing by message to an address of the server, as clients did before there were commands.

use std::sync::Arc;

use sestina_core::{Refusal, Rewritten, Server};
use sestina_stanza::{Condition, Jid, Kind, MessageType, Stanza};

use super::board::{Board, Text};

/// What an address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    /// `announce/online`
    Online,
    /// `announce/motd`
    Set,
    /// `announce/motd/update`
    Update,
    /// `announce/motd/delete`
    Delete,
}

impl Errand {
    fn of(to: &Jid, server: &Server) -> Option<Self> {
        if to.local().is_some() || !server.serves(to.domain()) {
            return None;
        }
        match to.resource()? {
            "announce/online" => Some(Self::Online),
            "announce/motd" => Some(Self::Set),
            "announce/motd/update" => Some(Self::Update),
            "announce/motd/delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Takes the messages of administrators to these addresses, and refuses those of others.
pub(crate) fn take(board: &Arc<Board>, stanza: &Stanza, server: &Server) -> Rewritten {
    let Kind::Message(kind) = stanza.kind() else { return Rewritten::Keep };
    let Some(errand) = stanza.to().and_then(|to| Errand::of(to, server)) else {
        return Rewritten::Keep;
    };
    if kind == MessageType::Error {
        return Rewritten::Keep;
    }
    if !stanza.from().is_some_and(|from| server.is_administrator(from)) {
        return Rewritten::Refuse(Condition::Forbidden.into());
    }
    let (board, stanza, server) = (board.clone(), stanza.clone(), server.clone());
    Rewritten::Wait(Box::pin(async move {
        match run(&board, errand, &stanza, &server).await {
            Ok(()) => Rewritten::Taken,
            Err(refusal) => Rewritten::Refuse(refusal),
        }
    }))
}

async fn run(
    board: &Board,
    errand: Errand,
    stanza: &Stanza,
    server: &Server,
) -> Result<(), Refusal> {
    if errand == Errand::Delete {
        return board.delete_motd().await;
    }
    let body = stanza.body().filter(|body| !body.trim().is_empty());
    let body = body.ok_or(Condition::BadRequest)?.into_owned();
    let subject = stanza.child_text("subject").map(std::borrow::Cow::into_owned);
    let text = Text { subject, body };
    match errand {
        Errand::Online => {
            board.check(&text)?;
            for session in server.all_sessions() {
                if session.is_available() {
                    let message = text.message(&session.account().to_domain());
                    server.deliver(&session, message.with_to(session.jid().clone()));
                }
            }
            Ok(())
        }
        Errand::Set => {
            board.set_motd(text).await?;
            board.tell_all(server).await
        }
        Errand::Update => board.edit_motd(text).await,
        Errand::Delete => Ok(()),
    }
}
