//! Plays transcripts on a stage.

use std::{collections::BTreeMap, time::Duration};

use sestina_stanza::{Jid, PresenceType, Stanza};
use sestina_xml::Element;
use tokio::time::timeout;

use super::{
    Failure,
    pattern::{self, Names},
    pretty::pretty,
    script::{self, Act},
};
use crate::{Client, Received, Stage};

/// How long the clock may run until something is received that was expected.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Plays a transcript on a stage that is set up already, for tests that look behind the scene
/// before or afterwards.
///
/// # Errors
///
/// When it makes no sense or does not come true.
///
/// # Panics
///
/// When a client cannot log in.
pub async fn perform(stage: &Stage, transcript: &str) -> Result<(), Failure> {
    let statements = script::read(transcript)?;
    let mut player = Player { stage, cast: BTreeMap::new(), names: Names::new() };
    for statement in statements {
        player
            .act(statement.act)
            .await
            .map_err(|reason| Failure { line: statement.line, reason })?;
    }
    Ok(())
}

struct Player<'a> {
    stage: &'a Stage,
    cast: BTreeMap<String, Role>,
    names: Names,
}

/// Somebody with a name in the transcript.
struct Role {
    /// Whom to log in as; nobody for strangers.
    jid: Option<Jid>,
    client: Option<Client>,
}

impl Player<'_> {
    async fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Account(jid) => self.stage.account(&address(&jid)?).await,
            Act::Client { name, jid } => {
                let jid = address(&jid)?;
                if jid.local().is_none() || !jid.is_full() {
                    return Err(format!("{jid} is no full JID"));
                }
                self.stage.account(&jid).await;
                self.enter(name.clone(), Some(jid))?;
                self.connect(&name).await?;
            }
            Act::Stranger(name) => {
                self.enter(name.clone(), None)?;
                self.connect(&name).await?;
            }
            Act::Sends { who, text } => {
                let text = pattern::fill(&text, &self.names);
                self.client(&who)?.send(text).await;
            }
            Act::Receives { who, text, in_order } => {
                let expected = pattern::read(&text)?;
                if in_order {
                    self.receive(&who, &expected).await?
                } else {
                    self.receive_all(&who, expected).await?
                }
            }
            Act::ReceivesNothing(who) => {
                if let Some(received) = self.client(&who)?.next_if_any().await {
                    return Err(format!("{who} receives something:\n{}", shown(&received)));
                }
            }
            Act::Connects(who) => self.connect(&who).await?,
            Act::Disconnects { who, saying } => {
                let client = self.leave(&who)?;
                self.disconnect(client, saying).await;
            }
            Act::Vanishes(who) => {
                drop(self.leave(&who)?);
                self.stage.settle().await;
            }
            Act::IsDisconnected(who) => {
                let mut client = self.leave(&who)?;
                match timeout(PATIENCE, client.next()).await {
                    Ok(Received::Close | Received::End) => {}
                    Ok(other) => {
                        return Err(format!(
                            "{who} is not disconnected but receives:\n{}",
                            shown(&other)
                        ));
                    }
                    Err(_) => return Err(format!("{who} is not disconnected")),
                }
            }
            Act::Pass(time) => tokio::time::sleep(time).await,
        }
        Ok(())
    }

    fn enter(&mut self, name: String, jid: Option<Jid>) -> Result<(), String> {
        match self.cast.insert(name.clone(), Role { jid, client: None }) {
            None => Ok(()),
            Some(_) => Err(format!("{name} is declared twice")),
        }
    }

    fn role(&mut self, who: &str) -> Result<&mut Role, String> {
        self.cast.get_mut(who).ok_or_else(|| format!("who is {who}?"))
    }

    fn client(&mut self, who: &str) -> Result<&mut Client, String> {
        self.role(who)?.client.as_mut().ok_or_else(|| format!("{who} is not connected"))
    }

    fn leave(&mut self, who: &str) -> Result<Client, String> {
        self.role(who)?.client.take().ok_or_else(|| format!("{who} is not connected"))
    }

    async fn connect(&mut self, who: &str) -> Result<(), String> {
        let mut client = self.stage.connect();
        let role = self.role(who)?;
        if role.client.is_some() {
            return Err(format!("{who} is connected already"));
        }
        match &role.jid {
            Some(jid) => client.login(jid).await,
            None => drop(client.open().await),
        }
        role.client = Some(client);
        Ok(())
    }

    async fn disconnect(&self, mut client: Client, saying: Option<String>) {
        if let Some(saying) = saying {
            let mut out = Vec::new();
            Stanza::presence(PresenceType::Unavailable)
                .text_child("status", saying)
                .build()
                .write(&mut out);
            client.send(out).await;
        }
        client.close().await;
        self.stage.settle().await;
    }

    async fn receive(&mut self, who: &str, expected: &[Element]) -> Result<(), String> {
        for wanted in expected {
            let received = self.next(who, std::slice::from_ref(wanted)).await?;
            self.compare(who, wanted, &received).map_err(|difference| {
                format!(
                    "{who} receives something else\nexpected:\n{}\nreceived:\n{}\n{difference}",
                    pretty(wanted),
                    pretty(&received)
                )
            })?;
        }
        Ok(())
    }

    async fn receive_all(&mut self, who: &str, mut expected: Vec<Element>) -> Result<(), String> {
        while !expected.is_empty() {
            let received = self.next(who, &expected).await?;
            let mut found = None;
            for (at, wanted) in expected.iter().enumerate() {
                if self.compare(who, wanted, &received).is_ok() {
                    found = Some(at);
                    break;
                }
            }
            let Some(at) = found else {
                return Err(format!(
                    "{who} receives something else\nexpected one of:\n{}\nreceived:\n{}",
                    all(&expected),
                    pretty(&received)
                ));
            };
            expected.remove(at);
        }
        Ok(())
    }

    fn compare(&mut self, who: &str, wanted: &Element, received: &Element) -> Result<(), String> {
        let me = self.cast.get(who).and_then(|role| role.client.as_ref()?.jid());
        pattern::compare(wanted, received, me.map(Jid::as_str), &mut self.names)
    }

    async fn next(&mut self, who: &str, expected: &[Element]) -> Result<Element, String> {
        match timeout(PATIENCE, self.client(who)?.next()).await {
            Ok(Received::Element(element)) => Ok(element),
            Ok(other) => {
                Err(format!("{who} receives:\n{}\nexpected:\n{}", shown(&other), all(expected)))
            }
            Err(_) => Err(format!("{who} receives nothing\nexpected:\n{}", all(expected))),
        }
    }
}

fn address(text: &str) -> Result<Jid, String> {
    text.parse().map_err(|error| format!("{text} is no address: {error}"))
}

fn all(elements: &[Element]) -> String {
    elements.iter().map(pretty).collect::<Vec<_>>().join("\n")
}

fn shown(received: &Received) -> String {
    match received {
        Received::Element(element) => pretty(element),
        Received::Open(header) => format!("    {header:?}"),
        Received::Close => "    the end of the stream".to_owned(),
        Received::End => "    the end of the connection".to_owned(),
    }
}
