//! SASL (RFC 6120 §6).

use sestina_sasl::{AnonymousOffer, Clear};
use sestina_stream::TlsOffer;

use crate::server::Setup;
use crate::transcript::check;

const OPENED: &str = "C: HEADER
    S: HEADER 1<stream:features>
        <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
        <mechanism>PASSPHRASE</mechanism></mechanisms></stream:features>";

const AUTHENTICATED: &str = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>\
    <session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session></stream:features>";

/// In the clear, so that there is less to be said about features.
fn setup() -> Setup {
    Setup::clear(TlsOffer::Absent).policy(Clear::Always)
}

#[test]
fn a_challenge_and_its_response() {
    let attempts = check(
        setup,
        &format!(
            "{OPENED}
             C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>
             S: <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(who?)</challenge>
             C: <response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(juliet=open)</response>
             S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(come in)</success>
             C: HEADER
             S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
                xmlns:stream='http://etherx.jabber.org/streams' id='ID 2' from='capulet.example'_
                to='juliet@capulet.example' version='1.0' xml:lang='en'>{AUTHENTICATED}
             C: </stream:stream>
             S: </stream:stream>
             * closed"
        ),
    );
    assert_eq!(attempts, ["PASSPHRASE juliet juliet@capulet.example"]);
}

#[test]
fn an_initial_response_saves_a_round_trip() {
    check(
        setup,
        &format!(
            "{OPENED}
             C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'>
                b64(juliet=open)</auth>
             S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(come in)</success>"
        ),
    );
}

