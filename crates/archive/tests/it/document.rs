//! What is read and written, byte by byte.

use std::{fs, path::Path};

use proptest::prelude::*;
use sestina_archive::{
    Limits, Part, Reader, Writer, Wrong,
    fuzzing::{archive, read},
};
use sestina_xml::Element;

const DOCUMENT: &str = "<?xml version='1.0' encoding='UTF-8'?>
<server-data xmlns='urn:xmpp:pie:0' xmlns:c='urn:example:card'>
<!-- two houses -->
 <host jid='capulet.example'>
  <user name='juliet' password='r&apos;0m30'>
   <c:card c:tone='warm' xml:lang='it'>Giulietta &amp; <![CDATA[<co>]]><line xmlns=''/></c:card>
   <empty/>
  </user>
  <user name='nurse'/>
 </host>
 <motto xmlns='urn:example:motto'>Alike<in>dignity</in></motto>
 <host jid='montague.example'><user name='romeo'></user></host>
</server-data>
";

fn names(parts: &[Part]) -> Vec<String> {
    parts
        .iter()
        .map(|part| match part {
            Part::User(user) => format!("{}@{}", user.name, user.host),
            Part::Element(element) => element.name().to_owned(),
            Part::UserEnd => "/".to_owned(),
            Part::Skipped(name, namespace) => format!("({name} {namespace})"),
        })
        .collect()
}

#[test]
fn parts_come_the_same_however_the_bytes_are_split() {
    let (parts, error) = read(DOCUMENT.as_bytes(), DOCUMENT.len());
    assert_eq!(error, None);
    let expected = [
        "juliet@capulet.example",
        "card",
        "empty",
        "/",
        "nurse@capulet.example",
        "/",
        "(motto urn:example:motto)",
        "romeo@montague.example",
        "/",
    ];
    assert_eq!(names(&parts), expected);
    let Part::User(juliet) = &parts[0] else { panic!() };
    assert_eq!(juliet.password.as_ref().unwrap().as_str(), "r'0m30");
    assert!(!format!("{juliet:?}").contains("0m30"), "a password does not show itself");
    let Part::Element(card) = &parts[1] else { panic!() };
    assert_eq!(card.namespace(), "urn:example:card");
    assert_eq!(card.attr_ns("tone", "urn:example:card"), Some("warm"));
    assert_eq!(card.root().lang(), Some("it"));
    assert_eq!(card.text(), "Giulietta & <co>");
    assert_eq!(card.first_child().unwrap().namespace(), "");
    for piece in 1..40 {
        assert_eq!(read(DOCUMENT.as_bytes(), piece), (read(DOCUMENT.as_bytes(), 999).0, None));
    }
}

#[test]
fn parts_say_on_which_line_they_begin() {
    let mut reader = Reader::new(Limits::default());
    let (mut input, mut lines) = (DOCUMENT.as_bytes(), Vec::new());
    while reader.next(&mut input).unwrap().is_some() {
        lines.push(reader.line());
    }
    assert_eq!(lines, [5, 6, 7, 8, 9, 9, 11, 12, 12]);
}

