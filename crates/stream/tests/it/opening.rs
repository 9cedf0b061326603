//! Stream headers, and what is wrong with them (RFC 6120 §4.7, §4.9).

use sestina_sasl::Clear;
use sestina_stream::{Limits, TlsOffer};

use crate::server::Setup;
use crate::transcript::check;

/// A stream that ends with this error, in the name of the server.
#[track_caller]
fn refused(header: &str, error: &str) {
    refused_by(Setup::secure, header, "capulet.example", error);
}

#[track_caller]
fn refused_by(setup: impl Fn() -> Setup, header: &str, from: &str, error: &str) {
    let reply = format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams' id='ID 1' from='{from}' version='1.0' \
         xml:lang='en'>"
    );
    check(setup, &format!("C: {header}\nS: {reply}ERROR({error})</stream:stream>\n* closed"));
}

fn default_domain() -> Setup {
    Setup { default_domain: true, ..Setup::secure() }
}

fn header(attributes: &str) -> String {
    format!(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
         {attributes}>"
    )
}

#[test]
fn a_header_is_answered_with_a_header_and_features() {
    check(
        Setup::secure,
        "C: HEADER
         S: HEADER 1
            <stream:features>
            <authentication xmlns='urn:xmpp:sasl:2'><mechanism>PASSPHRASE</mechanism>
            <inline><bind xmlns='urn:xmpp:bind:0'/></inline></authentication>
            <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
            <mechanism>PASSPHRASE</mechanism></mechanisms>
            </stream:features>
         C: </stream:stream>
         S: </stream:stream>
         * closed",
    );
}

#[test]
fn the_claimed_address_and_nothing_more_is_echoed() {
    let setup = || Setup::clear(TlsOffer::Absent);
    let attributes =
        "to='capulet.example' from='Juliet@capulet.example' version='1.9' xml:lang='de'";
    check(
        setup,
        &format!(
            "C: {}
             S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
                xmlns:stream='http://etherx.jabber.org/streams' id='ID 1' from='capulet.example'_
                to='juliet@capulet.example' version='1.0' xml:lang='en'><stream:features>
                </stream:features>
             C: </stream:stream>
             S: </stream:stream>
             * closed",
            header(attributes)
        ),
    );
}

#[test]
fn a_default_domain_answers_to_no_name() {
    let setup = || {
        let mut setup = default_domain();
        setup.connection = crate::server::clear();
        setup
    };
    check(
        setup,
        &format!(
            "C: {}
             S: HEADER 1<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
                </stream:features>
             C: </stream:stream>
             S: </stream:stream>
             * closed",
            header("version='1.0'")
        ),
    );
}

#[test]
fn a_domain_has_one_name_in_many_spellings() {
    for to in ["Capulet.Example", "capulet.example."] {
        check(
            || Setup::clear(TlsOffer::Absent),
            &format!(
                "C: {}
                 S: HEADER 1<stream:features></stream:features>",
                header(&format!("to='{to}' version='1.0'"))
            ),
        );
    }
}

#[test]
fn unknown_hosts() {
    let unknown = "host-unknown: not a domain of this server";
    // RFC 6120 §4.9.1.3: a name that is ours, or none.
    refused_by(Setup::secure, &header("to='montague.example' version='1.0'"), "", unknown);
    refused_by(Setup::secure, &header("version='1.0'"), "", unknown);
    let to = header("to='montague.example' version='1.0'");
    refused_by(default_domain, &to, "capulet.example", unknown);
    refused_by(Setup::secure, &header("to='a@capulet.example' version='1.0'"), "", unknown);
    refused_by(Setup::secure, &header("to='&lt;&amp;&apos;' version='1.0'"), "", unknown);
}

#[test]
fn wrong_namespaces() {
    refused(
        "<stream:stream to='capulet.example' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/stream'>",
        "invalid-namespace: not the namespace of streams",
    );
    refused(
        "<stream:stream to='capulet.example' version='1.0' xmlns='jabber:server' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
        "invalid-namespace: not the namespace of clients",
    );
    refused(
        "<stream:stream to='capulet.example' version='1.0' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
        "invalid-namespace: not the namespace of clients",
    );
    refused(
        "<stream:features to='capulet.example' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
        "bad-format: not a stream header",
    );
}

#[test]
fn wrong_versions() {
    let older = "unsupported-version: XMPP 1.0 is spoken here";
    refused(&header("to='capulet.example'"), older);
    refused(&header("to='capulet.example' version='0.9'"), older);
    let garbled = "unsupported-version: not a version number";
    refused(&header("to='capulet.example' version='one'"), garbled);
    refused(&header("to='capulet.example' version=''"), garbled);
}

