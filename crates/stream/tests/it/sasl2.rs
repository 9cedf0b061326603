//! SASL2 (XEP-0388) with Bind 2 (XEP-0386).

use sestina_sasl::{AnonymousOffer, PlainOffer};
use sestina_stream::{Limits, Slot, TlsOffer};

use crate::features::{Greeting, Past, Quiet, Token};
use crate::server::Setup;
use crate::transcript::check;

const OPENED: &str = "C: HEADER
    S: HEADER 1<stream:features>
        <authentication xmlns='urn:xmpp:sasl:2'><mechanism>PASSPHRASE</mechanism>
        <inline><bind xmlns='urn:xmpp:bind:0'/></inline></authentication>
        <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
        <mechanism>PASSPHRASE</mechanism></mechanisms></stream:features>";

const AUTHENTICATED: &str = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>\
    <session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session></stream:features>";

#[test]
fn without_anything_inline() {
    check(
        Setup::secure,
        &format!(
            "{OPENED}
             C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'/>
             S: <challenge xmlns='urn:xmpp:sasl:2'>b64(who?)</challenge>
             C: <response xmlns='urn:xmpp:sasl:2'>b64(juliet=open)</response>
             S: <success xmlns='urn:xmpp:sasl:2'>
                <additional-data>b64(come in)</additional-data>
                <authorization-identifier>juliet@capulet.example</authorization-identifier>
                </success>{AUTHENTICATED}
             C: <iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
                <resource>balcony</resource></bind></iq>
             S: <iq id='b1' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
                <jid>juliet@capulet.example/balcony</jid></bind></iq>
             * established juliet@capulet.example/balcony by=PASSPHRASE"
        ),
    );
}

#[test]
fn a_resource_is_bound_with_it() {
    for (tag, resource) in [
        ("<tag>Verona</tag>", "Verona/NAME 2"),
        ("", "NAME 2"),
        ("<tag/>", "NAME 2"),
        ("<tag>\u{FFFE}</tag>".replace('\u{FFFE}', &"x".repeat(129)).as_str(), "NAME 2"),
    ] {
        check(
            Setup::secure,
            &format!(
                "{OPENED}
                 C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>
                    <initial-response>b64(juliet=open)</initial-response>
                    <user-agent id='D4565FA7-4d72-4749-b3d3-740edbf87770'>
                    <software>Nightingale</software><device>Lark</device></user-agent>
                    <bind xmlns='urn:xmpp:bind:0'>{tag}</bind></authenticate>
                 S: <success xmlns='urn:xmpp:sasl:2'>
                    <additional-data>b64(come in)</additional-data>
                    <authorization-identifier>juliet@capulet.example/{resource}
                    </authorization-identifier>
                    <bound xmlns='urn:xmpp:bind:0'/></success><stream:features></stream:features>
                 * established juliet@capulet.example/{resource} by=PASSPHRASE_
                    d4565fa7-4d72-4749-b3d3-740edbf87770 Nightingale Lark"
            ),
        );
    }
}

#[test]
fn texts_about_the_client_are_cut() {
    let setup = || {
        let mut setup = Setup::secure();
        setup.limits = Limits { user_agent_bytes: 4, ..Limits::default() };
        setup
    };
    check(
        setup,
        &format!(
            "{OPENED}
             C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>
                <initial-response>b64(juliet=open)</initial-response>
                <user-agent id='me'><device>Larché</device></user-agent>
                <bind xmlns='urn:xmpp:bind:0'/></authenticate>
             S: <success xmlns='urn:xmpp:sasl:2'>
                <additional-data>b64(come in)</additional-data>
                <authorization-identifier>juliet@capulet.example/NAME 2
                </authorization-identifier>
                <bound xmlns='urn:xmpp:bind:0'/></success><stream:features></stream:features>
             * established juliet@capulet.example/NAME 2 by=PASSPHRASE Larc"
        ),
    );
}

