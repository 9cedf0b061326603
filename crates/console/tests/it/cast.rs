//! A server with a command or two, and a way to ask its console.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use http_body_util::BodyExt;
use serde_json::Value;
use sestina_console::{Access, Console, Loopback, Peer};
use sestina_core::{
    Assembly, AssemblyError, Call, Command, Lines, Plugin, Refusal, Report, Secret, Server, Spec,
    fields,
};
use sestina_stanza::{Condition, DataForm, Field, Jid};
use sestina_testkit::{Scene, Stage};
use tower::ServiceExt;

pub(crate) fn jid(text: &str) -> Jid {
    Jid::new(text).unwrap()
}

fields! {
    /// Who comes to the feast.
    pub(crate) struct Guest {
        guest: Jid = "guest", "Who is invited";
        dances: Option<u32> = "dances", "How many dances";
        masked: bool = "masked", "Whether they wear a mask";
        with: Option<Vec<Jid>> = "with", "Who comes along";
        words: Option<Lines> = "words", "What the invitation says";
        word: Option<Secret> = "word", "The word at the door";
    }
}

/// Gives feasts.
pub(crate) struct Feasts;

/// What looks like a page and is none.
pub(crate) const SCRIPT: &str = "<script>alert('feast')</script>";

impl Plugin for Feasts {
    const NAME: &'static str = "feasts";
    const SPECS: &'static [Spec] = &[Spec::xep(133, "1.3.1")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let feasts = Arc::new(self);
        let invite = Command::for_administrators("urn:example:feast#invite", "Invite somebody")
            .instructions("Nobody of the other house.");
        to.command(invite.runs(&feasts, Self::invite))?;
        let list = Command::for_administrators("urn:example:feast#list", "List guests");
        to.command(list.runs(&feasts, Self::list))?;
        let dance = Command::for_accounts("urn:example:feast#dance", "Dance");
        to.command(dance.runs(&feasts, Self::dance))
    }
}

impl Feasts {
    async fn invite(&self, call: Call<Guest>, _: &Server) -> Result<Report, Refusal> {
        if call.guest.domain() == "montague.example" {
            return Err(Condition::NotAllowed.into());
        }
        let Guest { guest, dances, masked, with, words, word } = &call.given;
        let word = word.as_ref().map_or(0, |word| word.reveal().len());
        let words = words.as_ref().map(|words| words.0.as_str());
        let note = format!("{guest} {dances:?} {masked} {with:?} {words:?} {word} {}", call.by);
        Ok(Report::new().note(note))
    }

    async fn list(&self, _: Call<()>, _: &Server) -> Result<DataForm, Refusal> {
        let mut form = DataForm::result("urn:example:feast")
            .field(Field::text_single("words").label("Words").value(SCRIPT))
            .field(Field::text_private("word").value("rose"));
        form.reported = vec![Field::jid_single("guest"), Field::jid_multi("with").label("With")];
        form.items.push(vec![
            Field::new("guest").value("paris@capulet.example"),
            Field::new("with").values(["a@b", "c@d"]),
        ]);
        Ok(form)
    }

    async fn dance(&self, _: Call<()>, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }
}

pub(crate) async fn stage() -> Stage {
    let scene = Scene::new("capulet.example")
        .settings(|it| it.administrators = vec![jid("nurse@capulet.example")])
        .plugin(Feasts)
        .account("nurse@capulet.example")
        .account("juliet@capulet.example");
    scene.build().await.unwrap()
}

/// A console, and where whoever asks it comes from.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) router: Router,
    pub(crate) peer: Peer,
    pub(crate) host: &'static str,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

pub(crate) const HERE: &str = "127.0.0.1:40000";
pub(crate) const THERE: &str = "192.0.2.7:40000";

impl Desk {
    pub(crate) fn new(server: &Server, access: Access) -> Self {
        let router = Console::new(server.clone()).access(access).into_router();
        let address: SocketAddr = HERE.parse().unwrap();
        let peer = Peer { address: Some(address), secure: false };
        Self { router, peer, host: "localhost:5281" }
    }

    /// One where whoever sits at the machine is trusted.
    pub(crate) fn trusting(server: &Server) -> Self {
        Self::new(server, Access { loopback: Loopback::Trusted, ..Access::default() })
    }

    pub(crate) fn from(mut self, peer: &str, secure: bool) -> Self {
        self.peer = Peer { address: Some(peer.parse().unwrap()), secure };
        self
    }

    pub(crate) fn request(&self, method: Method, path: &str, body: &str) -> Request<Body> {
        let mut request = Request::builder().method(&method).uri(path).header("host", self.host);
        if method == Method::POST {
            request = request.header("content-type", "application/json");
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(self.peer);
        request
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Asks without reading what comes.
    pub(crate) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        self.send(with(self.request(Method::GET, path, ""), headers)).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: &str,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        self.send(with(self.request(Method::POST, path, body), headers)).await
    }

    /// Logs in as a page does: the cookie, and what pages must know.
    pub(crate) async fn login(&self, account: &str, password: &str) -> (String, String) {
        let given = serde_json::json!({ "account": account, "password": password });
        let answer = self.post("/api/login", &given.to_string(), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        (cookie, answer.json()["token"].as_str().unwrap().to_owned())
    }

    /// What pages at the machine must know.
    pub(crate) async fn token(&self) -> String {
        let session = self.get("/api/session", &[]).await;
        session.json()["token"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn with(mut request: Request<Body>, headers: &[(&'static str, &str)]) -> Request<Body> {
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}
