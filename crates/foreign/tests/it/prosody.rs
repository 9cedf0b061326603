use proptest::prelude::*;
use sestina_foreign::{Account, Unreadable, prosody};

use crate::{lines, shown};

fn read(files: &[(&str, &str)]) -> Result<Account, Unreadable> {
    let mut read = prosody::Files::default();
    for (store, file) in files {
        assert!(read.add(store, file.as_bytes()), "{store}");
    }
    prosody::read(&"juliet@capulet.example".parse().unwrap(), &read)
}

#[test]
fn an_account_with_all_that_is_read() {
    let account = read(&[
        ("accounts", "return {\n\t[\"password\"] = \"where\\\"fore\";\n};\n"),
        (
            "roster",
            "return { [false] = { version = 7; pending = {
                [\"paris@verona.example\"] = { name = \"presence\"; attr = { type = \"subscribe\" };
                    { name = \"status\"; \"May I?\" } };
                [\"tybalt@capulet.example\"] = true } };
              [\"romeo@montague.example\"] = { subscription = \"both\"; name = \"Romeo\";
                groups = { [\"Friends\"] = true; [\"Verona\"] = true } };
              [\"nurse@capulet.example\"] = { [\"subscription\"] = \"none\"; [\"ask\"] = \"subscribe\"; groups = {} };
              [\"@nobody\"] = { subscription = \"none\" };
              [\"friar@verona.example\"] = 7; };",
        ),
        (
            "vcard",
            "return { [\"name\"] = \"vCard\"; [\"attr\"] = { [\"xmlns\"] = \"vcard-temp\"; [\"version\"] = \"3.0\" };
              [1] = { [\"name\"] = \"FN\"; [\"attr\"] = {}; [1] = \"J & R\" };
              [2] = { [\"name\"] = \"DESC\"; [\"attr\"] = { [\"xml:lang\"] = \"it\"; [\"urn:x\\1y\"] = \"z\" } } };",
        ),
        (
            "private",
            "return { [\"storage:storage:bookmarks\"] = { name = \"storage\"; attr = { xmlns = \"storage:bookmarks\" };
              { name = \"conference\"; attr = { jid = \"ball@rooms.capulet.example\" } } } };",
        ),
        (
            "offline",
            "item({ name = \"message\"; attr = { from = \"romeo@montague.example/orchard\"; type = \"chat\";
                to = \"juliet@capulet.example\"; stamp = \"2009-02-13T23:31:30Z\"; stamp_legacy = \"x\" };
                { name = \"body\"; attr = {}; \"Art thou there?\" } });
             item({ name = \"message\"; attr = { from = \"nurse@capulet.example\" }; when = 1234567890.5; key = \"k\";
                { name = \"body\"; attr = {}; \"Madam!\" } });
             item({ name = \"no name\" });\nitem(\"text\");\n",
        ),
    ])
    .unwrap();
    assert_eq!(
        shown(&account),
        lines([
            "password where\"fore",
            "<query xmlns='jabber:iq:roster'>\
             <item jid='nurse@capulet.example' subscription='none' ask='subscribe'/>\
             <item jid='romeo@montague.example' name='Romeo' subscription='both'>\
             <group>Friends</group><group>Verona</group></item></query>",
            "<presence xmlns='jabber:client' type='subscribe' from='paris@verona.example'>\
             <status>May I?</status></presence>",
            "<presence xmlns='jabber:client' type='subscribe' from='tybalt@capulet.example'/>",
            "<vCard xmlns='vcard-temp' version='3.0'><FN>J &amp; R</FN>\
             <DESC xml:lang='it' xmlns:a1='urn:x' a1:y='z'></DESC></vCard>",
            "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>\
             <conference jid='ball@rooms.capulet.example'></conference></storage></query>",
            "<offline-messages xmlns='urn:xmpp:pie:0'>\
             <message xmlns='jabber:client' to='juliet@capulet.example' \
             from='romeo@montague.example/orchard' type='chat'><body>Art thou there?</body>\
             <delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2009-02-13T23:31:30Z'></delay></message>\
             <message xmlns='jabber:client' from='nurse@capulet.example'><body>Madam!</body>\
             <delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2009-02-13T23:31:30.500Z'></delay></message>\
             </offline-messages>",
            "left: the contact \"friar@verona.example\", of whom nothing is said",
            "left: the contact \"@nobody\", which is no address",
            "left: a message that waits and cannot be read",
            "left: a message that waits and cannot be read",
        ]),
    );
}

#[test]
fn what_a_password_is_checked_with() {
    let kept = |stored: &str, more: &str| {
        let server = "0".repeat(stored.len());
        format!(
            "return {{ stored_key = \"{stored}\"; server_key = \"{server}\"; salt = \"salt-1\"; \
             iteration_count = 10000; {more} }};"
        )
    };
    let account = read(&[("accounts", &kept(&"ab".repeat(20), "disabled = true"))]).unwrap();
    assert_eq!(
        shown(&account),
        lines([
            "<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'>\
             <iter-count>10000</iter-count><salt>c2FsdC0x</salt>\
             <server-key>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</server-key>\
             <stored-key>q6urq6urq6urq6urq6urq6urq6s=</stored-key></scram-credentials>",
            "<account xmlns='urn:sestina:account:0' disabled='true'/>",
        ]),
    );
    let longer = read(&[("accounts", &kept(&"ab".repeat(32), ""))]).unwrap();
    assert!(shown(&longer).contains("SCRAM-SHA-256"));
    for broken in ["ab".repeat(19), "xy".repeat(20)] {
        assert_eq!(read(&[("accounts", &kept(&broken, ""))]).unwrap_err(), Unreadable::Secret);
    }
    assert_eq!(shown(&read(&[]).unwrap()), "left: its password, which is not there\n");
}

#[test]
fn old_lists_have_requests_among_the_contacts() {
    let list = "return { [\"pending\"] = { [\"paris@verona.example\"] = true } };";
    let account = read(&[("accounts", "return { password = \"p\" }"), ("roster", list)]).unwrap();
    assert_eq!(
        shown(&account),
        lines([
            "password p",
            "<presence xmlns='jabber:client' type='subscribe' from='paris@verona.example'/>",
        ]),
    );
}

#[test]
fn a_file_that_is_none_says_where() {
    for (store, file, why) in [
        ("accounts", "return {\n os.exit() }", "its accounts cannot be read: line 2 should have ="),
        ("roster", "return 7", "its roster cannot be read: line 1 should have a table"),
        ("offline", "item({})\nitem", "its offline cannot be read: line 2 should have ("),
    ] {
        assert_eq!(read(&[(store, file)]).unwrap_err().to_string(), why);
    }
    let card = read(&[("vcard", "return { name = \"card\" }")]).unwrap();
    assert!(shown(&card).contains("left: its card, which is none"));
    assert!(!prosody::Files::default().add("muc_log", b""));
}

#[test]
fn names_are_read_as_they_were_written() {
    for (file, of) in [
        ("juliet.dat", Some("juliet")),
        ("juliet.list", Some("juliet")),
        ("j%2euliet.dat", Some("j.uliet")),
        ("%c3%a9.dat", Some("é")),
        ("juliet.dat~", None),
        ("%2.dat", None),
        ("%zz.dat", None),
        ("%ff.dat", None),
        (".dat", None),
    ] {
        assert_eq!(prosody::owner(file).as_deref(), of, "{file}");
    }
    assert_eq!(prosody::name("capulet%2eexample").as_deref(), Some("capulet.example"));
}

proptest! {
    #[test]
    fn nothing_panics(file in "[\\[\\]{}=;\"a-z0-9. \\\\]{0,80}", at in 0..5_usize) {
        for file in [file.clone(), format!("return {{{file}}}"), format!("item({{{file}}})")] {
            sestina_foreign::fuzzing::lua(file.as_bytes());
            let _ = read(&[(prosody::STORES[at], &file)]);
        }
    }
}
