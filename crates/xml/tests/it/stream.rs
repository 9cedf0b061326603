//! Streams as they come over the wire: frames, faults, and every way of cutting them.

use sestina_xml::{Frame, Limits, StreamParser, XmlError};

const HEADER: &str = "<stream:stream xmlns='jabber:client' to='example.org' version='1.0' \
    xmlns:stream='http://etherx.jabber.org/streams' xml:lang='en'>";

/// Everything that comes out of `input` cut into pieces of `size` bytes.
fn frames(input: &[u8], size: usize) -> (Vec<Frame>, Option<XmlError>) {
    let mut parser = StreamParser::new(Limits::default());
    let mut out = Vec::new();
    for mut piece in input.chunks(size) {
        loop {
            match parser.next(&mut piece) {
                Ok(Some(frame)) => out.push(frame),
                Ok(None) => break,
                Err(error) => return (out, Some(error)),
            }
        }
    }
    (out, None)
}

/// Shows the frames of `input`, having seen that every way of cutting gives the same.
fn check(input: impl AsRef<[u8]>) -> String {
    let input = input.as_ref();
    let (whole, error) = frames(input, input.len().max(1));
    for size in 1..=7 {
        assert_eq!(frames(input, size), (whole.clone(), error), "cut every {size} bytes");
    }
    let mut shown: Vec<_> = whole
        .iter()
        .map(|frame| match frame {
            Frame::Open(_) => "open".to_owned(),
            Frame::Element(element) => element.to_string(),
            Frame::Close => "close".to_owned(),
        })
        .collect();
    shown.extend(error.map(|error| error.stream_condition().to_owned()));
    shown.join(" ")
}

#[test]
fn a_stream_from_header_to_end() {
    assert_eq!(
        check(format!(
            "<?xml version='1.0' encoding='UTF-8'?>\n{HEADER} <presence/>\n\
             <iq id=\"1\"><q xmlns='urn:x'>&lt;</q></iq><message/></stream:stream >garbage<"
        )),
        "open <presence xmlns='jabber:client'/> \
         <iq xmlns='jabber:client' id=\"1\"><q xmlns='urn:x'>&lt;</q></iq> \
         <message xmlns='jabber:client'/> close",
    );
}

#[test]
fn a_header_tells_all_it_says() {
    let (frames, _) = frames(HEADER.as_bytes(), 1_000);
    let [Frame::Open(header)] = &*frames else { panic!("{frames:?}") };
    assert_eq!((header.name(), header.namespace()), ("stream", "http://etherx.jabber.org/streams"));
    assert_eq!(header.content_namespace(), "jabber:client");
    assert_eq!(header.to(), Some("example.org"));
    assert_eq!(header.from(), None);
    assert_eq!(header.version(), Some("1.0"));
    assert_eq!(header.lang(), Some("en"));
    assert_eq!(header.prefixes().count(), 1);
}

/// RFC 6120 §11 and §4.9.3, case by case.
#[test]
fn faults_have_the_condition_that_the_rfc_names() {
    for (fault, condition) in [
        // §11.1: restricted features.
        ("<!-- a comment -->", "restricted-xml"),
        ("<a><!-- a comment --></a>", "restricted-xml"),
        ("<a><?php ?></a>", "restricted-xml"),
        ("<?xml version='1.0'?>", "restricted-xml"),
        ("<!DOCTYPE a>", "restricted-xml"),
        ("<a><!DOCTYPE a></a>", "restricted-xml"),
        ("<a>&nbsp;</a>", "restricted-xml"),
        ("<a b='&nbsp;'/>", "restricted-xml"),
        // §11.3: well-formedness.
        ("<a></b>", "not-well-formed"),
        ("<a><b></a></b>", "not-well-formed"),
        ("<a b='1' b='2'/>", "not-well-formed"),
        ("<a xmlns='urn:x' xmlns='urn:y'/>", "not-well-formed"),
        ("<a xmlns:p='urn:x' xmlns:p='urn:x'/>", "not-well-formed"),
        ("<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", "not-well-formed"),
        ("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", "not-well-formed"),
        ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", "not-well-formed"),
        ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", "not-well-formed"),
        ("<a xmlns:xml='urn:x'/>", "not-well-formed"),
        ("<a xmlns:xmlns='urn:x'/>", "not-well-formed"),
        ("<a xmlns:p=''/>", "not-well-formed"),
        ("<a>]]></a>", "not-well-formed"),
        ("<a b='<'/>", "not-well-formed"),
        ("<a b=1/>", "not-well-formed"),
        ("<a b/>", "not-well-formed"),
        ("<a b='1'c='2'/>", "not-well-formed"),
        ("< a/>", "not-well-formed"),
        ("<a:/>", "not-well-formed"),
        ("<:a/>", "not-well-formed"),
        ("<stream:a:b/>", "not-well-formed"),
        ("<1a/>", "not-well-formed"),
        ("<item\u{2212}not\u{2212}found/>", "not-well-formed"),
        ("<a>&#0;</a>", "not-well-formed"),
        ("<a>&#xFFFE;</a>", "not-well-formed"),
        ("<a>\u{1}</a>", "not-well-formed"),
        ("<a>\u{fffe}</a>", "not-well-formed"),
        ("<a>\0</a>", "not-well-formed"),
        ("<a b='\u{b}'/>", "not-well-formed"),
        ("</stream>", "not-well-formed"),
        // §4.9.3.2
        ("<p:a/>", "bad-namespace-prefix"),
        ("<a p:b=''/>", "bad-namespace-prefix"),
        ("<a xmlns:p='urn:x'><p:b/></a><p:c/>", "bad-namespace-prefix"),
        // §11.7 and §4.9.3.1
        ("text", "bad-format"),
    ] {
        let shown = check(format!("{HEADER}{fault}"));
        assert!(shown.ends_with(&format!(" {condition}")), "{fault}: {shown}");
    }
}

