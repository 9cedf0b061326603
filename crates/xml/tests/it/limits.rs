//! Each bound is met with its own error, at the bound and not before.

use sestina_xml::{Element, Frame, LimitKind, Limits, StreamParser, XmlError};

const SMALL: Limits = Limits {
    attribute_bytes: 8,
    attributes: 3,
    children: 3,
    declarations: 3,
    depth: 3,
    element_bytes: 400,
    header_bytes: 100,
    name_bytes: 8,
};

fn check(fits: &str, exceeds: &str, kind: LimitKind) {
    assert!(Element::parse(fits, &SMALL).is_ok(), "{fits}");
    assert_eq!(Element::parse(exceeds, &SMALL), Err(XmlError::Limit(kind)), "{exceeds}");
}

#[test]
fn every_bound_of_an_element_has_its_error() {
    check("<a b='12345678'/>", "<a b='123456789'/>", LimitKind::AttributeBytes);
    check("<a b='' c='' d=''/>", "<a b='' c='' d='' e=''/>", LimitKind::Attributes);
    check("<a xmlns='' c='' d=''/>", "<a xmlns='' c='' d='' e=''/>", LimitKind::Attributes);
    check("<a><b/><b/><b/></a>", "<a><b/><b/><b/><b/></a>", LimitKind::Children);
    check("<a><b><c/></b></a>", "<a><b><c><d/></c></b></a>", LimitKind::Depth);
    check("<a1234567/>", "<a12345678/>", LimitKind::NameBytes);
    check("<a b1234567=''/>", "<a b12345678=''/>", LimitKind::NameBytes);
    check(
        "<a xmlns:p='1' xmlns:q='1'><b xmlns='1'/><b xmlns='1'/></a>",
        "<a xmlns:p='1' xmlns:q='1'><b xmlns='1'><b xmlns='1'/></b></a>",
        LimitKind::Declarations,
    );
    let body = |len: usize| format!("<a>{}</a>", "x".repeat(len - 7));
    check(&body(400), &body(401), LimitKind::ElementBytes);
}

#[test]
fn what_the_program_wrote_has_no_bound() {
    let (start, end) = ("<a>".repeat(1_000), "</a>".repeat(1_000));
    let attributes: String = (0..1_000).map(|n| format!(" a{n}='{}'", "x".repeat(n))).collect();
    let large = format!("{start}<b{attributes}/>{}{end}", "<c/>".repeat(10_000));
    assert!(Element::parse(&large, &Limits::default()).is_err());
    assert!(Element::parse(&large, &Limits::trusted()).is_ok());
}

fn open(limits: Limits) -> StreamParser {
    let mut parser = StreamParser::new(limits);
    assert!(matches!(parser.next(&mut &b"<s xmlns='a'>"[..]), Ok(Some(Frame::Open(_)))));
    parser
}

#[test]
fn a_header_has_a_bound() {
    let header = |len: usize| format!("<s a='{}'>", "x".repeat(len - 8));
    let limits = Limits { attribute_bytes: 1_000, ..SMALL };
    let mut parser = StreamParser::new(limits);
    assert!(matches!(parser.next(&mut header(100).as_bytes()), Ok(Some(_))));
    parser.restart();
    let error = Err(XmlError::Limit(LimitKind::HeaderBytes));
    assert_eq!(parser.next(&mut header(101).as_bytes()), error);
    parser.restart();
    assert_eq!(parser.next(&mut &b"<?xml "[..]), Ok(None));
    assert_eq!(parser.next(&mut " ".repeat(95).as_bytes()), error);
}

#[test]
fn an_oversized_element_is_refused_before_it_ends() {
    let mut parser = open(SMALL);
    let mut piece = &b"<a>"[..];
    assert_eq!(parser.next(&mut piece), Ok(None));
    for _ in 0..396 {
        assert_eq!(parser.next(&mut &b"x"[..]), Ok(None));
    }
    assert_eq!(parser.next(&mut &b"x"[..]), Err(XmlError::Limit(LimitKind::ElementBytes)));
}

#[test]
fn depth_is_refused_before_the_element_ends() {
    let mut parser = open(SMALL);
    assert_eq!(parser.next(&mut &b"<a><a><a><a"[..]), Err(XmlError::Limit(LimitKind::Depth)));
}

#[test]
fn white_space_between_elements_counts_nowhere() {
    let mut parser = open(SMALL);
    for _ in 0..100 {
        assert_eq!(parser.next(&mut &b" \r\n\t        "[..]), Ok(None));
    }
    assert!(!parser.is_mid_element());
}

#[test]
fn new_limits_hold_at_once() {
    let mut parser = open(SMALL);
    let large = format!("<a>{}</a>", "x".repeat(1_000));
    parser.set_limits(Limits::default());
    assert!(matches!(parser.next(&mut large.as_bytes()), Ok(Some(Frame::Element(_)))));
}

#[test]
fn an_idle_parser_is_small() {
    assert!(size_of::<StreamParser>() <= 160, "{}", size_of::<StreamParser>());
    assert!(size_of::<Element>() <= 160, "{}", size_of::<Element>());
}
