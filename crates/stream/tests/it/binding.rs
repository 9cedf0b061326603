//! Resource binding (RFC 6120 §7).

use sestina_sasl::Clear;
use sestina_stream::TlsOffer;

use crate::authentication::authenticated;
use crate::server::Setup;
use crate::transcript::check;

fn setup() -> Setup {
    Setup::clear(TlsOffer::Absent).policy(Clear::Always)
}

#[track_caller]
fn continued(script: &str) {
    check(setup, &format!("{}\n{script}", authenticated()));
}

#[test]
fn the_clients_resource() {
    continued(
        "C: <iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
            <resource>balcony</resource></bind></iq>
         S: <iq id='b1' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
            <jid>juliet@capulet.example/balcony</jid></bind></iq>
         * established juliet@capulet.example/balcony by=PASSPHRASE",
    );
}

#[test]
fn the_servers_resource() {
    for bind in [
        "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>",
        "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><required/></bind>",
        "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource/></bind>",
    ] {
        continued(&format!(
            "C: <iq type='set' id='b1' from='juliet@capulet.example'>{bind}</iq>
             S: <iq id='b1' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
                <jid>juliet@capulet.example/NAME 3</jid></bind></iq>
             * established juliet@capulet.example/NAME 3 by=PASSPHRASE"
        ));
    }
}

#[test]
fn the_language_of_the_header_is_kept() {
    let script = authenticated().replacen(
        "C: HEADER",
        "C: <stream:stream xmlns='jabber:client' version='1.0' to='capulet.example'_
            xmlns:stream='http://etherx.jabber.org/streams' xml:lang='it'>",
        2,
    );
    check(
        setup,
        &format!(
            "{script}
             C: <iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
                <resource>balcony</resource></bind></iq>
             S: <iq id='b1' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
                <jid>juliet@capulet.example/balcony</jid></bind></iq>
             * established juliet@capulet.example/balcony lang=it by=PASSPHRASE"
        ),
    );
}

#[test]
fn a_refused_resource_can_be_followed_by_another() {
    let long = "x".repeat(1024);
    let stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
    let ask = |resource: &str| {
        format!(
            "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>{resource}</resource></bind></iq>"
        )
    };
    continued(&format!(
        "C: {taken}
         S: <iq id='b1' type='error'><error code='409' type='cancel'>
            <conflict xmlns='{stanzas}'/></error></iq>
         C: {full}
         S: <iq id='b1' type='error'><error code='500' type='wait'>
            <resource-constraint xmlns='{stanzas}'/></error></iq>
         C: {long}
         S: <iq id='b1' type='error'><error code='400' type='modify'>
            <bad-request xmlns='{stanzas}'/></error></iq>
         C: <iq type='get' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
         S: <iq id='b1' type='error'><error code='400' type='modify'>
            <bad-request xmlns='{stanzas}'/></error></iq>
         C: {free}
         S: <iq id='b1' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
            <jid>juliet@capulet.example/balcony</jid></bind></iq>
         * established juliet@capulet.example/balcony by=PASSPHRASE",
        taken = ask("taken"),
        full = ask("full"),
        long = ask(&long),
        free = ask("balcony"),
    ));
}

#[test]
fn nothing_else_comes_before() {
    let session = "<iq type='set' id='s1'>\
        <session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>";
    let ping = "<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>";
    for stanza in [session, ping, "<presence/>", "<message/>", "<iq type='error' id='e1'/>"] {
        continued(&format!(
            "C: {stanza}
             S: ERROR(not-authorized)</stream:stream>
             * closed"
        ));
    }
}

#[test]
fn nobody_binds_for_another() {
    continued(
        "C: <iq type='set' id='b1' from='romeo@capulet.example'>
            <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
         S: ERROR(invalid-from)</stream:stream>
         * closed",
    );
}

#[test]
fn nobody_binds_before_authentication() {
    for payload in [
        "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>",
        "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>",
    ] {
        check(
            || Setup::clear(TlsOffer::Absent),
            &format!(
                "C: HEADER
                 S: HEADER 1<stream:features></stream:features>
                 C: <iq type='set' id='b1'>{payload}</iq>
                 S: ERROR(not-authorized)</stream:stream>
                 * closed"
            ),
        );
    }
}