#[test]
fn features_inline() {
    let setup = || {
        Setup::secure()
            .feature(Greeting(Slot::Authentication))
            .feature(Greeting(Slot::Binding))
            .feature(Greeting(Slot::Stream))
    };
    check(
        setup,
        "C: HEADER
         S: HEADER 1<stream:features>
            <authentication xmlns='urn:xmpp:sasl:2'><mechanism>PASSPHRASE</mechanism>
            <inline><greet xmlns='urn:example:greeting'/>
            <bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:example:greeting'/></inline>
            </bind></inline></authentication>
            <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
            <mechanism>PASSPHRASE</mechanism></mechanisms>
            <greet xmlns='urn:example:greeting'/></stream:features>
         C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>
            <initial-response>b64(juliet=open)</initial-response>
            <greet xmlns='urn:example:greeting'/><unknown xmlns='urn:example:other'/>
            <bind xmlns='urn:xmpp:bind:0'><enable xmlns='urn:example:greeting'/>
            <enable xmlns='urn:example:other'/></bind></authenticate>
         S: <success xmlns='urn:xmpp:sasl:2'>
            <additional-data>b64(come in)</additional-data>
            <authorization-identifier>juliet@capulet.example/NAME 2</authorization-identifier>
            <greeting xmlns='urn:example:greeting'>juliet@capulet.example</greeting>
            <bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:example:greeting'/></bound>
            </success><stream:features><greet xmlns='urn:example:greeting'/></stream:features>
         * established juliet@capulet.example/NAME 2 by=PASSPHRASE",
    );
}

#[test]
fn a_session_that_comes_back_needs_no_resource() {
    let heard = check(
        || Setup::secure().feature(Past(Slot::Authentication)),
        "C: HEADER
         S: HEADER 1<stream:features>
            <authentication xmlns='urn:xmpp:sasl:2'><mechanism>PASSPHRASE</mechanism>
            <inline><past xmlns='urn:example:past'/><bind xmlns='urn:xmpp:bind:0'/></inline>
            </authentication>
            <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
            <mechanism>PASSPHRASE</mechanism></mechanisms></stream:features>
         C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>
            <initial-response>b64(juliet=open)</initial-response>
            <bind xmlns='urn:xmpp:bind:0'/><resume xmlns='urn:example:past'/></authenticate>
         S: <success xmlns='urn:xmpp:sasl:2'>
            <additional-data>b64(come in)</additional-data>
            <authorization-identifier>juliet@capulet.example/balcony</authorization-identifier>
            <resumed xmlns='urn:example:past'/></success><stream:features></stream:features>
         * established juliet@capulet.example/balcony by=PASSPHRASE resumed",
    );
    assert_eq!(heard, ["PASSPHRASE juliet juliet@capulet.example"]);
}

#[test]
fn what_was_not_offered_is_passed_over() {
    check(
        || Setup::secure().feature(Quiet),
        &format!(
            "{OPENED}
             C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>
                <initial-response>b64(juliet=open)</initial-response>
                <greet xmlns='urn:example:greeting'/></authenticate>
             S: <success xmlns='urn:xmpp:sasl:2'>
                <additional-data>b64(come in)</additional-data>
                <authorization-identifier>juliet@capulet.example</authorization-identifier>
                </success>{AUTHENTICATED}"
        ),
    );
}

#[test]
fn what_a_failed_attempt_said_is_forgotten() {
    check(
        Setup::secure,
        &format!(
            "{OPENED}
             C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>
                <initial-response>b64(juliet=sesame)</initial-response>
                <user-agent><device>Lark</device></user-agent></authenticate>
             S: <failure xmlns='urn:xmpp:sasl:2'>
                <not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>
             C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'>
                b64(juliet=open)</auth>
             S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>b64(come in)</success>
             C: HEADER
             S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
                xmlns:stream='http://etherx.jabber.org/streams' id='ID 2' from='capulet.example'_
                to='juliet@capulet.example' version='1.0' xml:lang='en'>{AUTHENTICATED}
             C: <iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
             S: <iq id='b1' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
                <jid>juliet@capulet.example/NAME 3</jid></bind></iq>
             * established juliet@capulet.example/NAME 3 by=PASSPHRASE"
        ),
    );
}

