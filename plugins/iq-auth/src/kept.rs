//! What is kept of passwords, apart from the verifiers of modern mechanisms.

use std::fmt;

use serde::{Deserialize, Serialize};
use sestina_core::{NewPassword, PasswordId, Server};
use sestina_stanza::Jid;
use sestina_store::{Collection, Owner, Record, Space, StoreError};
use zeroize::Zeroizing;

use crate::{
    IqAuth,
    decoy::Decoys,
    hashes::{Chain, hash, same},
};

/// Accounts looked through at once.
const PAGE: usize = 256;

/// What is kept of the password of an account.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    /// Of which password. It is void for any other; nothing is for an account that has come without
    /// one, and is void once it has any.
    of: Option<PasswordId>,
    /// The password itself, for digests.
    password: Option<Zeroizing<String>>,
    /// The state of zero-knowledge.
    chain: Option<Chain>,
}

impl Record for Kept {
    const VERSION: u8 = 2;

    fn upgrade(version: u8, fields: &[u8]) -> Option<Self> {
        // In version 1 it was always of a password.
        let KeptOf { of, password, chain } = (version == 1).then(|| KeptOf::read(fields))??;
        Some(Self { of: Some(of), password, chain })
    }
}

/// The same before accounts could come without a password.
#[derive(Serialize, Deserialize)]
struct KeptOf {
    of: PasswordId,
    password: Option<Zeroizing<String>>,
    chain: Option<Chain>,
}

impl Record for KeptOf {
    const VERSION: u8 = 1;
}

/// The part of the store where all this is.
pub(crate) struct Keeping {
    space: Space,
    kept: Collection<(), Kept>,
    /// Which kinds there may be, by what was set when they were stored.
    kinds: Collection<(), Vec<u8>>,
    pub(crate) decoys: Decoys,
    digest: bool,
    sequences: Option<u32>,
}

impl Keeping {
    pub(crate) fn new(space: Space, rules: &IqAuth) -> Self {
        Self {
            kept: space.collection("kept"),
            kinds: space.collection("kinds"),
            decoys: Decoys::new(&space),
            digest: rules.digest,
            sequences: rules.zero_knowledge.then_some(rules.sequences),
            space,
        }
    }

    /// Erases whatever was kept under earlier settings and must not be any more.
    pub(crate) async fn tidy(&self) -> Result<(), StoreError> {
        let kinds = [u8::from(self.digest), u8::from(self.sequences.is_some())];
        if self.kinds.get(&Owner::server(), &()).await?.as_deref() == Some(&kinds) {
            return Ok(());
        }
        let mut last = None;
        loop {
            let page = self.space.owners(last.as_ref(), PAGE).await?;
            for owner in page.iter().filter(|owner| owner.as_account().is_some()) {
                self.kept
                    .update(owner, &(), |held| {
                        if let Some(kept) = held {
                            kept.password = kept.password.take().filter(|_| self.digest);
                            kept.chain = kept.chain.take().filter(|_| self.sequences.is_some());
                        }
                    })
                    .await?;
            }
            match page.last() {
                Some(owner) if page.len() == PAGE => last = Some(owner.clone()),
                _ => break,
            }
        }
        self.kinds.put(&Owner::server(), &(), &kinds.to_vec()).await
    }

    /// Keeps what there is to keep of a password, in place of what was kept of another.
    pub(crate) async fn keep(&self, new: &NewPassword, server: &Server) -> Result<(), StoreError> {
        self.keep_password(&new.account, &new.password, &new.id, server).await
    }

    pub(crate) async fn keep_password(
        &self,
        account: &Jid,
        password: &Zeroizing<String>,
        id: &PasswordId,
        server: &Server,
    ) -> Result<(), StoreError> {
        let kept = Kept {
            of: Some(id.clone()),
            password: self.digest.then(|| password.clone()),
            chain: self.chain(password, server),
        };
        self.kept.put(&owner(account), &(), &kept).await
    }

    /// A fresh chain, where zero-knowledge is spoken.
    fn chain(&self, password: &str, server: &Server) -> Option<Chain> {
        let sequences = self.sequences?;
        let mut token = [0; 4];
        server.entropy().fill(&mut token);
        Some(Chain::new(password, format!("{:08X}", u32::from_be_bytes(token)), sequences))
    }