#[test]
fn every_failure_has_a_condition() {
    let attempts = check(
        || {
            let mut setup = setup();
            setup.domain.attempts = 20;
            setup
        },
        &[
            ("<auth MECHANISM='SCRAM-SHA-0'/>", "invalid-mechanism"),
            ("<auth/>", "invalid-mechanism"),
            ("<auth MECHANISM='passphrase'/>", "invalid-mechanism"),
            ("<auth MECHANISM='PASSPHRASE'>?</auth>", "incorrect-encoding"),
            ("<auth MECHANISM='PASSPHRASE'>b64(a) b64(b)</auth>", "incorrect-encoding"),
            ("<auth MECHANISM='PASSPHRASE'>=</auth>", "malformed-request"),
            ("<auth MECHANISM='PASSPHRASE'>b64(juliet)</auth>", "malformed-request"),
            ("<auth MECHANISM='PASSPHRASE'>b64(juliet=sesame)</auth>", "not-authorized"),
            ("<auth MECHANISM='PASSPHRASE'>b64(romeo=open)</auth>", "not-authorized"),
            ("<auth MECHANISM='PASSPHRASE'>b64(nurse=open)</auth>", "account-disabled"),
            ("<auth MECHANISM='PASSPHRASE'>b64(away=open)</auth>", "temporary-auth-failure"),
            ("<abort/>", "aborted"),
            ("<response>b64(juliet=open)</response>", "malformed-request"),
        ]
        .iter()
        .fold(OPENED.to_owned(), |script, (element, condition)| {
            let element = element.replace("MECHANISM", "mechanism");
            let end = element.find([' ', '>', '/']).unwrap();
            let (name, rest) = element.split_at(end);
            format!(
                "{script}
                 C: {name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'{rest}
                 S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><{condition}/></failure>"
            )
        }),
    );
    assert_eq!(attempts[0], "SCRAM-SHA-0 - invalid-mechanism");
    assert_eq!(attempts[7], "PASSPHRASE juliet not-authorized");
    assert_eq!(attempts.len(), 13);
}

#[test]
fn an_exchange_can_be_aborted() {
    check(
        setup,
        &format!(
            "{OPENED}
             C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>
             S: <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(who?)</challenge>
             C: <abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
             S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><aborted/></failure>
             C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>
             S: <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(who?)</challenge>
             C: <response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
             S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><malformed-request/></failure>"
        ),
    );
}

#[test]
fn attempts_are_counted() {
    let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>";
    let guess = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'>\
        b64(juliet=sesame)</auth>";
    check(
        setup,
        &format!(
            "{OPENED}
             C: {guess}
             S: {failure}
             C: {guess}
             S: {failure}
             C: {guess}
             S: {failure}
                ERROR(policy-violation: too many failed attempts to authenticate)</stream:stream>
             * closed"
        ),
    );
}

#[test]
fn an_exchange_is_not_interrupted() {
    for element in [
        "<message/>",
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>",
        "<response xmlns='urn:xmpp:sasl:2'/>",
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ] {
        check(
            setup,
            &format!(
                "{OPENED}
                 C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>
                 S: <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(who?)</challenge>
                 C: {element}
                 S: ERROR(policy-violation: an authentication is in progress)</stream:stream>
                 * closed"
            ),
        );
    }
}

#[test]
fn once_is_enough() {
    for element in [
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>",
        "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'/>",
    ] {
        check(
            setup,
            &format!(
                "{}
                 C: {element}
                 S: ERROR(policy-violation: you have authenticated already)</stream:stream>
                 * closed",
                authenticated()
            ),
        );
    }
}

/// A script that ends where a resource can be bound.
pub(crate) fn authenticated() -> String {
    format!(
        "{OPENED}
         C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'>
            b64(juliet=open)</auth>
         S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(come in)</success>
         C: HEADER
         S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
            xmlns:stream='http://etherx.jabber.org/streams' id='ID 2' from='capulet.example'_
            to='juliet@capulet.example' version='1.0' xml:lang='en'>{AUTHENTICATED}"
    )
}

#[test]
fn tls_comes_before_authentication_or_not_at_all() {
    let script = authenticated().replacen(
        "<stream:features>",
        "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        1,
    );
    check(
        || Setup::clear(TlsOffer::Offered).policy(Clear::Always),
        &format!(
            "{script}
             C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
             S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>
             * closed"
        ),
    );
}

#[test]
fn the_second_header_says_the_same() {
    let opened = format!(
        "{OPENED}
         C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'>
            b64(juliet=open)</auth>
         S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(come in)</success>"
    );
    for (attributes, from, error) in [
        (
            "to='capulet.example' from='romeo@capulet.example'",
            "capulet.example",
            "invalid-from: not whom you have authenticated as",
        ),
        ("to='montague.example'", "", "host-unknown: not a domain of this server"),
        (
            "to='verona.example'",
            "verona.example",
            "host-unknown: not the domain you have authenticated at",
        ),
    ] {
        check(
            setup,
            &format!(
                "{opened}
                 C: <stream:stream xmlns='jabber:client'_
                    xmlns:stream='http://etherx.jabber.org/streams' version='1.0' {attributes}>
                 S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
                    xmlns:stream='http://etherx.jabber.org/streams' id='ID 2' from='{from}'_
                    to='juliet@capulet.example' version='1.0' xml:lang='en'>ERROR({error})
                    </stream:stream>
                 * closed"
            ),
        );
    }
}

#[test]
fn a_header_may_name_the_machine_it_comes_from() {
    let header = "<stream:stream xmlns='jabber:client'_
        xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='capulet.example'_
        from='balcony.local'>";
    check(
        setup,
        &format!(
            "C: {header}
             S: HEADER 1<stream:features>
                <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
                <mechanism>PASSPHRASE</mechanism></mechanisms></stream:features>
             C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'>
                b64(juliet=open)</auth>
             S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(come in)</success>
             C: {header}
             S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
                xmlns:stream='http://etherx.jabber.org/streams' id='ID 2' from='capulet.example'_
                to='juliet@capulet.example' version='1.0' xml:lang='en'>{AUTHENTICATED}"
        ),
    );
}

#[test]
fn a_guest_gets_a_name_nobody_can_guess() {
    check(
        || setup().mechanism(AnonymousOffer),
        "C: HEADER
         S: HEADER 1<stream:features>
            <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PASSPHRASE</mechanism>
            <mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>
         C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>
         S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
         C: HEADER
         S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
            xmlns:stream='http://etherx.jabber.org/streams' id='ID 3' from='capulet.example'_
            to='GUEST 2@capulet.example' version='1.0' xml:lang='en'>
            <stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>
            <session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>
            </stream:features>
         C: <iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
         S: <iq id='b1' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
            <jid>GUEST 2@capulet.example/NAME 4</jid></bind></iq>
         * established GUEST 2@capulet.example/NAME 4 by=ANONYMOUS guest",
    );
}

/// A real exchange, with a client written by others.
#[test]
fn scram_with_a_client_of_others() {
    use sasl::client::Mechanism as _;
    use sasl::client::mechanisms::Scram;
    use sasl::common::scram::Sha256;
    use sasl::common::{ChannelBinding, Credentials};
    use sestina_sasl::BindingType;

    let setup = || {
        let mut setup = Setup::secure().standard();
        setup.connection = crate::server::tls().with_binding(BindingType::TlsExporter, vec![9; 32]);
        setup
    };
    let client = |word: &str| {
        let credentials = Credentials::default()
            .with_username("juliet")
            .with_password(word)
            .with_channel_binding(ChannelBinding::TlsExporter(vec![9; 32]));
        Scram::<Sha256>::from_credentials(credentials).unwrap()
    };
    let advert = "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>\
        <channel-binding type='tls-exporter'/></sasl-channel-binding>";
    let features = crate::transcript::dialogue(setup(), |_| None);
    assert!(features.contains(advert), "{features}");
    // XEP-0440 §3: only beside a mechanism that binds.
    let unbound = Setup { connection: setup().connection, ..Setup::secure() };
    let features = crate::transcript::dialogue(unbound, |_| None);
    assert!(!features.contains("sasl-channel-binding"), "{features}");
    for (word, outcome) in [(crate::server::PASSWORD, "success"), ("guess", "not-authorized")] {
        let mut client = client(word);
        let initial = client.initial();
        let mut turn = 0;
        let end = crate::transcript::dialogue(setup(), |sent| {
            turn += 1;
            match turn {
                1 => Some(("SCRAM-SHA-256-PLUS", initial.clone())),
                2 => Some(("", client.response(&challenge(sent)).unwrap())),
                _ => None,
            }
        });
        assert!(end.contains(outcome), "{end}");
        if outcome == "success" {
            client.success(&challenge(&end)).unwrap();
        }
    }
}

/// The data of the last element the server sent.
fn challenge(sent: &str) -> Vec<u8> {
    use base64::Engine as _;
    let text = sent.rsplit_once("</").unwrap().0.rsplit_once('>').unwrap().1;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
