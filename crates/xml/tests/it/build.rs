//! Writing elements, and reading back what was written.

use sestina_xml::{Element, Frame, Limits, Node, StreamParser};

fn parse(xml: &str) -> Element {
    Element::parse(xml, &Limits::default()).expect("the test writes XML")
}

#[test]
fn a_query_walks_the_tree() {
    let message = parse(
        "<message xmlns='jabber:client' to='a'>\n<body xml:lang='de'>eins &amp; zwei</body>\
         <x xmlns='urn:x' a='1'><y/>t<![CDATA[<>]]>u</x><body>one</body></message>",
    );
    assert_eq!(message.text(), "\n");
    let bodies: Vec<_> = message
        .children()
        .filter(|child| child.is("body", "jabber:client"))
        .map(|body| (body.lang(), body.text().into_owned()))
        .collect();
    assert_eq!(bodies, [(Some("de"), "eins & zwei".to_owned()), (None, "one".to_owned())]);
    let x = message.child("x", "urn:x").unwrap();
    assert_eq!(x.attr("a"), Some("1"));
    assert_eq!(x.attr("b"), None);
    assert_eq!(x.nodes().count(), 2);
    assert_eq!(x.nodes().last(), Some(Node::Text("t<>u")));
    assert_eq!(message.root().child_text("body", "jabber:client").unwrap(), "eins & zwei");
    assert_eq!(message.child("body", "urn:x"), None);
}

#[test]
fn a_part_stands_alone_once_taken_out() {
    let message = parse(
        "<message xmlns='jabber:client' xmlns:p='urn:p' xmlns:q='urn:q'>\
         <p:a xmlns:q='urn:other'><q:b/><c p:d='1'/></p:a></message>",
    );
    let part = message.first_child().unwrap();
    let alone = part.to_element();
    assert_eq!(alone.root(), part);
    assert_eq!(parse(&alone.to_string()), alone);
    let b = part.first_child().unwrap().to_element();
    assert!(b.is("b", "urn:other"), "{b}");
    let c = part.children().nth(1).unwrap().to_element();
    assert!(c.is("c", "jabber:client"), "{c}");
    assert_eq!(c.attr_ns("d", "urn:p"), Some("1"));
}

#[test]
fn whatever_a_builder_is_given_it_writes_well_formed_xml() {
    let built = Element::builder("bad name\u{0}", "urn:'x'&<")
        .attr("1st", "\u{0}\u{ffff}<>&'\"\t\r\n")
        .attr("xmlns", "urn:y")
        .attr("twice", "1")
        .attr("twice", "2")
        .lang("de")
        .text("]]>\u{1}\r\n\u{fffe}")
        .child_with("", |child| child.text(" "))
        .build();
    assert_eq!(built.name(), "bad_name_");
    assert_eq!(built.namespace(), "urn:'x'&<");
    assert_eq!(built.attr("_1st"), Some("\u{fffd}\u{fffd}<>&'\"\t\r\n"));
    assert_eq!(built.attr("twice"), Some("1"));
    assert_eq!(built.root().lang(), Some("de"));
    assert_eq!(built.text(), "]]>\u{fffd}\r\n\u{fffd}");
    assert!(built.first_child().unwrap().is("_", "urn:'x'&<"));
    assert_eq!(parse(&built.to_string()), built);
}

#[test]
fn an_element_declares_what_its_new_place_lacks() {
    let show = |element: &Element, default: &str| {
        let mut out = Vec::new();
        element.write_to(&mut out, default);
        String::from_utf8(out).unwrap()
    };
    let bare = parse("<a><b xmlns='urn:b'/></a>");
    assert_eq!(show(&bare, ""), "<a><b xmlns='urn:b'/></a>");
    assert_eq!(show(&bare, "jabber:client"), "<a xmlns=''><b xmlns='urn:b'/></a>");
    let own = parse("<a b='1' xmlns='urn:a' c='2'/>");
    assert_eq!(show(&own, ""), "<a b='1' xmlns='urn:a' c='2'/>");
    assert_eq!(show(&own, "urn:a"), "<a b='1' c='2'/>");
    let prefixed = parse("<p:a xmlns:p='urn:a'/>");
    assert_eq!(show(&prefixed, "urn:b"), "<p:a xmlns:p='urn:a'/>");
    let prefixed = parse("<p:a xmlns:p='urn:a'><b/></p:a>");
    assert_eq!(show(&prefixed, "urn:b"), "<p:a xmlns='' xmlns:p='urn:a'><b/></p:a>");
}

#[test]
fn content_is_what_stands_between_the_tags() {
    assert_eq!(parse("<a b='>'>x<c/>y</a >").content(), b"x<c/>y");
    assert_eq!(parse("<a/>").content(), b"");
    assert_eq!(parse("<a></a>").content(), b"");
}

