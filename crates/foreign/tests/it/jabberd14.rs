use proptest::prelude::*;
use sestina_foreign::{Account, Encoding, Unreadable, jabberd14};

use crate::{lines, shown};

fn read(name: &str, file: &[u8]) -> Result<Account, Unreadable> {
    let of = format!("{name}@capulet.example").parse().unwrap();
    jabberd14::read(&of, file, Encoding::Utf8)
}

#[test]
fn an_account_of_the_first_years() {
    let account = read("juliet", include_bytes!("spool/juliet.xml")).unwrap();
    assert_eq!(
        shown(&account),
        lines([
            "password wherefore & why",
            "<query xmlns='jabber:iq:register'><name>Juliet</name><email>juliet@capulet.example</email></query>",
            "<query xmlns='jabber:iq:last' last='983000000'>Registered</query>",
            "<query xmlns='jabber:iq:roster'>\
             <item jid='nurse@capulet.example' subscription='to'/>\
             <item jid='paris@verona.example' subscription='none' ask='subscribe'/>\
             <item jid='romeo@montague.example' name='Romeo' subscription='both'>\
             <group>Friends</group><group>Verona</group></item></query>",
            "<presence xmlns='jabber:client' type='subscribe' from='paris@verona.example'>\
             <status>May I?</status></presence>",
            "<presence xmlns='jabber:client' type='subscribe' from='tybalt@capulet.example'/>",
            "<vCard xmlns='vcard-temp' version='3.0'><FN>Juliet</FN><ADR><EXTADD>Balcony</EXTADD>\
             <COUNTRY>Italy</COUNTRY></ADR><TEL>12</TEL></vCard>",
            "<offline-messages xmlns='urn:xmpp:pie:0'>\
             <message xmlns='jabber:client' from='romeo@montague.example/garden' \
             to='juliet@capulet.example' type='chat'><body>Art thou there?</body>\
             <x xmlns='jabber:x:delay' from='juliet@capulet.example' stamp='20010224T21:02:03'>\
             Offline Storage</x></message>\
             <message xmlns='jabber:client' from='paris@verona.example'>\
             <subject>Flowers</subject></message></offline-messages>",
            "<query xmlns='jabber:iq:filter'><rule><from>tybalt@capulet.example</from></rule></query>",
            "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>\
             <conference name='Orchard' jid='orchard@rooms.capulet.example'></conference>\
             </storage></query>",
            "left: the contact nurse@capulet.example for another time",
            "left: the contact \"@nobody\", which is no address",
            "left: the account as a contact of its own",
            "left: <page xmlns='capulet:page'/>",
            "left: <message/> among the messages that wait",
            "left: <presence/> among the messages that wait",
        ]),
    );
}

#[test]
fn an_account_of_the_last_years() {
    let account = read("nurse", include_bytes!("spool/nurse.xml")).unwrap();
    assert_eq!(
        shown(&account),
        lines([
            "<query xmlns='jabber:iq:privacy'><default name='quiet'/>\
             <list name='quiet'><item action='deny' order='1' type='jid' value='peter@capulet.example'></item></list>\
             <list name='busy'><item action='deny' order='1'><message></message></item></list></query>",
            "<presence xmlns='jabber:client' type='subscribe' from='friar@verona.example'>\
             <status>A word</status></presence>",
            "<query xmlns='jabber:iq:private'><keys xmlns='capulet:keys' xml:lang='it'>\
             <key>pantry</key></keys><notes xmlns='capulet:notes'></notes></query>",
            "left: a request to see the account, of nobody",
            "left: <history xmlns='http://jabberd.org/ns/history'/>",
            "left: its password: what is kept of it is a hash that only that server can check",
        ]),
    );
}

