//! Settings, bounds and the store.

use sestina_core::{AssemblyError, Scope};
use sestina_filter::{Action, Actionless, Condition, Filter, MOST_BYTES};
use sestina_stanza::{Condition as Cause, Jid, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Client, Scene, Stage, faulty_store, play};
use sestina_xml::{Element, Limits};

use super::{narrow, neighbours::Friends, scene, with};

fn jid(text: &str) -> Jid {
    text.parse().unwrap()
}

fn setting(rules: &str) -> String {
    format!("<iq type='set' id='1'><query xmlns='jabber:iq:filter'>{rules}</query></iq>")
}

/// What the server says to rules.
async fn set(client: &mut Client, rules: &str) -> Option<Cause> {
    client.send(setting(rules)).await;
    answer(client).await
}

async fn answer(client: &mut Client) -> Option<Cause> {
    Stanza::read(client.receive().await).unwrap().reported_error().map(|error| error.condition())
}

/// What becomes of a message; nothing if nobody hears of it.
async fn said(stage: &Stage, romeo: &mut Client, juliet: &mut Client) -> Fate {
    romeo.send("<message to='juliet@capulet.example' id='2'><body>Hark</body></message>").await;
    stage.settle().await;
    if juliet.next_if_any().await.is_some() {
        return Fate::Delivered;
    }
    match romeo.next_if_any().await {
        Some(_) => Fate::Refused,
        None => Fate::Dropped,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Delivered,
    Refused,
    Dropped,
}

async fn both(stage: &Stage) -> (Client, Client) {
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let romeo = stage.login("romeo@capulet.example/orchard").await;
    juliet.send("<presence/>").await;
    stage.settle().await;
    (juliet, romeo)
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    let few = || Filter::default();
    for (wrong, name) in [
        (Filter { rules: 0, ..few() }, "rules"),
        (Filter { bytes: 0, ..few() }, "bytes"),
        (Filter { bytes: MOST_BYTES + 1, ..few() }, "bytes"),
        (Filter { defaults: "<rule>".into(), ..few() }, "defaults"),
        (Filter { defaults: "<rule/></query><rule/>".into(), ..few() }, "defaults"),
        (Filter { defaults: "<rule><moon/></rule>".into(), ..few() }, "defaults"),
        (Filter { defaults: "<item/>".into(), ..few() }, "defaults"),
    ] {
        let error = with(wrong).build().await.unwrap_err();
        assert!(matches!(error, AssemblyError::Setting { name: it, .. } if it == name), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_rules_need_what_they_ask_for() {
    for rule in
        ["<rule><roster/></rule>", "<rule><group>a</group></rule>", "<rule><offline/></rule>"]
    {
        let filter = || Filter { defaults: rule.into(), ..Filter::default() };
        assert!(with(filter()).build().await.is_ok(), "{rule}");
        let alone = Scene::new("capulet.example").plugin(filter()).build().await;
        assert!(matches!(alone, Err(AssemblyError::Missing { .. })), "{rule}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_cannot_do_is_not_acceptable() {
    let bare = Scene::new("capulet.example").plugin(Filter::default()).build().await.unwrap();
    let friends = Scene::new("capulet.example").plugin(Filter::default()).plugin(Friends);
    let friends = friends.build().await.unwrap();
    for (rule, alone, beside) in [
        ("<rule><roster/></rule>", Some(Cause::NotAcceptable), None),
        ("<rule><group>a</group></rule>", Some(Cause::NotAcceptable), None),
        ("<rule><offline/></rule>", Some(Cause::NotAcceptable), Some(Cause::NotAcceptable)),
        ("<rule><unavailable/></rule>", None, None),
    ] {
        for (stage, expected) in [(&bare, alone), (&friends, beside)] {
            let mut juliet = stage.login("juliet@capulet.example/balcony").await;
            assert_eq!(set(&mut juliet, rule).await, expected, "{rule}");
            juliet.close().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_says_what_rules_may_do() {
    let filter = Filter {
        conditions: vec![Condition::From],
        actions: vec![Action::Reply, Action::Continue],
        ..Filter::default()
    };
    let stage = with(filter).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    for condition in Condition::ALL {
        let text = if *condition == Condition::Type { "chat" } else { "a" };
        let rule = format!("<rule><{condition}>{text}</{condition}></rule>");
        let expected = (*condition != Condition::From).then_some(Cause::NotAcceptable);
        assert_eq!(set(&mut juliet, &rule).await, expected, "{rule}");
    }
    for action in Action::ALL {
        let text = if *action == Action::Settype { "chat" } else { "a" };
        let rule = format!("<rule><{action}>{text}</{action}></rule>");
        let allowed = matches!(action, Action::Reply | Action::Continue);
        assert_eq!(set(&mut juliet, &rule).await, (!allowed).then_some(Cause::NotAcceptable));
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_are_allowed_no_more_are_kept_but_not_asked() {
    let store = sestina_store::memory();
    let stage = scene().store(store.clone()).build().await.unwrap();
    let (mut juliet, mut romeo) = both(&stage).await;
    let rules = "<rule><body>Ho</body></rule><rule><reply>Away</reply></rule>";
    assert_eq!(set(&mut juliet, rules).await, None);
    assert_eq!(said(&stage, &mut romeo, &mut juliet).await, Fate::Refused);
    drop((stage, juliet, romeo));
    let stage =
        with(Filter { actions: Vec::new(), ..narrow() }).store(store).build().await.unwrap();
    let (mut juliet, mut romeo) = both(&stage).await;
    assert_eq!(said(&stage, &mut romeo, &mut juliet).await, Fate::Delivered);
    juliet.send("<iq type='get' id='3'><query xmlns='jabber:iq:filter'/></iq>").await;
    assert_eq!(juliet.receive().await.first_child().unwrap().children().count(), 2);
}

#[test]
fn a_rule_without_an_action_can_be_made_to_deliver() {
    play(
        with(Filter { actionless: Actionless::Pass, ..narrow() }),
        "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
juliet sends: <presence/><iq type='set' id='1'><query xmlns='jabber:iq:filter'><rule><body>Hark</body></rule><rule><reply>What?</reply></rule></query></iq>
juliet receives: <iq type='result' id='1'/>
romeo sends: <message to='juliet@capulet.example' id='2'><body>Hark</body></message>
juliet receives: <message from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='2'><body>Hark</body></message>
romeo sends: <message to='juliet@capulet.example' id='3'><body>Ho</body></message>
romeo receives: <message from='juliet@capulet.example' to='romeo@capulet.example/orchard'><body>What?</body><x xmlns='jabber:x:envelope'><forwardedby jid='juliet@capulet.example'/></x></message>
juliet receives nothing
",
    );
}

#[test]
fn the_servers_rules_stand_behind_those_of_accounts() {
    let defaults = "<rule><body>Buy!</body><error code='405'/></rule>".into();
    play(
        with(Filter { defaults, ..narrow() }),
        "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
[account] nurse@capulet.example
juliet sends: <presence/>
romeo sends: <message to='juliet@capulet.example' id='1'><body>Buy!</body></message>
romeo receives: <message type='error' from='juliet@capulet.example' id='1'><body>Buy!</body><error type='cancel' code='405'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
romeo sends: <message to='juliet@capulet.example' id='2'><body>Hark</body></message>
juliet receives: <message from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='2'><body>Hark</body></message>

# For whoever is away, but not for whom there is no account.
romeo sends:
  <message to='nurse@capulet.example' id='3'><body>Buy!</body></message>
  <message to='rosaline@capulet.example' id='4'><body>Buy!</body></message>
romeo receives:
  <message type='error' from='nurse@capulet.example' id='3'><body>Buy!</body><error type='cancel' code='405'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
  <message type='error' from='rosaline@capulet.example' id='4'><body>Buy!</body><error type='cancel' code='503'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>

# An account that wants to hear it says so.
juliet sends: <iq type='set' id='5'><query xmlns='jabber:iq:filter'><rule><settype>chat</settype></rule></query></iq>
juliet receives: <iq type='result' id='5'/>
romeo sends: <message to='juliet@capulet.example' id='6'><body>Buy!</body></message>
juliet receives: <message from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='6' type='chat'><body>Buy!</body></message>

# They are nobody's to read.
romeo sends: <iq type='get' id='7'><query xmlns='jabber:iq:filter'/></iq>
romeo receives: <iq type='result' id='7'><query xmlns='jabber:iq:filter'/></iq>
",
    );
}

#[tokio::test(start_paused = true)]
async fn rules_have_their_bounds() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let frame = "<query xmlns='jabber:iq:filter'><rule><body></body></rule></query>".len();
    let rule = |bytes: usize| format!("<rule><body>{}</body></rule>", "x".repeat(bytes - frame));
    assert_eq!(set(&mut juliet, &rule(901)).await, Some(Cause::NotAcceptable));
    assert_eq!(set(&mut juliet, &rule(900)).await, None);
    // Who has no account has no rules.
    let mut guest = stage.attach("guest@capulet.example/1").await;
    let iq = setting("<rule/>").replacen("<iq", "<iq xmlns='jabber:client'", 1);
    let iq = Stanza::read(Element::parse(iq, &Limits::default()).unwrap()).unwrap();
    guest.send(iq).await.unwrap();
    let refused = guest.receive().await.unwrap().reported_error().unwrap();
    assert_eq!(refused.condition(), Cause::RegistrationRequired);
    let kept = stage.server().store().space("filter");
    assert_eq!(kept.owners(None, 3).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rules_go_with_their_account_and_do_not_come_back() {
    let stage = scene().build().await.unwrap();
    let (mut juliet, mut romeo) = both(&stage).await;
    assert_eq!(set(&mut juliet, "<rule/>").await, None);
    juliet.close().await;
    // From here on they are in memory without a session.
    romeo.send("<message to='juliet@capulet.example'><body>Hark</body></message>").await;
    stage.settle().await;
    assert!(romeo.next_if_any().await.is_none());
    let accounts = stage.server().accounts();
    accounts.remove(&jid("juliet@capulet.example")).await.unwrap();
    let kept = stage.server().store().space("filter");
    assert!(kept.owners(None, 1).await.unwrap().is_empty());
    romeo.send("<message to='juliet@capulet.example'><body>Hark</body></message>").await;
    assert_eq!(answer(&mut romeo).await, Some(Cause::ServiceUnavailable));
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send("<presence/>").await;
    stage.settle().await;
    assert_eq!(said(&stage, &mut romeo, &mut juliet).await, Fate::Delivered);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_away_is_looked_up_once() {
    for (absent, reads) in [(256, false), (0, true)] {
        let (store, faults) = faulty_store();
        let stage = with(Filter { absent, ..narrow() }).store(store).build().await.unwrap();
        let (mut juliet, mut romeo) = both(&stage).await;
        assert_eq!(set(&mut juliet, "<rule/>").await, None);
        juliet.close().await;
        let message = "<message to='juliet@capulet.example'><body>Hark</body></message>";
        romeo.send(message).await;
        stage.settle().await;
        assert!(romeo.next_if_any().await.is_none());
        faults.on(Calls::Reads).within("filter").fail(ErrorKind::Io);
        romeo.send(message).await;
        stage.settle().await;
        assert_eq!(romeo.next_if_any().await.is_some(), reads, "{absent}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_while_nobody_knows_the_rules() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).account("juliet@capulet.example").build().await.unwrap();
    faults.on(Calls::Reads).within("filter").fail(ErrorKind::Io);
    let (mut juliet, mut romeo) = both(&stage).await;
    assert_eq!(said(&stage, &mut romeo, &mut juliet).await, Fate::Refused);
    faults.mend();
    assert_eq!(said(&stage, &mut romeo, &mut juliet).await, Fate::Delivered);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_stored_is_not_acknowledged() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let (mut juliet, mut romeo) = both(&stage).await;
    assert_eq!(set(&mut juliet, "<rule><body>Ho</body></rule>").await, None);
    faults.on(Calls::Writes).within("filter").fail(ErrorKind::Full);
    for rules in ["<rule/>", ""] {
        assert_eq!(set(&mut juliet, rules).await, Some(Cause::ResourceConstraint), "{rules}");
    }
    // Those before are still the rules.
    assert_eq!(said(&stage, &mut romeo, &mut juliet).await, Fate::Delivered);
    juliet.send("<iq type='get' id='3'><query xmlns='jabber:iq:filter'/></iq>").await;
    let rules = juliet.receive().await.to_string();
    assert!(rules.contains("<body>Ho</body>"), "{rules}");
    faults.mend();
    assert_eq!(set(&mut juliet, "<rule/>").await, None);
    assert_eq!(said(&stage, &mut romeo, &mut juliet).await, Fate::Dropped);
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &Stage| {
        let described = stage.server().describe(&Scope::Own);
        described.is_some_and(|it| it.features().any(|feature| feature == "jabber:iq:filter"))
    };
    assert!(told(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!told(&without));
    let mut juliet = without.login("juliet@capulet.example/balcony").await;
    assert_eq!(set(&mut juliet, "<rule/>").await, Some(Cause::ServiceUnavailable));
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "filter"), "{spaces:?}");
}