#[test]
fn elements_that_say_the_same_are_equal() {
    assert_eq!(
        parse("<p:a xmlns:p='u' x='1' y='&#50;'>&lt;<b xmlns=''/></p:a>"),
        parse("<a  y=\"2\" x='1' xmlns='u'><![CDATA[<]]><b xmlns=''></b></a>"),
    );
    for other in ["<a/>", "<a xmlns='v'/>", "<a xmlns='u' x='1'/>", "<a xmlns='u'>x</a>"] {
        assert_ne!(parse("<a xmlns='u'/>"), parse(other), "{other}");
    }
}

#[test]
fn an_element_can_cross_threads() {
    fn check<T: Send + Sync + Clone>() {}
    check::<Element>();
}

#[test]
fn only_one_element_is_one() {
    for wrong in ["", " ", "a/>", "text", "<a/><b/>", "<a/>x", "<a>", "<?xml version='1.0'?><a/>"] {
        assert!(Element::parse(wrong, &Limits::default()).is_err(), "{wrong}");
    }
    assert!(Element::parse(" \n<a/>\r\n", &Limits::default()).is_ok());
    assert!(Element::parse("<a/>\u{c}", &Limits::default()).is_err());
}

#[test]
fn attributes_are_found_with_and_without_a_tree() {
    let xml = "<a xmlns='u' xmlns:p='v' p:b='1' b='2' xml:lang='en' c='&lt;' d = \"'\" />";
    for look_inside in [false, true] {
        let element = parse(xml);
        if look_inside {
            element.root();
        }
        assert_eq!(element.attr("b"), Some("2"));
        assert_eq!(element.attr("d"), Some("'"));
        assert_eq!(element.attr_ns("b", "v"), Some("1"));
        for none in ["xmlns", "xmlns:p", "p:b", "xml:lang", "lang", "p", ""] {
            assert_eq!(element.attr(none), None, "{none}");
        }
        assert_eq!(element.attr("c"), Some("<"));
    }
}

#[test]
fn what_is_within_is_not_shown_by_accident() {
    let element = parse("<auth mechanism='PLAIN'>AGFubmEAc2VjcmV0</auth>");
    assert_eq!(format!("{element:?}"), "Element(<auth mechanism='PLAIN'> and 23 bytes)");
    assert_eq!(format!("{:?}", element.root()), format!("{element:?}"));
    assert!(format!("{element:#?}").contains("AGFubmEAc2VjcmV0"));
    let builder = Element::builder("auth", "").text("AGFubmEAc2VjcmV0");
    assert!(!format!("{builder:?}").contains("AGFubmEAc2VjcmV0"));
}

/// What a builder has written is not read again, so nothing may tell it from what was read.
#[test]
fn what_was_built_is_as_if_it_had_been_read() {
    let read = parse("<a xmlns='urn:a' xmlns:p='urn:p' p:k='1'>t<p:b>&lt;</p:b><![CDATA[c]]></a>");
    let part = read.first_child().unwrap();
    for namespace in ["", "urn:a", "urn:p", "urn:q"] {
        let built = Element::builder("root", namespace)
            .attr("k", "&")
            .text("one")
            .text(" two")
            .child(&read)
            .child(part)
            .child_with("own", |own| own.attr("a", "1").attr("b", "2").lang("de").text("<"))
            .children([Element::builder("x", "urn:x"), Element::builder("y", namespace)])
            .build();
        let again = parse(&built.to_string());
        assert_eq!(built, again, "{built}");
        assert_eq!(built.as_bytes(), again.as_bytes());
        assert_eq!(built.content(), again.content());
        assert_eq!(format!("{:?}", built.start()), format!("{:?}", again.start()));
        let nodes = |element: &Element| element.nodes().count();
        assert_eq!((nodes(&built), nodes(&again)), (6, 6));
        let around = Element::builder("around", "urn:a").child(&built).build();
        assert_eq!(around.first_child().unwrap().to_element(), again);
        assert_eq!(parse(&around.to_string()), around);
    }
}

#[test]
fn a_part_declares_only_what_it_uses() {
    let mut parser = StreamParser::new(Limits::default());
    let mut input = &b"<stream:stream xmlns='jabber:client' xmlns:stream='s' xmlns:a='urn:a'>\
        <iq><vCard xmlns='vcard-temp'><FN>J</FN></vCard><x xmlns='urn:x' a:y='1'/></iq>"[..];
    let Ok(Some(Frame::Open(_))) = parser.next(&mut input) else { panic!("a header comes first") };
    let Ok(Some(Frame::Element(iq))) = parser.next(&mut input) else { panic!("an iq follows") };
    let parts: Vec<_> = iq.children().map(|part| part.to_element().to_string()).collect();
    assert_eq!(
        parts,
        [
            "<vCard xmlns='vcard-temp'><FN>J</FN></vCard>",
            "<x xmlns:a='urn:a' xmlns='urn:x' a:y='1'/>"
        ]
    );
}