#[test]
fn files_that_are_no_accounts() {
    let deep = "<a>".repeat(70) + &"</a>".repeat(70);
    for (file, why) in [
        ("", "this is no XML that can be read"),
        ("<xdb>", "this is no XML that can be read"),
        ("<xdb/><xdb/>", "this is no XML that can be read"),
        ("<!DOCTYPE xdb [<!ENTITY a 'b'>]><xdb>&a;</xdb>", "this is no XML that can be read"),
        ("<xdb>&a;</xdb>", "this is no XML that can be read"),
        ("<jabber/>", "this is no file of an account: it begins with <jabber/>"),
        ("<?xml version='1.0' encoding='EBCDIC'?><xdb/>", "the encoding \"ebcdic\" is not known"),
        (deep.as_str(), "this is no XML that can be read"),
    ] {
        let error = read("juliet", file.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(why), "{file}: {error}");
    }
    assert_eq!(read("juliet", b"<xdb>\xe9</xdb>").unwrap_err(), Unreadable::NoUtf8);
}

#[test]
fn an_account_with_nothing_says_that_nobody_can_log_in() {
    let account = read("juliet", b"<xdb/>").unwrap();
    assert_eq!(shown(&account), "left: its password, which is not there\n");
    let chain = b"<xdb><zerok xmlns='jabber:iq:auth:0k' xdbns='jabber:iq:auth:0k'/></xdb>";
    let account = read("juliet", chain).unwrap();
    assert_eq!(
        shown(&account),
        "left: its password: what is kept of it is a chain of hashes that is at its end, or is none\n",
    );
}

/// Without a password it is all that there is; with one, whoever wants a chain makes another.
#[test]
fn a_chain_of_hashes_stands_for_a_password() {
    let chain = "<zerok xmlns='jabber:iq:auth:0k' xdbns='jabber:iq:auth:0k'>\
                 <hash>1EEFCFE3cf842dc24c4877d08e7a3f81c1a603d0</hash><token>3A9516C4</token>\
                 <sequence>500</sequence></zerok>";
    let account = read("juliet", format!("<xdb>{chain}</xdb>").as_bytes()).unwrap();
    assert_eq!(
        shown(&account),
        "<zerok xmlns='jabber:iq:auth:0k'><hash>1EEFCFE3cf842dc24c4877d08e7a3f81c1a603d0</hash>\
         <token>3A9516C4</token><sequence>500</sequence></zerok>\n",
    );
    let password = "<password xmlns='jabber:iq:auth' xdbns='jabber:iq:auth'>ma</password>";
    let both = read("juliet", format!("<xdb>{chain}{password}</xdb>").as_bytes()).unwrap();
    assert_eq!(shown(&both), "password ma\n");
    for ended in
        [chain.replace("500", "0"), chain.replace("1EEF", "oops"), chain.replace("3A9516C4", "")]
    {
        let account = read("juliet", format!("<xdb>{ended}</xdb>").as_bytes()).unwrap();
        assert!(account.elements.is_empty() && account.left.len() == 1, "{ended}");
    }
}

#[test]
fn a_secret_is_not_shown() {
    let account = read("juliet", include_bytes!("spool/juliet.xml")).unwrap();
    assert!(!format!("{:?}", Account { elements: Vec::new(), ..account }).contains("wherefore"));
}

#[test]
fn files_are_named_after_their_accounts() {
    for (name, of) in [
        ("juliet.xml", Some("juliet")),
        ("j.uliet.xml", Some("j.uliet")),
        ("global.xdb", None),
        (".xml", None),
        ("juliet.xml~", None),
    ] {
        assert_eq!(jabberd14::owner(name), of, "{name}");
    }
}

proptest! {
    /// Whatever a file holds, reading it ends, and what comes of it holds up.
    #[test]
    fn nothing_panics(file in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..1000_usize) {
        let of = "juliet@capulet.example".parse().unwrap();
        let _ = jabberd14::read(&of, &file, Encoding::Latin1);
        let mut mixed = include_bytes!("spool/juliet.xml").to_vec();
        let at = cut.min(mixed.len());
        mixed.splice(at..at, file);
        if let Ok(account) = jabberd14::read(&of, &mixed, Encoding::Latin1) {
            for element in account.elements {
                prop_assert!(element.to_string().parse_back());
            }
        }
    }
}

trait ParseBack {
    fn parse_back(&self) -> bool;
}

impl ParseBack for String {
    fn parse_back(&self) -> bool {
        sestina_xml::Element::parse(self, &sestina_xml::Limits::trusted()).is_ok()
    }
}