#[test]
fn wrong_addresses() {
    let to = "to='capulet.example' version='1.0'";
    refused(&header(&format!("{to} from='@'")), "invalid-from: not an address");
    refused(
        &header(&format!("{to} from='romeo@montague.example'")),
        "invalid-from: not an address at this domain",
    );
}

#[test]
fn what_is_not_xml() {
    refused_by(Setup::secure, "nonsense", "", "not-well-formed: not well-formed");
    refused_by(
        default_domain,
        "<!DOCTYPE x>",
        "capulet.example",
        "restricted-xml: XML feature that streams forbid",
    );
    refused_by(
        default_domain,
        "<stream:stream>",
        "capulet.example",
        "bad-namespace-prefix: undeclared namespace prefix",
    );
}

#[test]
fn what_is_not_xml_later() {
    let setup = || Setup::clear(TlsOffer::Absent);
    for (text, error) in [
        ("<a></b>", "not-well-formed: not well-formed"),
        ("<!-- psst -->", "restricted-xml: XML feature that streams forbid"),
        ("<?php ?>", "restricted-xml: XML feature that streams forbid"),
        ("<a>&nbsp;</a>", "restricted-xml: XML feature that streams forbid"),
        ("<x:a/>", "bad-namespace-prefix: undeclared namespace prefix"),
        ("psst", "bad-format: text between the elements of the stream"),
    ] {
        check(
            setup,
            &format!(
                "C: HEADER
                 S: HEADER 1<stream:features></stream:features>
                 C: {text}
                 S: ERROR({error})</stream:stream>
                 * closed"
            ),
        );
    }
}

#[test]
fn what_is_no_part_of_negotiation() {
    let setup = || Setup::clear(TlsOffer::Absent).policy(Clear::Never);
    for (text, error) in [
        ("<message to='romeo@montague.example'/>", "not-authorized"),
        ("<presence/>", "not-authorized"),
        ("<iq type='result' id='1'/>", "not-authorized"),
        ("<whisper/>", "unsupported-stanza-type"),
        ("<message xmlns='jabber:server'/>", "unsupported-stanza-type"),
        ("<stream:features/>", "unsupported-stanza-type"),
        ("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "unsupported-stanza-type"),
        ("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "unsupported-stanza-type"),
        ("<success xmlns='urn:xmpp:sasl:2'/>", "unsupported-stanza-type"),
    ] {
        check(
            setup,
            &format!(
                "C: HEADER
                 S: HEADER 1<stream:features></stream:features>
                 C: {text}
                 S: ERROR({error})</stream:stream>
                 * closed"
            ),
        );
    }
}

#[test]
fn the_clients_error_ends_the_stream() {
    check(
        || Setup::clear(TlsOffer::Absent),
        "C: HEADER
         S: HEADER 1<stream:features></stream:features>
         C: <stream:error><bad-format xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>
         S: </stream:stream>
         * closed",
    );
}

#[test]
fn negotiation_is_bounded() {
    let setup = || {
        let mut setup = Setup::secure();
        setup.domain.attempts = u8::MAX;
        setup.limits = Limits { elements: 2, ..Limits::default() };
        setup.connection = crate::server::clear();
        setup.domain.tls = TlsOffer::Absent;
        setup
    };
    let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><aborted/></failure>";
    check(
        setup,
        &format!(
            "C: HEADER
             S: HEADER 1<stream:features></stream:features>
             C: <abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
             S: {failure}
             C: <abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
             S: {failure}
             C: <abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
             S: ERROR(policy-violation: negotiation takes too long)</stream:stream>
             * closed"
        ),
    );
}

#[test]
fn time_runs_out() {
    check(
        Setup::secure,
        "* times out
         S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
            xmlns:stream='http://etherx.jabber.org/streams' id='ID 1' from='' version='1.0'_
            xml:lang='en'>ERROR(connection-timeout)</stream:stream>
         * closed",
    );
    check(
        || Setup::clear(TlsOffer::Absent),
        "C: HEADER
         S: HEADER 1<stream:features></stream:features>
         * times out
         S: ERROR(connection-timeout)</stream:stream>
         * closed",
    );
}

#[test]
fn the_server_shuts_down() {
    check(
        || Setup::clear(TlsOffer::Absent),
        "C: HEADER
         S: HEADER 1<stream:features></stream:features>
         * shuts down
         S: ERROR(system-shutdown)</stream:stream>
         * closed",
    );
}
