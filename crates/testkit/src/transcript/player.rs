//! Plays transcripts on a stage.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use sestina_stanza::{Jid, PresenceType, Stanza};
use sestina_xml::Element;
use tokio::time::timeout;

use super::{
    Failure,
    pattern::{self, Names},
    pretty::pretty,
    script::{self, Act},
    venue::Venue,
};
use crate::{Client, Received, SETTLED};

/// How long the clock may run until something is received that was expected.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Plays a transcript where everything is set up already: for tests that look behind the scene before
/// or afterwards, or play somewhere else than on a [`Stage`](crate::Stage).
///
/// # Errors
///
/// When it makes no sense or does not come true.
///
/// # Panics
///
/// When a client cannot log in.
pub async fn perform(venue: &impl Venue, transcript: &str) -> Result<(), Failure> {
    let statements = script::read(transcript)?;
    let mut player =
        Player { venue, cast: BTreeMap::new(), names: Names::new(), streams: HashSet::new() };
    for statement in statements {
        player
            .act(statement.act)
            .await
            .map_err(|reason| Failure { line: statement.line, reason })?;
    }
    Ok(())
}

struct Player<'a, V> {
    venue: &'a V,
    cast: BTreeMap<String, Role>,
    names: Names,
    /// The ids of the streams so far: none comes twice (RFC 6120 §4.7.3).
    streams: HashSet<String>,
}

/// Somebody with a name in the transcript.
struct Role {
    enters: Enters,
    client: Option<Client>,
}

/// How far somebody is when the transcript goes on.
#[derive(Clone)]
enum Enters {
    Connected,
    Open,
    As(Jid),
}

impl<V: Venue> Player<'_, V> {
    async fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Account(jid) => self.venue.account(&address(&jid)?).await,
            Act::Client { name, jid } => {
                let jid = address(&jid)?;
                if jid.local().is_none() || !jid.is_full() {
                    return Err(format!("{jid} is no full JID"));
                }
                self.venue.account(&jid).await;
                self.enter(name.clone(), Enters::As(jid))?;
                self.connect(&name).await?;
            }
            Act::Stranger(name) => {
                self.enter(name.clone(), Enters::Open)?;
                self.connect(&name).await?;
            }
            Act::Wire(name) => {
                self.enter(name.clone(), Enters::Connected)?;
                self.connect(&name).await?;
            }
            Act::WorksOut { name, what, of } => {
                let of: Vec<_> = of.iter().map(|it| pattern::fill(it, &self.names)).collect();
                let found = self.venue.work_out(&what, &of);
                let found = found.ok_or_else(|| format!("what is {what} of {of:?}?"))?;
                self.names.insert(name, found);
            }
            Act::Sends { who, text } => {
                let text = pattern::fill(&text, &self.names);
                self.venue.sent(&who, &text);
                let client = self.client(&who)?;
                if text.contains("<stream:stream") {
                    client.restart();
                }
                client.send(text).await;
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
            Act::Secures(who) => {
                let clear = self.leave(&who)?;
                let secured = self.venue.secure(clear).await?;
                self.role(&who)?.client = Some(secured);
            }
            Act::Vanishes(who) => {
                drop(self.leave(&who)?);
                tokio::time::sleep(SETTLED).await;
            }
            Act::IsDisconnected(who) => {
                let mut client = self.leave(&who)?;
                match timeout(self.venue.patience(), client.next()).await {
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

    fn enter(&mut self, name: String, enters: Enters) -> Result<(), String> {
        match self.cast.insert(name.clone(), Role { enters, client: None }) {
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
        let mut client = self.venue.connect().await;
        let role = self.role(who)?;
        if role.client.is_some() {
            return Err(format!("{who} is connected already"));
        }
        match &role.enters {
            Enters::Connected => {}
            Enters::Open => drop(client.open().await),
            Enters::As(jid) => client.login(jid).await,
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
        tokio::time::sleep(SETTLED).await;
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
        match timeout(self.venue.patience(), self.client(who)?.next()).await {
            Ok(Received::Element(element)) => {
                self.venue.received(who, &pretty(&element));
                Ok(element)
            }
            Ok(Received::Open(header)) => {
                let header_element = header.as_element().to_element();
                self.venue.received(who, &pretty(&header_element));
                let id = header.id().unwrap_or_default().to_owned();
                if self.streams.insert(id) {
                    Ok(header_element)
                } else {
                    Err(format!("{who} is given the id of an earlier stream: {header:?}"))
                }
            }
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
