use sestina_foreign::{Account, Secret, Unreadable, adapt, secret};
use sestina_sasl::encode_base64;
use sestina_xml::{Element, Limits};

use crate::{lines, shown};

fn adapted(element: &str) -> Account {
    let element = Element::parse(element, &Limits::default()).unwrap();
    adapt(&"juliet@capulet.example".parse().unwrap(), &element).unwrap()
}

#[test]
fn a_password_may_be_a_verifier() {
    let shown = |password| match secret(password) {
        Ok(Secret::Plain(password)) => password.to_string(),
        Ok(Secret::Verifier(element)) => element.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown("rose"), "rose");
    assert_eq!(shown("scram"), "scram");
    let verifier = |hash: &str| {
        format!(
            "<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='{hash}'>\
             <iter-count>4096</iter-count><salt>c2FsdA==</salt>\
             <server-key>c2VydmVy</server-key><stored-key>c3RvcmVk</stored-key></scram-credentials>",
        )
    };
    assert_eq!(shown("scram:c3RvcmVk,c2VydmVy,c2FsdA==,4096"), verifier("SCRAM-SHA-1"));
    assert_eq!(shown("scram:sha256,c3RvcmVk,c2VydmVy,c2FsdA==,4096"), verifier("SCRAM-SHA-256"));
    assert_eq!(shown("scram:sha512,c3RvcmVk,c2VydmVy,c2FsdA==,4096"), verifier("SCRAM-SHA-512"));
    for wrong in ["scram:", "scram:a,b,c", "scram:md5,a,b,c,1", "scram:sha256,a,b,c,1,2"] {
        assert_eq!(secret(wrong).unwrap_err(), Unreadable::Secret, "{wrong}");
    }
}

#[test]
fn a_verifier_may_be_encoded_twice() {
    let verifier = |[salt, server, stored]: [&str; 3]| {
        format!(
            "<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'>\
             <iter-count>4096</iter-count><salt>{salt}</salt><server-key>{server}</server-key>\
             <stored-key>{stored}</stored-key></scram-credentials>",
        )
    };
    let once = [[7; 16].as_slice(), &[8; 20], &[9; 20]].map(encode_base64);
    let twice = once.each_ref().map(|text| encode_base64(text.as_bytes()));
    let once = verifier(once.each_ref().map(String::as_str));
    let twice = verifier(twice.each_ref().map(String::as_str));
    assert_eq!(shown(&adapted(&twice)), lines([&once]));
    assert_eq!(shown(&adapted(&once)), lines([&once]));
    // What is no verifier is refused by whoever takes it, in the same words as ever.
    let none = verifier(["c2FsdA==", "c2VydmVy", "c3RvcmVk"]);
    assert_eq!(shown(&adapted(&none)), lines([&none]));
}

#[test]
fn a_secret_is_not_shown() {
    assert_eq!(format!("{:?}", secret("rose").unwrap()), "Plain(…)");
}

#[test]
fn stanzas_that_do_not_say_their_namespace() {
    let request = "<presence xmlns='urn:xmpp:pie:0' from='romeo@montague.example' type='subscribe'>\
         <status>Hark</status></presence>";
    assert_eq!(
        shown(&adapted(request)),
        lines([&request.replace("urn:xmpp:pie:0", "jabber:client")])
    );
    let messages = "<offline-messages xmlns='urn:xmpp:pie:0'>\
         <message from='romeo@montague.example' to='juliet@capulet.example'><body>Hark</body></message>\
         <iq from='romeo@montague.example' type='get' id='1'/></offline-messages>";
    assert_eq!(
        shown(&adapted(messages)),
        lines([
            "<offline-messages xmlns='urn:xmpp:pie:0'><message xmlns='jabber:client' \
             from='romeo@montague.example' to='juliet@capulet.example'><body>Hark</body></message>\
             </offline-messages>",
            "left: <iq/> among the messages that wait",
        ]),
    );
}

#[test]
fn a_list_of_contacts_with_more_than_there_should_be() {
    let list = "<query xmlns='jabber:iq:roster' version='12'>\
         <item jid='romeo@montague.example' subscription='both'><group>Verona</group><group>Verona</group></item>\
         <item jid='tybalt@capulet.example' subscription='remove'/></query>";
    assert_eq!(
        shown(&adapted(list)),
        lines(["<query xmlns='jabber:iq:roster'><item jid='romeo@montague.example' \
             subscription='both'><group>Verona</group></item></query>"]),
    );
}

#[test]
fn everything_else_stays_as_it_is() {
    let card = "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>";
    assert_eq!(shown(&adapted(card)), lines([card]));
}
