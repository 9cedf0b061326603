//! Payload types of others, read from elements and written as elements.

use sestina_xml::{Element, Limits, PayloadError};
use xso::{AsXml, FromXml};

const NS: &str = "urn:example:card";

#[derive(Debug, PartialEq, FromXml, AsXml)]
#[xml(namespace = NS, name = "card")]
struct Card {
    #[xml(attribute)]
    id: u32,
    #[xml(attribute(default))]
    note: Option<String>,
    #[xml(lang)]
    lang: Option<String>,
    #[xml(child(n = ..))]
    names: Vec<Name>,
}

#[derive(Debug, PartialEq, FromXml, AsXml)]
#[xml(namespace = NS, name = "name")]
struct Name {
    #[xml(lang)]
    lang: Option<String>,
    #[xml(text)]
    text: String,
}

fn parse(xml: &str) -> Element {
    Element::parse(xml, &Limits::default()).expect("the test writes XML")
}

#[test]
fn a_payload_is_read_out_of_a_stanza() {
    let iq = parse(
        "<iq xmlns='jabber:client' xml:lang='en'><c:card xmlns:c='urn:example:card' id='7' note='&lt;'>\
         <c:name>Anna &amp; Bob</c:name><c:name xml:lang='de'><![CDATA[<x>]]></c:name></c:card></iq>",
    );
    let card: Card = iq.first_child().unwrap().read_as().unwrap();
    let name = |lang: &str, text: &str| Name { lang: Some(lang.into()), text: text.into() };
    assert_eq!(
        card,
        Card {
            id: 7,
            note: Some("<".into()),
            lang: Some("en".into()),
            names: vec![name("en", "Anna & Bob"), name("de", "<x>")],
        }
    );
    let written = Element::from_xso(&card).unwrap();
    assert!(written.is("card", NS));
    assert_eq!(written.read_as::<Card>(), Ok(card));
}

#[test]
fn what_does_not_fit_is_told_apart() {
    assert_eq!(parse("<card id='1'/>").read_as::<Card>(), Err(PayloadError::Mismatch));
    for wrong in [
        "<card xmlns='urn:example:card'/>",
        "<card xmlns='urn:example:card' id='x'/>",
        "<card xmlns='urn:example:card' id='1'>text</card>",
        "<card xmlns='urn:example:card' id='1'><other/></card>",
    ] {
        let read = parse(wrong).read_as::<Card>();
        assert!(matches!(read, Err(PayloadError::Invalid(_))), "{wrong}: {read:?}");
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let card = Card { id: 1, note: Some("\0".into()), lang: None, names: Vec::new() };
    assert!(matches!(Element::from_xso(&card), Err(PayloadError::Invalid(_))));
}
