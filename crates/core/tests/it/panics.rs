//! A plugin that panics breaks nothing but what it was doing.

use std::{
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use sestina_core::{
    Amendment, Arrival, Assembly, AssemblyError, Beyond, BoxFuture, Call, Caller, Command,
    CommandError, Get, Guarded, Guests, Identity, IqHandler, IqRequest, Item, Joint, NewPassword,
    Node, Origin, Planned, Plugin, Portable, PresenceChanged, Refusal, Rewritten, Scope, Server,
    Set, Spec, Started, Stay, answer,
};
use sestina_sasl::AnonymousOffer;
use sestina_stanza::{Condition, DataForm, Invalid, IqType, Jid, Payload, Stanza, StreamError, ns};
use sestina_stream::{Feature, Negotiation, Slot, Transform, View};
use sestina_testkit::{Client, Stage};
use sestina_xml::{Element, ElementRef};
use tower::Service;

use crate::{
    cast::{JULIET, Log, ROMEO, gist, heard, plugin, scene, send, stage},
    log::Listening,
};

const BREAK: &str = "urn:example:break";

/// `<break xmlns='urn:example:break' at='…'/>`: whoever is named drops everything.
#[derive(Debug)]
struct Break(String);

impl Payload for Break {
    const NAME: &'static str = "break";
    const NAMESPACE: &'static str = BREAK;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self(element.attr("at").unwrap_or_default().to_owned()))
    }

    fn write(&self) -> Element {
        Self::builder().attr("at", &self.0).build()
    }
}

fn is_meant(stanza: &Stanza, at: &str) -> bool {
    stanza.child("break", BREAK).is_some_and(|it| it.attr("at") == Some(at))
}

fn broken<T>() -> T {
    panic!("oh no")
}

async fn later() {
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
}

// Breaks at the places of either side, at once or while everybody waits for it.
plugin!(Clumsy, "clumsy", |log, to| {
    for side in ["sender", "recipient"] {
        let meant =
            move |stanza: &Stanza, place: &str| is_meant(stanza, &format!("{side} {place}"));
        let mut joining = if side == "sender" { to.sender() } else { to.recipient() };
        joining.guard(&log, move |_, stanza, _| {
            let wait = meant(stanza, "guard later");
            if meant(stanza, "guard") {
                broken()
            } else if wait {
                Guarded::Wait(Box::pin(async {
                    later().await;
                    broken()
                }))
            } else {
                Guarded::Pass
            }
        });
        joining.rewrite(&log, move |_, stanza, _| {
            let wait = meant(stanza, "rewrite later");
            if meant(stanza, "rewrite") {
                broken()
            } else if wait {
                Rewritten::Wait(Box::pin(async {
                    later().await;
                    broken()
                }))
            } else {
                Rewritten::Keep
            }
        });
        joining.plan(&log, move |_, plan, _| {
            let stanza = plan.stanza().clone();
            if meant(&stanza, "plan") {
                plan.retain_targets(|_| false);
                broken()
            }
            if meant(&stanza, "plan later") {
                return Planned::Wait(Box::pin(async {
                    later().await;
                    broken()
                }));
            }
            if meant(&stanza, "amendment") {
                let amendment: Amendment = Box::new(|_| broken());
                return Planned::Wait(Box::pin(async { amendment }));
            }
            if side == "recipient" && meant(&stanza, "claim") {
                plan.retain_targets(|_| false);
                plan.claim("clumsy", |_, _| async {
                    later().await;
                    broken()
                });
            }
            if side == "recipient" && meant(&stanza, "beside") {
                plan.besides("clumsy", |_, _| -> std::future::Ready<_> { broken() });
            }
            Planned::Done
        });
        joining.outcome(&log, move |log, stanza, outcome, _| {
            if meant(stanza, "outcome") {
                broken()
            }
            log.note(format!("{side}: {outcome:?}"));
        });
    }
    Ok(())
});

async fn verona(clumsy: impl Plugin) -> Stage {
    stage(scene().breaks().plugin(clumsy)).await
}

fn message(kind: &str, at: &str) -> String {
    format!(
        "<message type='{kind}' id='1' to='{JULIET}'><break xmlns='{BREAK}' at='{at}'/></message>"
    )
}