#[test]
fn a_feature_brings_its_own_mechanism() {
    let opened = OPENED.replace(
        "<inline>",
        "<inline><token xmlns='urn:example:token'><mechanism>TOKEN</mechanism></token>",
    );
    let ask = |agent: &str, token: &str| {
        format!(
            "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='TOKEN'>
             <initial-response>b64(juliet=open)</initial-response>{agent}{token}</authenticate>"
        )
    };
    let agent = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>";
    let token = "<token xmlns='urn:example:token' count='1'/>";
    let failure = "<failure xmlns='urn:xmpp:sasl:2'>\
        <invalid-mechanism xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>";
    check(
        || Setup::secure().feature(Token),
        &format!(
            "{opened}
             C: {}
             S: {failure}
             C: {}
             S: {failure}
             C: {}
             S: <success xmlns='urn:xmpp:sasl:2'>
                <additional-data>b64(come in)</additional-data>
                <authorization-identifier>juliet@capulet.example</authorization-identifier>
                </success>{AUTHENTICATED}",
            ask(agent, ""),
            ask("", token),
            ask(agent, token),
        ),
    );
}

#[test]
fn failures_leave_the_stream_as_it_was() {
    let attempts = check(
        || {
            let mut setup = Setup::secure().feature(Past(Slot::Authentication));
            setup.domain.attempts = 20;
            setup
        },
        &[
            (" mechanism='SCRAM-SHA-0'/>", "invalid-mechanism"),
            ("/>", "invalid-mechanism"),
            (
                " mechanism='PASSPHRASE'><initial-response>?</initial-response></authenticate>",
                "incorrect-encoding",
            ),
            (" mechanism='PASSPHRASE'><initial-response/></authenticate>", "malformed-request"),
            (
                " mechanism='PASSPHRASE'><initial-response>b64(juliet=sesame)</initial-response>\
                 <bind xmlns='urn:xmpp:bind:0'/><resume xmlns='urn:example:past'/></authenticate>",
                "not-authorized",
            ),
        ]
        .iter()
        .fold(
            OPENED.replace("<inline>", "<inline><past xmlns='urn:example:past'/>"),
            |script, (rest, condition)| {
                format!(
                    "{script}
                     C: <authenticate xmlns='urn:xmpp:sasl:2'{rest}
                     S: <failure xmlns='urn:xmpp:sasl:2'>
                        <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>"
                )
            },
        ),
    );
    assert_eq!(attempts.len(), 5);
}

#[test]
fn a_refused_resource_leaves_the_client_authenticated() {
    check(
        || Setup::secure().mechanism(AnonymousOffer).feature(Greeting(Slot::Binding)),
        "C: HEADER
         S: HEADER 1<stream:features>
            <authentication xmlns='urn:xmpp:sasl:2'><mechanism>PASSPHRASE</mechanism>
            <mechanism>ANONYMOUS</mechanism><inline>
            <bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:example:greeting'/></inline>
            </bind></inline></authentication>
            <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
            <mechanism>PASSPHRASE</mechanism><mechanism>ANONYMOUS</mechanism></mechanisms>
            </stream:features>
         C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='ANONYMOUS'>
            <initial-response/><bind xmlns='urn:xmpp:bind:0'>
            <enable xmlns='urn:example:greeting' refuse='yes'/></bind></authenticate>
         S: <success xmlns='urn:xmpp:sasl:2'>
            <authorization-identifier>GUEST 2@capulet.example</authorization-identifier>
            </success><stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>
            <session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>
            </stream:features>",
    );
}

