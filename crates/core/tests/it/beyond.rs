//! A way to servers elsewhere, as a plugin provides it.

use std::sync::Arc;

use sestina_core::{Beyond, BoxFuture, Handling, Refusal, Server};
use sestina_stanza::{Condition, Stanza};
use tokio::task::yield_now;

use crate::cast::{JULIET, Log, gist, heard, plugin, scene, send, stage, stanza};

/// Carries what it is given to nowhere.
struct Wire(Arc<Log>);

impl Beyond for Wire {
    fn reaches(&self, domain: &str) -> bool {
        domain.ends_with("montague.example")
    }

    fn send(&self, stanza: Stanza, _: &Server) -> BoxFuture<'static, Result<(), Refusal>> {
        let log = self.0.clone();
        Box::pin(async move {
            yield_now().await;
            log.note(format!("{} to {}", stanza.id().unwrap(), stanza.to().unwrap()));
            match stanza.to().unwrap().domain() {
                "far.montague.example" => Err(Condition::RemoteServerTimeout.into()),
                _ => Ok(()),
            }
        })
    }
}

plugin!(Abroad, "abroad", |log, to| to.provide::<dyn Beyond>(Arc::new(Wire(log))));

#[tokio::test(start_paused = true)]
async fn what_is_for_others_leaves_by_the_way_that_there_is() {
    let log = Log::default();
    let stage = stage(scene().plugin(Abroad(log.clone()))).await;
    let mut juliet = stage.attach(JULIET).await;
    for (id, domain) in
        [(1, "montague.example"), (2, "far.montague.example"), (3, "verona.example")]
    {
        send(&juliet, &format!("<message id='{id}' to='romeo@{domain}'/>")).await;
    }
    assert_eq!(log.take(), ["1 to romeo@montague.example", "2 to romeo@far.montague.example"]);
    let told = ["2 remote-server-timeout", "3 remote-server-not-found"];
    assert_eq!(gist(&mut juliet).await, told);
    assert!(stage.server().reaches("montague.example"));
    assert!(!stage.server().reaches("verona.example"));
}

#[tokio::test(start_paused = true)]
async fn what_comes_from_others_is_answered_by_the_same_way() {
    let log = Log::default();
    let stage = stage(scene().plugin(Abroad(log.clone()))).await;
    let mut juliet = stage.attach(JULIET).await;
    let comes = async |xml: &str| {
        let mut stanza = stanza(xml);
        stanza.set_from(Some("romeo@montague.example/orchard".parse().unwrap()));
        match stage.server().incoming(stanza) {
            Handling::Done => {}
            Handling::Pending(rest) => rest.await,
            Handling::Close(error) => panic!("{error:?}"),
        }
    };
    comes(&format!("<message id='1' to='{JULIET}'/>")).await;
    assert_eq!(gist(&mut juliet).await, ["1"]);
    assert!(log.take().is_empty());
    comes("<message id='2' to='nobody@capulet.example'/>").await;
    comes("<iq type='get' id='3' to='capulet.example'><q xmlns='q'/></iq>").await;
    let back = "to romeo@montague.example/orchard";
    assert_eq!(log.take(), [format!("2 {back}"), format!("3 {back}")]);
    // An error is answered by nothing.
    comes("<message type='error' id='4' to='nobody@capulet.example'/>").await;
    assert!(log.take().is_empty());
    assert!(heard(&mut juliet).await.is_empty());
}
