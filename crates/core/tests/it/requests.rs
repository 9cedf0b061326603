//! Requests find their one handler, and each gets its one answer.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use sestina_core::{
    Attached, BoxFuture, Get, IqRequest, IqService, Refusal, Scope, Server, Set, answer,
};
use sestina_stanza::{Condition, Invalid, Payload};
use sestina_xml::{Element, ElementRef};
use tower::{Layer, Service};

use crate::cast::{JULIET, Log, ROMEO, gist, heard, plugin, scene, send, stage, text};

/// `<time xmlns='urn:example:time'>…</time>`
#[derive(Debug)]
struct Time(String);

impl Payload for Time {
    const NAME: &'static str = "time";
    const NAMESPACE: &'static str = "urn:example:time";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        match &*element.text() {
            "never" => Err(Invalid::new("there is no such time")),
            text => Ok(Self(text.to_owned())),
        }
    }

    fn write(&self) -> Element {
        Self::builder().text(&self.0).build()
    }
}

async fn tell(log: &Log, ask: Get<Time>, _: &Server) -> Result<Time, Refusal> {
    log.note(format!("{} of {}", ask.payload.0, ask.origin.to));
    match &*ask.payload.0 {
        "secret" => Err(Refusal::internal("the clock is in the cellar")),
        "forever" => std::future::pending().await,
        time => Ok(Time(format!("{time} o'clock"))),
    }
}

async fn wind(log: &Log, set: Set<Time>, _: &Server) -> Result<(), Refusal> {
    log.note(format!("wound to {}", set.payload.0));
    Ok(())
}

/// `<alarm xmlns='urn:example:time'/>`
struct Alarm;