#[test]
fn the_header_and_the_password_name_one_account() {
    let header = |from: &str| {
        format!(
            "C: <stream:stream xmlns='jabber:client' version='1.0' to='capulet.example'_
                xmlns:stream='http://etherx.jabber.org/streams' from='{from}@capulet.example'>
             S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
                xmlns:stream='http://etherx.jabber.org/streams' id='ID 1' from='capulet.example'_
                to='{from}@capulet.example' version='1.0' xml:lang='en'><stream:features>
                <authentication xmlns='urn:xmpp:sasl:2'><mechanism>PASSPHRASE</mechanism>
                <inline><bind xmlns='urn:xmpp:bind:0'/></inline></authentication>
                <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
                <mechanism>PASSPHRASE</mechanism></mechanisms></stream:features>
             C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>
                <initial-response>b64(juliet=open)</initial-response></authenticate>"
        )
    };
    check(
        Setup::secure,
        &format!(
            "{}
             S: <failure xmlns='urn:xmpp:sasl:2'>
                <invalid-authzid xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>",
            header("romeo")
        ),
    );
    // A guest's name is nobody's to choose.
    let guest = header("romeo")
        .replace("</mechanism>", "</mechanism><mechanism>ANONYMOUS</mechanism>")
        .replace("mechanism='PASSPHRASE'", "mechanism='ANONYMOUS'");
    check(
        || Setup::secure().mechanism(AnonymousOffer),
        &format!(
            "{guest}
             S: <success xmlns='urn:xmpp:sasl:2'>
                <authorization-identifier>GUEST 2@capulet.example</authorization-identifier>
                </success>{AUTHENTICATED}"
        ),
    );
    check(
        Setup::secure,
        &format!(
            "{}
             S: <success xmlns='urn:xmpp:sasl:2'>
                <additional-data>b64(come in)</additional-data>
                <authorization-identifier>juliet@capulet.example</authorization-identifier>
                </success>{AUTHENTICATED}",
            header("juliet")
        ),
    );
}

#[test]
fn what_is_out_of_place_ends_the_stream() {
    let progress = "C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'/>
        S: <challenge xmlns='urn:xmpp:sasl:2'>b64(who?)</challenge>";
    for (before, element, error) in [
        ("", "<response xmlns='urn:xmpp:sasl:2'/>", "no authentication is in progress"),
        ("", "<abort xmlns='urn:xmpp:sasl:2'/>", "no authentication is in progress"),
        (progress, "<presence/>", "an authentication is in progress"),
        (
            progress,
            "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
            "an authentication is in progress",
        ),
    ] {
        check(
            Setup::secure,
            &format!(
                "{OPENED}
                 {before}
                 C: {element}
                 S: ERROR(policy-violation: {error})</stream:stream>
                 * closed"
            ),
        );
    }
}

#[test]
fn an_exchange_can_be_aborted() {
    check(
        Setup::secure,
        &format!(
            "{OPENED}
             C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'/>
             S: <challenge xmlns='urn:xmpp:sasl:2'>b64(who?)</challenge>
             C: <abort xmlns='urn:xmpp:sasl:2'><text>never mind</text></abort>
             S: <failure xmlns='urn:xmpp:sasl:2'>
                <aborted xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>"
        ),
    );
}

#[test]
fn data_of_length_zero_is_no_text() {
    check(
        || Setup::secure().mechanism(PlainOffer::asking()),
        &format!(
            "{}
             C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>
             S: <challenge xmlns='urn:xmpp:sasl:2'/>
             C: <response xmlns='urn:xmpp:sasl:2'/>
             S: <failure xmlns='urn:xmpp:sasl:2'>
                <malformed-request xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>",
            OPENED.replace(
                "<mechanism>PASSPHRASE</mechanism>",
                "<mechanism>PASSPHRASE</mechanism><mechanism>PLAIN</mechanism>"
            )
        ),
    );
}

#[test]
fn never_without_tls() {
    check(
        || Setup::clear(TlsOffer::Absent).policy(sestina_sasl::Clear::Always),
        "C: HEADER
         S: HEADER 1<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
            <mechanism>PASSPHRASE</mechanism></mechanisms></stream:features>
         C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'/>
         S: <failure xmlns='urn:xmpp:sasl:2'>
            <encryption-required xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>",
    );
}
