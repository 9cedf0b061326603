//! Where transcripts are played.

use std::{future::Future, time::Duration};

use sestina_stanza::Jid;

use super::PATIENCE;
use crate::{Client, Stage};

/// Where a transcript is played: a [`Stage`], or a server somewhere else.
pub trait Venue {
    /// Makes an account, with its localpart as password, unless there is one.
    fn account(&self, account: &Jid) -> impl Future<Output = ()>;

    /// Connects a client, which has said nothing yet.
    fn connect(&self) -> impl Future<Output = Client>;

    /// Puts TLS under a client whose server is about to do the same.
    fn secure(&self, client: Client) -> impl Future<Output = Result<Client, String>> {
        async {
            drop(client);
            Err("there is no TLS here".to_owned())
        }
    }

    /// What `{name} is WHAT of A B C` says that something is; nothing where that is not known.
    fn work_out(&self, what: &str, of: &[String]) -> Option<String> {
        let _nothing_is_known = (what, of);
        None
    }

    /// How long to wait for what was expected.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    /// Hears what is sent, by whom.
    fn sent(&self, who: &str, text: &str) {
        let _nobody_listens = (who, text);
    }

    /// Hears what is received, by whom.
    fn received(&self, who: &str, text: &str) {
        let _nobody_listens = (who, text);
    }
}

impl Venue for Stage {
    async fn account(&self, account: &Jid) {
        Self::account(self, account).await;
    }

    async fn connect(&self) -> Client {
        Self::connect(self)
    }
}