impl Payload for Alarm {
    const NAME: &'static str = "alarm";
    const NAMESPACE: &'static str = "urn:example:time";

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

async fn ring(_: &Log, _: Get<Alarm>, _: &Server) -> Result<Alarm, Refusal> {
    Ok(Alarm)
}

/// `<sundial xmlns='urn:example:time'/>`
struct Sundial;

impl Payload for Sundial {
    const NAME: &'static str = "sundial";
    const NAMESPACE: &'static str = "urn:example:time";

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

async fn shine(_: &Log, _: Get<Sundial>, _: &Server) -> Result<Sundial, Refusal> {
    Ok(Sundial)
}

plugin!(Clock, "clock", |log, to| {
    to.iq(Scope::Account, answer(&log, shine).even_without_account())?;
    to.iq(Scope::Server, answer(&log, tell))?;
    to.iq(Scope::Account, answer(&log, tell))?;
    to.iq(Scope::Account, answer(&log, ring))?;
    to.iq(Scope::Own, answer(&log, wind))
});

async fn ask(from: &mut Attached, xml: &str) -> String {
    send(from, xml).await;
    let answers = heard(from).await;
    assert!(answers.len() <= 1, "{answers:?}");
    answers.first().map(text).unwrap_or_default()
}

fn get(to: &str, time: &str) -> String {
    format!("<iq type='get' id='1' {to}><time xmlns='urn:example:time'>{time}</time></iq>")
}

/// Sets what others can only get.
fn alarm(whose: &str) -> String {
    format!(
        "<iq type='set' id='1' to='{whose}@capulet.example'><alarm xmlns='urn:example:time'/></iq>"
    )
}

/// Asks for what belongs to a stream of one's own.
fn formality(whose: &str, name: &str) -> String {
    format!(
        "<iq type='set' id='1' to='{whose}@capulet.example'>\
         <{name} xmlns='urn:ietf:params:xml:ns:xmpp-{name}'/></iq>"
    )
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_by_scope_type_and_payload() {
    let log = Log::default();
    let stage = stage(scene().plugin(Clock(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    for (to, from, whom) in [
        ("to='capulet.example'", "from='capulet.example' ", "capulet.example"),
        ("to='juliet@capulet.example'", "from='juliet@capulet.example' ", "juliet@capulet.example"),
        ("to='romeo@capulet.example'", "from='romeo@capulet.example' ", "romeo@capulet.example"),
        ("", "", "romeo@capulet.example"),
    ] {
        assert_eq!(
            ask(&mut romeo, &get(to, "nine")).await,
            format!(
                "<iq to='{ROMEO}' {from}id='1' type='result'>\
                 <time xmlns='urn:example:time'>nine o&apos;clock</time></iq>"
            )
            .replace("&apos;", "'"),
        );
        assert_eq!(log.take(), [format!("nine of {whom}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_answer_where_there_is_no_account() {
    let stage = stage(scene().plugin(Clock(Log::default()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    for whose in ["juliet", "nobody"] {
        let sundial = "<sundial xmlns='urn:example:time'/>";
        let to = format!("to='{whose}@capulet.example'");
        let get = format!("<iq type='get' id='1' {to}>{sundial}</iq>");
        let answer = ask(&mut romeo, &get).await;
        assert!(answer.contains("type='result'") && answer.contains(sundial), "{answer}");
        // Only what it answers.
        let set = format!("<iq type='set' id='1' {to}>{sundial}</iq>");
        let answer = ask(&mut romeo, &set).await;
        assert!(answer.contains("<service-unavailable"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_answers_is_refused_by_what_is_wrong_with_it() {
    let log = Log::default();
    let stage = stage(scene().plugin(Clock(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    let time = "<time xmlns='urn:example:time'>nine</time>";
    for (xml, error) in [
        (
            "<iq type='get' id='1' to='capulet.example'><time xmlns='urn:other'/></iq>".to_owned(),
            "service-unavailable",
        ),
        (
            "<iq type='get' id='1' to='capulet.example'><date xmlns='urn:example:time'/></iq>"
                .to_owned(),
            "service-unavailable",
        ),
        // Known, but not to be set.
        (format!("<iq type='set' id='1' to='capulet.example'>{time}</iq>"), "bad-request"),
        (get("to='nobody@capulet.example'", "nine"), "service-unavailable"),
        // Nothing tells who has an account and who has none.
        (alarm("juliet"), "service-unavailable"),
        (alarm("nobody"), "service-unavailable"),
        (formality("juliet", "session"), "service-unavailable"),
        (formality("nobody", "session"), "service-unavailable"),
        (formality("juliet", "bind"), "service-unavailable"),
        (formality("nobody", "bind"), "service-unavailable"),
        (formality("juliet", "bind").replace("'set'", "'get'"), "service-unavailable"),
        (get("to='capulet.example'", "never"), "bad-request"),
        (get("to='capulet.example'", "secret"), "internal-server-error"),
        // One's own account is one's own, whether the other one exists or not.
        (format!("<iq type='set' id='1' to='juliet@capulet.example'>{time}</iq>"), "forbidden"),
        (format!("<iq type='set' id='1' to='nobody@capulet.example'>{time}</iq>"), "forbidden"),
    ] {
        let answer = ask(&mut romeo, &xml).await;
        assert!(answer.contains(&format!("<{error} xmlns")), "{xml}\n{answer}");
        assert!(answer.contains("type='error'") && !answer.contains("cellar"), "{answer}");
    }
    assert_eq!(log.take(), ["secret of capulet.example"]);
    let wound = ask(&mut romeo, &format!("<iq type='set' id='1'>{time}</iq>")).await;
    assert_eq!(wound, format!("<iq to='{ROMEO}' id='1' type='result'/>"));
    assert_eq!(log.take(), ["wound to nine"]);
}

#[tokio::test(start_paused = true)]
async fn requests_to_a_full_address_are_the_clients_own_business() {
    let log = Log::default();
    let stage = stage(scene().plugin(Clock(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    send(&romeo, &get(&format!("to='{JULIET}'"), "nine")).await;
    assert_eq!(gist(&mut juliet).await, ["1"]);
    send(&juliet, &format!("<iq type='result' id='1' to='{ROMEO}'/>")).await;
    assert_eq!(gist(&mut romeo).await, ["1"]);
    assert!(log.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_session_request_is_a_formality_and_binding_twice_is_not_allowed() {
    let stage = stage(scene()).await;
    let mut romeo = stage.attach(ROMEO).await;
    for to in ["", "to='capulet.example'"] {
        let iq = |what: &str| format!("<iq type='set' id='1' {to}>{what}</iq>");
        let session = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>";
        let answer = ask(&mut romeo, &iq(session)).await;
        assert!(answer.contains("type='result'"), "{answer}");
        let bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
        let answer = ask(&mut romeo, &iq(bind)).await;
        assert!(answer.contains("<not-allowed"), "{answer}");
    }
}

/// A layer that gives handlers so much time.
struct Within(Duration);

#[derive(Clone)]
struct Timed<S>(S, Duration);

impl<S> Layer<S> for Within {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed(inner, self.0)
    }
}

impl Service<IqRequest> for Timed<IqService> {
    type Response = Option<Element>;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Option<Element>, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: IqRequest) -> Self::Future {
        let answer = tokio::time::timeout(self.1, self.0.call(request));
        Box::pin(async {
            answer.await.unwrap_or_else(|_| Err(Condition::RemoteServerTimeout.into()))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_stands_around_every_handler() {
    let stage = stage(scene().plugin(Clock::default()).assemble(|to| {
        to.iq_layer(&Within(Duration::from_secs(5)));
        Ok(())
    }))
    .await;
    let mut romeo = stage.attach(ROMEO).await;
    let answer = ask(&mut romeo, &get("to='capulet.example'", "nine")).await;
    assert!(answer.contains("nine o'clock"), "{answer}");
    let start = stage.server().elapsed();
    let answer = ask(&mut romeo, &get("to='capulet.example'", "forever")).await;
    assert!(answer.contains("<remote-server-timeout"), "{answer}");
    assert_eq!(stage.server().elapsed() - start, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn an_answer_finds_nobody_where_the_session_has_gone() {
    let stage = stage(scene().plugin(Clock::default())).await;
    let romeo = stage.attach(ROMEO).await;
    let request = crate::cast::stanza(&get("to='capulet.example'", "nine"));
    let pending = stage.server().receive(&Arc::clone(romeo.session()), request);
    romeo.close().await;
    let sestina_core::Handling::Pending(pending) = pending else { panic!("{pending:?}") };
    pending.await;
    assert_eq!(stage.server().session_count(), 0);
}
