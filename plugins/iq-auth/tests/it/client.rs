//! A client of those days.

use sestina_stanza::ns;
use sestina_testkit::{Client, Received, Stage};
use sestina_xml::Element;
use sha1::{Digest as _, Sha1};

/// The digits of SHA-1.
pub(crate) fn sha1(text: &str) -> String {
    Sha1::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a client shows that hashes so often, for zero-knowledge.
pub(crate) fn link(password: &str, token: &str, times: u32) -> String {
    let first = sha1(&format!("{}{token}", sha1(password)));
    (0..times).fold(first, |link, _| sha1(&link))
}

/// A client on a stream without a version.
pub(crate) struct Old {
    pub(crate) client: Client,
    /// The stream's id.
    pub(crate) id: String,
}

impl Old {
    pub(crate) async fn new(stage: &Stage) -> Self {
        Self::over(stage.connect()).await
    }

    pub(crate) async fn over(mut client: Client) -> Self {
        client
            .send(
                "<stream:stream to='capulet.example' xmlns='jabber:client' \
                 xmlns:stream='http://etherx.jabber.org/streams'>",
            )
            .await;
        let Received::Open(header) = client.next().await else { panic!("no stream") };
        assert_eq!(header.version(), None);
        let id = header.id().unwrap().to_owned();
        Self { client, id }
    }

    pub(crate) async fn ask(&mut self, name: &str) -> Element {
        self.client
            .send(format!(
                "<iq type='get' id='q'><query xmlns='jabber:iq:auth'>\
                 <username>{name}</username></query></iq>"
            ))
            .await;
        self.client.receive().await
    }

    /// What is to be hashed how often, if anything is.
    pub(crate) async fn challenge(&mut self, name: &str) -> Option<(u32, String)> {
        let answer = self.ask(name).await;
        let query = answer.child("query", ns::AUTH).unwrap();
        let sequence = query.child_text("sequence", ns::AUTH)?.parse().unwrap();
        Some((sequence, query.child_text("token", ns::AUTH).unwrap().into_owned()))
    }

    /// The condition of the error, or `in`.
    pub(crate) async fn show(&mut self, name: &str, method: &str, shown: &str) -> String {
        self.begin(name, method, shown).await;
        self.end().await
    }

    pub(crate) async fn begin(&mut self, name: &str, method: &str, shown: &str) {
        self.client
            .send(format!(
                "<iq type='set' id='s'><query xmlns='jabber:iq:auth'><username>{name}</username>\
                 <{method}>{shown}</{method}><resource>r</resource></query></iq>"
            ))
            .await;
    }

    pub(crate) async fn end(&mut self) -> String {
        let answer = self.client.receive().await;
        match answer.child("error", ns::CLIENT) {
            None => "in".to_owned(),
            Some(error) => error.children().next().unwrap().name().to_owned(),
        }
    }

    pub(crate) async fn digest(&mut self, name: &str, password: &str) -> String {
        let digest = sha1(&format!("{}{password}", self.id));
        self.show(name, "digest", &digest).await
    }

    pub(crate) async fn hash(&mut self, name: &str, password: &str) -> String {
        let Some((sequence, token)) = self.challenge(name).await else { return "none".to_owned() };
        self.show(name, "hash", &link(password, &token, sequence)).await
    }
}