/// Asserts that two sessions still talk.
async fn still_talk(from: &sestina_core::Attached, to: &mut sestina_core::Attached) {
    send(from, &format!("<message id='next' to='{}'/>", to.jid())).await;
    assert_eq!(gist(to).await, ["next"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_refuses_the_stanza_and_no_other() {
    let stage = verona(Clumsy::default()).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    let mut panics = 0;
    for side in ["sender", "recipient"] {
        for place in
            ["guard", "guard later", "rewrite", "rewrite later", "plan", "plan later", "amendment"]
        {
            let at = format!("{side} {place}");
            send(&romeo, &message("chat", &at)).await;
            assert_eq!(gist(&mut romeo).await, ["1 internal-server-error"], "{at}");
            // Where no reply is due, there is none.
            send(&romeo, &message("error", &at)).await;
            assert!(heard(&mut romeo).await.is_empty(), "{at}");
            assert!(heard(&mut juliet).await.is_empty(), "{at}");
            panics += 2;
            assert_eq!(stage.server().panics(), panics, "{at}");
            still_talk(&romeo, &mut juliet).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_about_a_stanza_may_panic() {
    let stage = verona(Clumsy::default()).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    send(&romeo, &message("chat", "recipient claim")).await;
    assert_eq!(gist(&mut romeo).await, ["1 internal-server-error"]);
    assert!(heard(&mut juliet).await.is_empty());
    // What is done beside a delivery keeps nobody from having it.
    send(&romeo, &message("chat", "recipient beside")).await;
    assert!(heard(&mut romeo).await.is_empty());
    assert_eq!(gist(&mut juliet).await, ["1"]);
    assert_eq!(stage.server().panics(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_bear_the_outcome_changes_nothing() {
    let clumsy = Clumsy::default();
    let log = clumsy.0.clone();
    let stage = verona(clumsy).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    send(&romeo, &message("chat", "sender outcome")).await;
    assert_eq!(gist(&mut juliet).await, ["1"]);
    assert!(heard(&mut romeo).await.is_empty());
    assert_eq!(log.take(), ["recipient: Delivered(1)"]);
    assert_eq!(stage.server().panics(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_is_screened_in_the_same_way() {
    let stage = verona(Clumsy::default()).await;
    for at in ["recipient guard", "recipient guard later"] {
        let kept = crate::cast::stanza(&message("chat", at));
        let Guarded::Refuse(refusal) = stage.server().screen(&kept).await else {
            panic!("{at} let it pass");
        };
        assert_eq!(refusal.error().condition(), Condition::InternalServerError);
    }
}

/// Answers what it is asked, unless it breaks.
#[derive(Clone, Debug)]
struct Oracle;

impl Plugin for Oracle {
    const NAME: &'static str = "oracle";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let oracle = Arc::new(self.clone());
        to.iq(Scope::Server, answer(&oracle, Self::ask))?;
        to.iq(Scope::Server, IqHandler::service(IqType::Set, "break", BREAK, self))?;
        to.iq(Scope::Unauthenticated, answer(&oracle, Self::log_in))?;
        to.elements(BREAK, &oracle, |_, element, _, _| match element.attr("at") {
            Some("element") => broken(),
            _ => Ok(Some(element.clone())),
        })?;
        to.service("delphi", &oracle, Self::take)?;
        to.passwords(&oracle, Self::keep);
        to.portable(&oracle)?;
        to.form(Scope::Server, |_| broken());
        to.form(Scope::Server, |_| Some(DataForm::form("urn:example:form")));
        to.items(Scope::Server, |_, _| broken());
        to.node(Scope::Server, |_, node, _| match node {
            "break" => broken(),
            _ => Ok(Some(Node { identities: vec![Identity::new("a", "b")], ..Node::default() })),
        });
        to.command(Command::for_accounts("run", "Run").runs(&oracle, Self::run))?;
        let able = Command::for_accounts("able", "Able").if_able(&oracle, |_, _| broken());
        to.command(able.runs(&oracle, Self::run))?;
        let suggest =
            Command::for_accounts("suggest", "Suggest").suggesting(&oracle, Self::suggest);
        to.command(suggest.runs(&oracle, Self::run))?;
        to.mechanism(AnonymousOffer);
        to.provide::<dyn Beyond>(oracle.clone())?;
        to.provide::<dyn Guests>(oracle)
    }
}

impl Oracle {
    async fn ask(&self, ask: Get<Break>, server: &Server) -> Result<(), Refusal> {
        match ask.0.as_str() {
            "now" => broken(),
            "later" => {
                later().await;
                broken()
            }
            "answered" => {
                ask.origin.answer((), server);
                broken()
            }
            _ => Ok(()),
        }
    }

    async fn log_in(&self, ask: Set<Login>, _: &Server) -> Result<(), Refusal> {
        let gate = ask.origin.gate.as_ref().ok_or(Condition::UnexpectedRequest)?;
        let attempt = gate.attempt("juliet").await?;
        let logged_in = attempt.judge(true)?;
        logged_in.bind("balcony").await?;
        broken()
    }

    async fn take(&self, _: Stanza, _: &Server) -> Result<(), Refusal> {
        broken()
    }

    async fn keep(&self, _: &NewPassword, _: &Server) -> Result<(), Refusal> {
        broken()
    }

    async fn run(&self, _: Call<()>, _: &Server) -> Result<String, Refusal> {
        broken()
    }

    async fn suggest(&self, _: &Server) -> Result<(), Refusal> {
        broken()
    }
}

impl Service<IqRequest> for Oracle {
    type Response = Option<Element>;
    type Error = Refusal;
    type Future = std::future::Ready<Result<Self::Response, Refusal>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: IqRequest) -> Self::Future {
        broken()
    }
}

impl Portable for Oracle {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[("break", BREAK)];

    async fn export(&self, _: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        broken()
    }

    async fn import(&self, _: &Element, _: &Arrival<'_>) -> Result<(), Refusal> {
        broken()
    }
}

impl Beyond for Oracle {
    fn reaches(&self, domain: &str) -> bool {
        if domain == "broken.example" { broken() } else { true }
    }

    fn send(&self, stanza: Stanza, _: &Server) -> BoxFuture<'static, Result<(), Refusal>> {
        if stanza.id() == Some("now") {
            broken()
        }
        Box::pin(async {
            later().await;
            broken()
        })
    }
}

impl Guests for Oracle {
    fn admit<'a>(&'a self, _: &'a Jid, _: Option<IpAddr>) -> BoxFuture<'a, Result<Stay, Refusal>> {
        broken()
    }
}

/// `<query xmlns='jabber:iq:auth'/>`
struct Login;

impl Payload for Login {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::AUTH;

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_however_its_handler_fares() {
    let stage = verona(Oracle).await;
    let before = stage.server().panics();
    let mut romeo = stage.attach(ROMEO).await;
    for (kind, at, told) in [
        ("get", "now", "1 internal-server-error"),
        ("get", "later", "1 internal-server-error"),
        ("set", "service", "1 internal-server-error"),
        // Whoever has an answer gets no second one.
        ("get", "answered", "1"),
    ] {
        let ask = format!(
            "<iq type='{kind}' id='1' to='capulet.example'><break xmlns='{BREAK}' at='{at}'/></iq>"
        );
        send(&romeo, &ask).await;
        assert_eq!(gist(&mut romeo).await, [told], "{at}");
    }
    assert_eq!(stage.server().panics(), before + 4);
}

#[tokio::test(start_paused = true)]
async fn a_service_and_an_element_leave_the_session_alone() {
    let stage = verona(Oracle).await;
    let mut romeo = stage.attach(ROMEO).await;
    send(&romeo, "<message id='1' to='delphi.capulet.example'/>").await;
    assert_eq!(gist(&mut romeo).await, ["1 internal-server-error"]);
    let mut juliet = stage.login(JULIET).await;
    juliet.send(format!("<break xmlns='{BREAK}' at='element'/><break xmlns='{BREAK}'/>")).await;
    assert_eq!(juliet.receive().await.attr("at"), None);
    assert_eq!(stage.server().session_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_way_to_other_servers_may_break() {
    let stage = verona(Oracle).await;
    let mut romeo = stage.attach(ROMEO).await;
    for (id, domain) in
        [("1", "broken.example"), ("now", "mantua.example"), ("2", "mantua.example")]
    {
        send(&romeo, &format!("<message id='{id}' to='friar@{domain}'/>")).await;
        assert_eq!(gist(&mut romeo).await, [format!("{id} internal-server-error")]);
    }
    assert!(!stage.server().reaches("broken.example"));
    assert!(stage.server().reaches("mantua.example"));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_breaks_is_refused_and_leaves_no_session() {
    let stage = verona(Oracle).await;
    let mut client = stage.connect();
    client.open().await;
    let login = "<iq type='set' id='a'><query xmlns='jabber:iq:auth'/></iq>";
    client.send(login).await;
    let answer = client.receive().await.to_string();
    assert!(answer.contains("<internal-server-error "), "{answer}");
    stage.settle().await;
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_guest_is_not_let_in_by_a_broken_gate() {
    let stage = verona(Oracle).await;
    let mut client = stage.connect();
    client.open().await;
    client
        .send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>")
        .await;
    assert_eq!(client.receive().await.name(), "success");
    client.open().await;
    client
        .send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        .await;
    let refused = client.receive().await.to_string();
    assert!(refused.contains("<internal-server-error "), "{refused}");
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn accounts_are_made_and_moved_whoever_breaks() {
    let stage = verona(Oracle).await;
    // The scene has made them, and each new password has met the broken keeper.
    assert_eq!(stage.server().accounts().list().await.unwrap().len(), 2);
    assert_eq!(stage.server().panics(), 2);
    let juliet: Jid = "juliet@capulet.example".parse().unwrap();
    let mut export = stage.server().accounts().export(&juliet).await.unwrap();
    let failed = loop {
        match export.next().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(failed);
    let content = format!("<break xmlns='{BREAK}'/>");
    assert!(stage.import_xml("nurse@capulet.example", &content).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_an_entity_says_of_itself_is_what_the_others_say() {
    let stage = verona(Oracle).await;
    let server = stage.server();
    let asked = asked(server).await;
    let described = server.describe(&Scope::Server).unwrap();
    assert_eq!(described.forms(server).len(), 1);
    assert_eq!(described.items(&asked, server), Vec::<Item>::new());
    let node = described.node(&asked, "break", server);
    assert_eq!(node.unwrap_err().error().condition(), Condition::InternalServerError);
    assert!(described.node(&asked, "other", server).unwrap().is_some());
}

/// Where some request comes from.
async fn asked(server: &Server) -> Origin {
    #[derive(Debug, Default)]
    struct Seen(parking_lot::Mutex<Option<Origin>>);
    let seen = Arc::<Seen>::default();
    let method = async |seen: &Seen, ask: Get<Break>, _: &Server| {
        *seen.0.lock() = Some(ask.origin);
        Ok::<_, Refusal>(())
    };
    let settings =
        sestina_core::Settings::new("capulet.example".parse().unwrap(), server.store().clone());
    let mut assembly = Assembly::new(settings);
    assembly.leave_absent();
    assembly.iq(Scope::Server, answer(&seen, method)).unwrap();
    let other = assembly.build().await.unwrap();
    let romeo = other.attach(ROMEO.parse().unwrap()).await.unwrap();
    send(
        &romeo,
        &format!("<iq type='get' id='1' to='capulet.example'><break xmlns='{BREAK}'/></iq>"),
    )
    .await;
    seen.0.lock().take().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_command_that_breaks_is_refused() {
    let stage = verona(Oracle).await;
    let server = stage.server();
    let at: Jid = "capulet.example".parse().unwrap();
    let command = |node: &str| server.command(node).unwrap();
    let form = DataForm::form("run");
    let told = command("run").run(Caller::Operator, at.clone(), form.clone(), server).await;
    let Err(CommandError::Refused(refusal)) = told else { panic!("{told:?}") };
    assert_eq!(refusal.error().condition(), Condition::InternalServerError);
    assert!(!command("able").allows(&Caller::Operator, server));
    let told = command("able").run(Caller::Operator, at, form, server).await;
    assert!(matches!(told, Err(CommandError::Forbidden)), "{told:?}");
    let asked = command("suggest").ask(server).await.unwrap_err();
    assert_eq!(asked.error().condition(), Condition::InternalServerError);
}

plugin!(Deaf, "deaf", |log, to| {
    to.on(&log, async |_: &Log, change: &PresenceChanged, _: &Server| {
        if is_meant(&change.presence, "event") {
            later().await;
            broken()
        }
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, change: &PresenceChanged, _: &Server| {
        log.note(format!("{:?}", change.presence.kind()));
        Ok::<_, Refusal>(())
    });
    Ok(())
});

plugin!(Stillborn, "stillborn", |log, to| {
    to.on(&log, async |_: &Log, _: &Started, _: &Server| -> Result<(), Refusal> { broken() });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn others_hear_of_what_happens() {
    let deaf = Deaf::default();
    let log = deaf.0.clone();
    let stage = verona(deaf).await;
    let romeo = stage.attach(ROMEO).await;
    send(&romeo, &format!("<presence><break xmlns='{BREAK}' at='event'/></presence>")).await;
    assert_eq!(log.take().len(), 1);
    assert!(romeo.session().is_available());
    let error = scene().plugin(Stillborn::default()).build().await.unwrap_err();
    assert!(matches!(error, AssemblyError::NotStarted { plugin: "stillborn", .. }), "{error}");
}

/// A stream feature that breaks where its setting says.
#[derive(Debug)]
struct Brittle(&'static str);

impl Plugin for Brittle {
    const NAME: &'static str = "brittle";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.stream_feature(Arc::new(self));
        Ok(())
    }
}

impl Feature for Brittle {
    fn slot(&self) -> Slot {
        Slot::Stream
    }

    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        match (self.0, view.account()) {
            ("stranger", None) | ("known", Some(_)) => broken(),
            _ => Some(Element::builder("break", BREAK).build()),
        }
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("break", BREAK)]
    }

    fn negotiate(&self, _: &Element, _: &View<'_>) -> Negotiation {
        match self.0 {
            "negotiate" => broken(),
            "later" => Negotiation::later(async {
                later().await;
                broken()
            }),
            _ => Negotiation::Now(sestina_stream::Outcome::Transformed {
                reply: Element::builder("broken", BREAK).build(),
                transform: Box::new(Sieve(self.0)),
            }),
        }
    }
}

/// Passes bytes on until it breaks.
struct Sieve(&'static str);

impl Transform for Sieve {
    fn inbound(&mut self, input: &[u8], out: &mut Vec<u8>, _: usize) -> Result<usize, StreamError> {
        let text = String::from_utf8_lossy(input);
        if self.0 == "first" || text.contains("Hark") {
            broken()
        }
        out.extend_from_slice(input);
        Ok(input.len())
    }

    fn outbound(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(input);
    }
}

/// The last that a client is told.
async fn parted(client: Client) -> String {
    client.close().await.last().map(ToString::to_string).unwrap_or_default()
}

const SAID: &str = "<internal-server-error ";

#[tokio::test(start_paused = true)]
async fn a_stream_feature_that_breaks_ends_its_stream_and_no_other() {
    for at in ["stranger", "known", "negotiate", "later", "first", "open"] {
        let stage = verona(Brittle(at)).await;
        let mut client = stage.connect();
        let told = match at {
            "stranger" => {
                client.send(client.header()).await;
                parted(client).await
            }
            "known" => {
                client.open().await;
                client.authenticate("juliet", "juliet").await;
                client.restart();
                client.send(client.header()).await;
                parted(client).await
            }
            _ => {
                client.open().await;
                client.authenticate("juliet", "juliet").await;
                client.open().await;
                client.send(format!("<break xmlns='{BREAK}'/>")).await;
                if matches!(at, "negotiate" | "later") {
                    parted(client).await
                } else {
                    assert_eq!(client.receive().await.name(), "broken");
                    client.restart();
                    if at == "first" {
                        client.send(client.header()).await;
                        client.close().await;
                        // The machine of the stream is not there to say anything.
                        SAID.to_owned()
                    } else {
                        client.open().await;
                        client.bind(Some("balcony")).await;
                        client.send("<message><body>Hark</body></message>").await;
                        parted(client).await
                    }
                }
            }
        };
        assert!(told.contains(SAID), "{at}: {told}");
        stage.settle().await;
        assert_eq!(stage.server().panics(), 1, "{at}");
        assert_eq!(stage.server().session_count(), 0, "{at}");
        if at == "open" {
            // The next stream is none the worse.
            let romeo = stage.attach(ROMEO).await;
            let mut juliet = stage.attach(JULIET).await;
            still_talk(&romeo, &mut juliet).await;
        }
    }
}

#[test]
fn joints_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> = Joint::ALL.into_iter().map(Joint::name).collect();
    assert_eq!(names.len(), Joint::ALL.len());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_in_the_log_once_and_says_nothing_of_the_stanza() {
    let log = Listening::begin();
    let stage = verona(Clumsy::default()).await;
    let mut romeo = stage.attach(ROMEO).await;
    let secret =
        message("chat", "recipient plan").replace("</message>", "<body>Hark!</body></message>");
    for _ in 0..3 {
        send(&romeo, &secret).await;
        assert_eq!(gist(&mut romeo).await, ["1 internal-server-error"]);
    }
    let said = log.end();
    let told = |level: &str| {
        let panicked = |line: &&str| line.contains(level) && line.contains("panicked");
        let lines: Vec<_> = said.lines().filter(panicked).collect();
        for part in ["plugin=\"clumsy\"", "at=\"plan\"", "said=\"oh no\""] {
            assert!(lines.iter().all(|line| line.contains(part)), "{said}");
        }
        lines.len()
    };
    assert_eq!((told("ERROR"), told("DEBUG")), (1, 2), "{said}");
    assert!(!said.contains("Hark"), "{said}");
}
