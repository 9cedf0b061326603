//! What is announced, and who has heard it.

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use sestina_core::{Live, Refusal, Server};
use sestina_stanza::{Condition, Jid, StanzaError};
use sestina_store::{Collection, Owner, Record, Space, StoreError};
use tokio::sync::Mutex;

use crate::Announcements;

/// Where everything is pinned up.
pub(crate) struct Board {
    settings: Live<Announcements>,
    /// Owned by the server; what is in memory is what was stored last.
    motds: Collection<(), Motd>,
    welcomes: Collection<(), Text>,
    /// Owned by accounts, so it goes when they go.
    heard: Collection<(), Heard>,
    pinned: RwLock<Pinned>,
    /// Held by whoever changes something, so that memory and store say the same.
    changing: Mutex<()>,
}

#[derive(Default)]
struct Pinned {
    motd: Motd,
    welcome: Option<Text>,
}

/// The message of the day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Motd {
    /// Which one it is: grows with each, also over the time without any.
    version: u64,
    text: Option<Text>,
}

/// A text that people hear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) subject: Option<String>,
    pub(crate) body: String,
}

/// What an account has heard.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Heard {
    version: u64,
}

impl Record for Motd {
    const VERSION: u8 = 1;
}

impl Record for Text {
    const VERSION: u8 = 1;
}

impl Record for Heard {
    const VERSION: u8 = 1;
}

impl Board {
    pub(crate) fn new(settings: Live<Announcements>, space: &Space) -> Self {
        Self {
            settings,
            motds: space.collection("motd"),
            welcomes: space.collection("welcome"),
            heard: space.collection("heard"),
            pinned: RwLock::default(),
            changing: Mutex::default(),
        }
    }

    /// Reads what was pinned up before.
    pub(crate) async fn load(&self) -> Result<(), Refusal> {
        let motd = self.motds.get(&Owner::server(), &()).await?.unwrap_or_default();
        let welcome = self.welcomes.get(&Owner::server(), &()).await?;
        *self.pinned.write() = Pinned { motd, welcome };
        Ok(())
    }

    /// Refuses a text that is too long.
    pub(crate) fn check(&self, text: &Text) -> Result<(), Refusal> {
        let bytes = text.body.len() + text.subject.as_ref().map_or(0, String::len);
        let longest = self.settings.now().longest;
        if bytes > longest {
            let told = format!("{longest} bytes are the most");
            return Err(StanzaError::new(Condition::NotAcceptable).with_text(told).into());
        }
        Ok(())
    }

    pub(crate) fn motd(&self) -> Option<Text> {
        self.pinned.read().motd.text.clone()
    }

    pub(crate) fn has_motd(&self) -> bool {
        self.pinned.read().motd.text.is_some()
    }

    pub(crate) fn greeting(&self) -> Option<Text> {
        self.pinned.read().welcome.clone()
    }

    pub(crate) fn has_welcome(&self) -> bool {
        self.pinned.read().welcome.is_some()
    }

    /// Another message of the day, which nobody has heard.
    pub(crate) async fn set_motd(&self, text: Text) -> Result<(), Refusal> {
        self.check(&text)?;
        self.change(|motd| Motd { version: motd.version + 1, text: Some(text.clone()) }).await?;
        Ok(())
    }

    /// Other words for the message of the day: whoever has heard it is not told again.
    pub(crate) async fn edit_motd(&self, text: Text) -> Result<(), Refusal> {
        self.check(&text)?;
        self.change(|motd| match motd.text {
            Some(_) => Motd { text: Some(text.clone()), ..motd.clone() },
            None => Motd { version: motd.version + 1, text: Some(text.clone()) },
        })
        .await?;
        Ok(())
    }

    /// No message of the day.
    pub(crate) async fn delete_motd(&self) -> Result<(), Refusal> {
        self.change(|motd| Motd { text: None, ..motd.clone() }).await?;
        Ok(())
    }

    async fn change(&self, change: impl Fn(&Motd) -> Motd + Send + Sync) -> Result<(), StoreError> {
        let _alone = self.changing.lock().await;
        let motd = self
            .motds
            .update(&Owner::server(), &(), |held| {
                let next = change(&held.clone().unwrap_or_default());
                *held = Some(next.clone());
                next
            })
            .await?;
        self.pinned.write().motd = motd;
        Ok(())
    }

    /// Another welcome, or none.
    pub(crate) async fn pin_welcome(&self, text: Option<Text>) -> Result<(), Refusal> {
        let _alone = self.changing.lock().await;
        match &text {
            Some(text) => {
                self.check(text)?;
                self.welcomes.put(&Owner::server(), &(), text).await?;
            }
            None => {
                self.welcomes.remove(&Owner::server(), &()).await?;
            }
        }
        self.pinned.write().welcome = text;
        Ok(())
    }

    /// The message of the day for an account that has not heard it; from here on it has, so that a
    /// crash tells it rather not at all than twice.
    pub(crate) async fn unread(
        &self,
        account: &Jid,
        server: &Server,
    ) -> Result<Option<Text>, Refusal> {
        let Motd { version, text } = self.pinned.read().motd.clone();
        let Some(text) = text else { return Ok(None) };
        let owner = Owner::account(account.bare_str());
        if self.heard.get(&owner, &()).await?.is_some_and(|heard| heard.version >= version) {
            return Ok(None);
        }
        let stays = || server.accounts().stays(account);
        // Sessions of the host program may have no account, and leave nothing behind.
        if !stays().await {
            return Ok(None);
        }
        let unread = self
            .heard
            .update(&owner, &(), |held| {
                let unread = held.as_ref().is_none_or(|heard| heard.version < version);
                if unread {
                    *held = Some(Heard { version });
                }
                unread
            })
            .await?;
        if !stays().await {
            // It may have come behind what erased the account.
            self.heard.remove(&owner, &()).await?;
            return Ok(None);
        }
        Ok(unread.then_some(text))
    }
}
