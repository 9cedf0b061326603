//! Registration as clients see it, and what it leaves behind.

mod details;
mod doors;
mod removal;

use std::sync::Arc;

use sestina_core::{AccountSource, BoxFuture};
use sestina_register::{Bounds, Registration};
use sestina_sasl::Account;
use sestina_stanza::Jid;
use sestina_store::StoreError;
use sestina_testkit::{Scene, transcripts};

/// Within narrow bounds.
fn scene() -> Scene {
    let bounds = Bounds { username: 20, shortest_password: 4, password: 32, detail: 16 };
    Scene::new("capulet.example").plugin(Registration { bounds, ..Registration::default() })
}

transcripts! {
    scene:
    changes_a_password,
    makes_an_account,
    refuses_strangers,
    removes_an_account,
    takes_forms,
}

/// What a stranger asks for.
fn wish(id: &str, name: &str) -> String {
    format!(
        "<iq type='set' id='{id}'><query xmlns='jabber:iq:register'>\
         <username>{name}</username><password>{name}</password></query></iq>"
    )
}

/// A program that keeps accounts itself, and has none.
struct Nobody;

impl AccountSource for Nobody {
    fn find<'a>(&'a self, _: &'a Jid) -> BoxFuture<'a, Result<Option<Account>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_program_keeps_accounts_nobody_registers() {
    let elsewhere = scene().settings(|settings| settings.accounts = Some(Arc::new(Nobody)));
    let error = elsewhere.build().await.unwrap_err();
    assert!(error.to_string().starts_with("register needs accounts that the server keeps"));
}