#[test]
fn what_is_no_such_document_is_refused_with_its_line() {
    let long = "x".repeat(5_000);
    let open =
        "<server-data xmlns='urn:xmpp:pie:0'>\n<host jid='capulet.example'><user name='juliet'>";
    let table: &[(String, &str)] = &[
        (String::new(), "line 1"),
        ("words".into(), "line 1"),
        ("\u{feff}<server-data xmlns='urn:xmpp:pie:0'/>".into(), "line 1"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><server-data/>".into(), "line 1"),
        ("<server-data/>".into(), "line 1: this is no <server-data"),
        ("<server-data xmlns='jabber:client'/>".into(), "this is no <server-data"),
        ("<server-data xmlns='urn:xmpp:pie:0'/><more/>".into(), "line 1"),
        ("<!DOCTYPE a><server-data xmlns='urn:xmpp:pie:0'/>".into(), "line 1"),
        (
            "<server-data xmlns='urn:xmpp:pie:0'>\n\n<host/></server-data>".into(),
            "line 3: there is a <host/> that",
        ),
        (
            "<server-data xmlns='urn:xmpp:pie:0'><host jid='a'>\n<user/>".into(),
            "line 2: there is a <user/> that",
        ),
        ("<server-data xmlns='urn:xmpp:pie:0'>so".into(), "line 1"),
        (format!("{open}so</user></host></server-data>"), "line 2: there is text"),
        (
            format!(
                "{open}\n<include xmlns='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>"
            ),
            "line 3: <xi:include/> is not followed",
        ),
        (open.into(), "line 2"),
        (format!("{open}<a>\n</b>"), "line 3"),
        (format!("{open}<a>&eacute;</a>"), "line 2"),
        (format!("{open}<b:a/>"), "line 2"),
        (format!("{open}{}", "<a>".repeat(65)), "line 2: elements lie too deep"),
        (format!("{open}<motto {long}='1'/>"), "line 2"),
        (format!("{open}<motto so='{long}'/>"), "line 2"),
        (
            format!("{open}<m {}/>", (0..4_000).map(|n| format!("a{n}='' ")).collect::<String>()),
            "a tag or a comment is too long",
        ),
        (format!("{open}<!-- {} -->", long.repeat(4)), "a tag or a comment is too long"),
        (format!("{open}<motto>{}</motto>", long.repeat(20)), "an element is too large"),
        (format!("{open}<motto>{}</motto>", "<a/>".repeat(20_000)), "an element is too large"),
    ];
    for (document, says) in table {
        for piece in [1, 7, 1_000_000] {
            let (_, error) = read(document.as_bytes(), piece);
            let head: String = document.chars().take(200).collect();
            let error = error.unwrap_or_else(|| panic!("{head} was taken")).to_string();
            assert!(error.contains(says) && error.starts_with("line "), "{head}: {error}");
        }
    }
    let (_, error) = read(b"<server-data xmlns='urn:xmpp:pie:0'>\xff", 9);
    assert!(matches!(error.unwrap().wrong, Wrong::Xml(_)));
}

#[test]
fn what_was_wrong_stays_wrong() {
    let mut reader = Reader::new(Limits::default());
    let error = reader.next(&mut &b"<a/>"[..]).unwrap_err();
    assert_eq!(reader.next(&mut &b"<server-data xmlns='urn:xmpp:pie:0'/>"[..]), Err(error.clone()));
    assert_eq!(reader.end(), Err(error));
}

#[test]
fn what_fuzzing_starts_from_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/archive");
    let mut replayed = 0;
    for seed in fs::read_dir(corpus).unwrap() {
        archive(&fs::read(seed.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(replayed >= 10, "the corpus is in the tree");
}

fn element() -> impl Strategy<Value = Element> {
    let text = "[ -~é\n\t]{0,12}";
    let leaf = ("[a-z]{1,5}", "(urn:[a-c]|)", text, "[a-z]{1,4}", text).prop_map(
        |(name, namespace, value, attribute, text)| {
            Element::builder(&name, &namespace).attr(&attribute, value).text(text).build()
        },
    );
    leaf.prop_recursive(4, 24, 4, |inner| {
        (inner.clone(), proptest::collection::vec(inner, 0..4)).prop_map(|(around, within)| {
            let builder = Element::builder(around.name(), around.namespace());
            within.iter().fold(builder, |builder, child| builder.child(child)).build()
        })
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        accounts in proptest::collection::vec(
            ("[a-z'&<é]{1,6}", 0..3_usize, proptest::collection::vec(element(), 0..3)), 0..5),
        piece in 1..64_usize,
    ) {
        let mut out = Vec::new();
        let mut writer = Writer::start(&mut out);
        let mut expected = Vec::new();
        for (name, host, elements) in &accounts {
            let host = ["capulet.example", "montague.example", "verona.example"][*host];
            writer.user(&mut out, host, name, None);
            expected.push(format!("{name}@{host}"));
            for element in elements {
                writer.element(&mut out, element);
            }
        }
        writer.end(&mut out);
        let (parts, error) = read(&out, piece);
        prop_assert_eq!(error, None);
        let users = parts.iter().filter_map(|part| match part {
            Part::User(user) => Some(format!("{}@{}", user.name, user.host)),
            _ => None,
        });
        prop_assert_eq!(users.collect::<Vec<_>>(), expected);
        let read: Vec<_> = parts.iter().filter_map(|part| match part {
            Part::Element(element) => Some(element),
            _ => None,
        }).collect();
        let written: Vec<_> = accounts.iter().flat_map(|(_, _, elements)| elements).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        archive(&bytes);
    }

    #[test]
    fn no_change_of_a_document_does_harm(
        at in 0..DOCUMENT.len(), byte in any::<u8>(), cut in any::<u8>(),
    ) {
        let mut bytes = [&[cut][..], DOCUMENT.as_bytes()].concat();
        bytes[at + 1] = byte;
        archive(&bytes);
    }
}