    /// What an account's client has to hash, if its chain has not come to its end. Accounts without
    /// one, and those that do not exist, have a challenge all the same, which nobody can meet.
    pub(crate) async fn challenge(
        &self,
        account: Option<&Jid>,
        username: &str,
        server: &Server,
    ) -> Result<Option<(u32, String)>, StoreError> {
        let Some(sequences) = self.sequences else { return Ok(None) };
        let kept = match account {
            Some(account) => self.kept.get(&owner(account), &()).await?,
            None => None,
        };
        let Some(Kept { of, password, chain: Some(chain) }) = kept else {
            let name = account.map_or(username, Jid::as_str);
            return Ok(Some(self.decoys.challenge(name, sequences)));
        };
        if let Some((sequence, token)) = chain.challenge() {
            return Ok(Some((sequence, token.to_owned())));
        }
        // It has come to its end, and goes on where the password is at hand.
        let Some(password) = password else { return Ok(None) };
        let Some(next) = self.chain(&password, server) else { return Ok(None) };
        let account = account.map(owner).unwrap_or_else(Owner::server);
        let token = |chain: &Chain| chain.challenge().map(|(n, token)| (n, token.to_owned()));
        let replenish = |held: &mut Option<Kept>| {
            let kept = held.as_mut().filter(|kept| kept.of == of)?;
            if kept.chain.as_ref().is_none_or(|chain| chain.challenge().is_none()) {
                kept.chain = Some(next.clone());
            }
            kept.chain.as_ref().and_then(token)
        };
        self.kept.update(&account, &(), replenish).await
    }

    /// The chain of an account that has come with it and without a password.
    pub(crate) async fn orphan(&self, account: &Jid) -> Result<Option<Chain>, StoreError> {
        let kept = self.kept.get(&owner(account), &()).await?;
        Ok(kept.filter(|kept| kept.of.is_none()).and_then(|kept| kept.chain))
    }

    /// Keeps such a chain.
    pub(crate) async fn adopt(&self, account: &Jid, chain: Chain) -> Result<(), StoreError> {
        let kept = Kept { of: None, password: None, chain: Some(chain) };
        self.kept.put(&owner(account), &(), &kept).await
    }

    /// Whether a password that was shown is to be kept: for a chain that has come to its end, and if
    /// `learn` says so, for whatever else could be kept of it.
    pub(crate) async fn wants(
        &self,
        account: &Jid,
        id: &PasswordId,
        learn: bool,
    ) -> Result<bool, StoreError> {
        let kept = self.kept.get(&owner(account), &()).await?;
        let Some(kept) = kept.filter(|kept| kept.of.as_ref() == Some(id)) else { return Ok(learn) };
        let ended = kept.chain.as_ref().is_some_and(|chain| chain.challenge().is_none());
        let lacks = (self.digest && kept.password.is_none())
            || (self.sequences.is_some() && kept.chain.is_none());
        Ok(ended || (learn && lacks))
    }

    /// Whether a digest is that of the password and the stream.
    pub(crate) async fn fits(
        &self,
        account: &Jid,
        id: Option<&PasswordId>,
        stream: &str,
        digest: &str,
    ) -> Result<bool, StoreError> {
        let kept = self.kept.get(&owner(account), &()).await?;
        let password = kept.filter(|kept| kept.of.as_ref() == id).and_then(|kept| kept.password);
        // As much is computed where there is none.
        let text = password.as_ref().map_or("", |password| password.as_str());
        let fits = same(&hash(&[stream, text]), digest);
        Ok(fits && password.is_some())
    }

    /// Whether a hash is the next link of the account's chain. It is for whoever is first, and for
    /// nobody after that.
    pub(crate) async fn advance(
        &self,
        account: &Jid,
        id: Option<&PasswordId>,
        shown: &str,
    ) -> Result<bool, StoreError> {
        let mut held = self.kept.get(&owner(account), &()).await?;
        let advance = |held: &mut Option<Kept>| {
            let kept = held.as_mut().filter(|kept| kept.of.as_ref() == id);
            kept.and_then(|kept| kept.chain.as_mut()).is_some_and(|chain| chain.advance(shown))
        };
        // A guess writes nothing.
        if !advance(&mut held) {
            return Ok(false);
        }
        self.kept.update(&owner(account), &(), advance).await
    }
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("chain", &self.chain).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::{Error, SeqDeserializer};

    use super::*;

    /// What a server before this version has written is still what its clients log in by.
    #[tokio::test]
    async fn what_was_kept_before_accounts_could_come_without_a_password() {
        let space = sestina_store::memory().space("iq-auth");
        let juliet: Jid = "juliet@capulet.example".parse().expect("an address");
        let id = SeqDeserializer::<_, Error>::new(std::iter::once(vec![7_u8; 16]));
        let id = PasswordId::deserialize(id).expect("sixteen bytes");
        let chain = Some(Chain::new("ma", "3A9516C4".into(), 500));
        let kept = KeptOf { of: id.clone(), password: None, chain };
        let before = space.collection::<(), KeptOf>("kept");
        before.put(&owner(&juliet), &(), &kept).await.expect("kept");
        let rules = IqAuth { zero_knowledge: true, ..IqAuth::default() };
        let keeping = Keeping::new(space, &rules);
        let shown = "6a305cff14777c6dbfe7c5da3e6e4b83c986308b";
        assert!(keeping.orphan(&juliet).await.expect("read").is_none());
        assert!(!keeping.advance(&juliet, None, shown).await.expect("read"));
        assert!(keeping.advance(&juliet, Some(&id), shown).await.expect("read"));
    }
}
