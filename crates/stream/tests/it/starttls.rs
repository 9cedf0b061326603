//! STARTTLS (RFC 6120 §5).

use sestina_sasl::Clear;
use sestina_stream::TlsOffer;

use crate::server::Setup;
use crate::transcript::check;

/// What is offered over TLS.
const SECURE: &str = "<stream:features>\
    <authentication xmlns='urn:xmpp:sasl:2'><mechanism>PASSPHRASE</mechanism>\
    <inline><bind xmlns='urn:xmpp:bind:0'/></inline></authentication>\
    <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PASSPHRASE</mechanism>\
    </mechanisms></stream:features>";

#[test]
fn nothing_is_offered_before_tls_is() {
    check(
        || Setup::clear(TlsOffer::Required).policy(Clear::Always),
        &format!(
            "C: HEADER
             S: HEADER 1<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>
                <required/></starttls></stream:features>
             C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
             S: <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
             * starttls
             C: HEADER
             S: HEADER 2{SECURE}
             C: </stream:stream>
             S: </stream:stream>
             * closed"
        ),
    );
}

#[test]
fn by_setting_mechanisms_stand_beside_it() {
    check(
        || Setup::clear(TlsOffer::Offered).policy(Clear::Always),
        "C: HEADER
         S: HEADER 1<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
            <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
            <mechanism>PASSPHRASE</mechanism></mechanisms></stream:features>
         C: </stream:stream>
         S: </stream:stream>
         * closed",
    );
}

#[test]
fn tls_is_refused_where_there_is_none() {
    check(
        || Setup::clear(TlsOffer::Absent),
        "C: HEADER
         S: HEADER 1<stream:features></stream:features>
         C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
         S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>
         * closed",
    );
}

#[test]
fn tls_is_refused_within_tls() {
    check(
        Setup::secure,
        &format!(
            "C: HEADER
             S: HEADER 1{SECURE}
             C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
             S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>
             * closed"
        ),
    );
}

#[test]
fn what_needs_tls_says_so() {
    let setup = || Setup::clear(TlsOffer::Required).policy(Clear::Always);
    let opened = "C: HEADER
        S: HEADER 1<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>
            <required/></starttls></stream:features>";
    check(
        setup,
        &format!(
            "{opened}
             C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>
             S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>
             C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'/>
             S: <failure xmlns='urn:xmpp:sasl:2'>
                <encryption-required xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>
             C: <iq type='get' id='r1'><query xmlns='jabber:iq:register'/></iq>
             S: ERROR(policy-violation: TLS comes first)</stream:stream>
             * closed"
        ),
    );
}

#[test]
fn nothing_is_written_into_a_handshake() {
    use sestina_stream::{ClientStream, Event, Step};
    use sestina_xml::{Limits, StreamParser};

    let (server, connection) = Setup::clear(TlsOffer::Required).server();
    let mut stream = ClientStream::new(server, connection);
    let mut parser = StreamParser::new(Limits::unauthenticated());
    let script =
        format!("{}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", crate::transcript::HEADER);
    let mut input = script.as_bytes();
    let mut sent = Vec::new();
    let mut last = Step::Read;
    while let Some(frame) = parser.next(&mut input).unwrap() {
        last = stream.handle(Event::Frame(frame), &mut sent);
    }
    assert!(matches!(last, Step::StartTls));
    sent.clear();
    assert!(matches!(stream.handle(Event::TimedOut, &mut sent), Step::Close));
    assert!(sent.is_empty());
}