#[test]
fn a_header_can_be_wrong_as_well() {
    for (header, condition) in [
        ("<?xml version='1.0' encoding='UTF-16'?>", "unsupported-encoding"),
        ("\0<\0s", "unsupported-encoding"),
        ("<?xml version='1.1'?>", "restricted-xml"),
        ("<?xml version='1.0'?><?xml version='1.0'?>", "restricted-xml"),
        ("<?php ?>", "restricted-xml"),
        ("<!DOCTYPE x>", "restricted-xml"),
        ("<!-- x -->", "restricted-xml"),
        ("\u{feff}<stream>", "not-well-formed"),
        ("text", "not-well-formed"),
        ("</stream>", "not-well-formed"),
        ("<stream:stream>", "bad-namespace-prefix"),
        ("<stream x='1' x='2'>", "not-well-formed"),
        ("<stream xmlns='a' xmlns='b'>", "not-well-formed"),
    ] {
        assert_eq!(check(header), condition, "{header}");
    }
    assert_eq!(check(b"\xff\xfe<\0"), "unsupported-encoding");
    assert_eq!(check(b"<stream a='\xff'>"), "unsupported-encoding");
}

#[test]
fn bytes_that_are_no_utf8_are_refused() {
    for bytes in
        [&b"<a>\xff</a>"[..], b"<a b='\xc0\xaf'/>", b"<a\xed\xa0\x80/>", b"<a>\xe2\x82</a>"]
    {
        assert_eq!(check([HEADER.as_bytes(), bytes].concat()), "open unsupported-encoding");
    }
}

#[test]
fn an_error_stays_and_a_restart_mends() {
    let mut parser = StreamParser::new(Limits::default());
    assert_eq!(parser.next(&mut &b"<!"[..]), Err(XmlError::Restricted));
    assert_eq!(parser.next(&mut HEADER.as_bytes()), Err(XmlError::Restricted));
    parser.restart();
    assert!(matches!(parser.next(&mut HEADER.as_bytes()), Ok(Some(Frame::Open(_)))));
}

#[test]
fn a_restart_forgets_what_the_last_header_declared() {
    let mut parser = StreamParser::new(Limits::default());
    let header = HEADER.replace("xmlns:stream", "xmlns:ack='urn:ack' xmlns:stream");
    parser.next(&mut header.as_bytes()).unwrap();
    assert!(parser.next(&mut &b"<ack:r/>"[..]).is_ok());
    parser.restart();
    parser.next(&mut HEADER.as_bytes()).unwrap();
    assert_eq!(parser.next(&mut &b"<ack:r/>"[..]), Err(XmlError::BadNamespacePrefix));
}

#[test]
fn prefixes_of_the_header_travel_with_the_element() {
    let header = HEADER.replace("xmlns:stream", "xmlns:ack='urn:a&amp;b' xmlns:stream");
    assert_eq!(
        check(format!("{header}<ack:r/><message><stream:x a:b='' xmlns:a='urn:a'/></message>")),
        "open <ack:r xmlns:ack='urn:a&amp;b'/> \
         <message xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>\
         <stream:x a:b='' xmlns:a='urn:a'/></message>",
    );
}

#[test]
fn an_empty_root_opens_and_closes() {
    assert_eq!(check("<stream xmlns='urn:x'/><presence/>"), "open close");
}
