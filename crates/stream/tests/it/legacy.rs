//! Streams older than XMPP 1.0, and IQs of strangers (XEP-0077, XEP-0078).

use sestina_stream::TlsOffer;

use crate::server::Setup;
use crate::transcript::check;

fn setup() -> Setup {
    let mut setup = Setup::clear(TlsOffer::Absent);
    setup.domain.legacy_streams = true;
    setup
}

const OPENED: &str = "C: <stream:stream to='capulet.example' xmlns='jabber:client'_
        xmlns:stream='http://etherx.jabber.org/streams'>
     S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
        xmlns:stream='http://etherx.jabber.org/streams' id='ID 1' from='capulet.example'_
        xml:lang='en'>";

#[test]
fn no_version_and_no_features() {
    check(
        setup,
        &format!(
            "{OPENED}
             C: <iq type='set' id='a1'><query xmlns='jabber:iq:auth'>
                <resource>balcony</resource></query></iq>
             S: <iq id='a1' type='result'/>
             * established juliet@capulet.example/balcony legacy"
        ),
    );
}

#[test]
fn a_newer_stream_is_as_ever() {
    check(
        setup,
        "C: HEADER
         S: HEADER 1<stream:features></stream:features>
         C: </stream:stream>
         S: </stream:stream>
         * closed",
    );
}

#[test]
fn what_came_with_features_is_not_spoken() {
    for element in [
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>",
        "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'/>",
    ] {
        check(
            setup,
            &format!(
                "{OPENED}
                 C: {element}
                 S: ERROR(unsupported-stanza-type)</stream:stream>
                 * closed"
            ),
        );
    }
}

#[test]
fn failures_are_counted_here_too() {
    let guess = "<iq type='set' id='a1'><query xmlns='jabber:iq:auth'/></iq>";
    let failure = "<iq id='a1' type='error'><error code='401' type='auth'>\
        <not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
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
fn a_stranger_registers() {
    check(
        || Setup::clear(TlsOffer::Absent),
        "C: HEADER
         S: HEADER 1<stream:features></stream:features>
         C: <iq type='get' id='r1' to='capulet.example' from='romeo@capulet.example/orchard'>
            <query xmlns='jabber:iq:register'/></iq>
         S: <iq from='capulet.example' id='r1' type='result'/>
         C: <iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>
         S: ERROR(not-authorized)</stream:stream>
         * closed",
    );
}

#[test]
fn a_garbled_request_is_answered() {
    check(
        || Setup::clear(TlsOffer::Absent),
        "C: HEADER
         S: HEADER 1<stream:features></stream:features>
         C: <iq type='obtain' id='r1'><query xmlns='jabber:iq:register'/></iq>
         S: <iq id='r1' type='error'><error code='400' type='modify'>
            <bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
            <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>There is no IQ of this type.</text>
            </error></iq>
         C: </stream:stream>
         S: </stream:stream>
         * closed",
    );
}
