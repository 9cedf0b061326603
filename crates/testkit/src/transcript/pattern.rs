//! Holds what was received against what was expected.

use std::collections::HashMap;

use sestina_stanza::ns;
use sestina_xml::{Element, ElementRef, Frame, Limits, Node, StreamParser};

/// What placeholders stand for: `{any}` for anything, `{name}` for what it stood for first.
pub(super) type Names = HashMap<String, String>;

/// Reads the elements of a pattern as a stream would have them; one that begins with the header of a
/// stream has that as its first element.
pub(super) fn read(text: &str) -> Result<Vec<Element>, String> {
    let mut parser = StreamParser::new(Limits::trusted());
    let header = format!("<stream:stream xmlns='{}' xmlns:stream='{}'>", ns::CLIENT, ns::STREAM);
    let text = text.trim_start();
    let opens = text.starts_with("<stream:stream");
    let header = if opens { "" } else { &header };
    let mut elements = Vec::new();
    for mut input in [header.as_bytes(), text.as_bytes()] {
        loop {
            match parser.next(&mut input) {
                Ok(Some(Frame::Element(element))) => elements.push(element),
                Ok(Some(Frame::Open(header))) if opens => {
                    elements.push(header.as_element().to_element());
                }
                Ok(Some(Frame::Open(_))) => {}
                Ok(Some(Frame::Close)) => return Err("a pattern closes no stream".to_owned()),
                Ok(None) => break,
                Err(error) => return Err(format!("the pattern is no XML: {error}")),
            }
        }
    }
    match (parser.is_mid_element(), elements.is_empty()) {
        (true, _) => Err("the pattern ends within an element".to_owned()),
        (_, true) => Err("the pattern is empty".to_owned()),
        _ => Ok(elements),
    }
}

/// Puts in what names stand for; those that stand for nothing yet stay as they are.
pub(super) fn fill(text: &str, names: &Names) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole(name) => match names.get(name) {
                Some(value) => out.push_str(&crate::escape::attribute(value)),
                None => out.extend(["{", name, "}"]),
            },
        }
    }
    out
}

/// Says where two elements differ.
///
/// A root without `to` also stands for one that is addressed to `me`.
pub(super) fn compare(
    expected: &Element,
    received: &Element,
    me: Option<&str>,
    names: &mut Names,
) -> Result<(), String> {
    let (expected, received) = (expected.root(), received.root());
    let ours = |to: &str| me.is_some_and(|me| me == to || me.split('/').next() == Some(to));
    let implied = expected.attr("to").is_none() && received.attr("to").is_some_and(ours);
    element(expected, received, implied, received.name(), names)
}

fn element(
    expected: ElementRef<'_>,
    received: ElementRef<'_>,
    implied_to: bool,
    path: &str,
    names: &mut Names,
) -> Result<(), String> {
    if (expected.name(), expected.namespace()) != (received.name(), received.namespace()) {
        return Err(format!(
            "{path}: expected {} in {:?}, received {} in {:?}",
            expected.name(),
            expected.namespace(),
            received.name(),
            received.namespace()
        ));
    }
    for attribute in expected.attrs() {
        let name = attribute.name();
        let Some(value) = received.attr_ns(name, attribute.namespace()) else {
            return Err(format!("{path}: expected {name}='{}'", attribute.value()));
        };
        if !matches(attribute.value(), value, names) {
            return Err(format!(
                "{path}: expected {name}='{}', received {name}='{value}'",
                attribute.value()
            ));
        }
    }
    for attribute in received.attrs() {
        let name = attribute.name();
        let implied = implied_to && name == "to";
        if !implied && expected.attr_ns(name, attribute.namespace()).is_none() {
            return Err(format!("{path}: did not expect {name}='{}'", attribute.value()));
        }
    }
    content(expected, received, path, names)
}

fn content(
    expected: ElementRef<'_>,
    received: ElementRef<'_>,
    path: &str,
    names: &mut Names,
) -> Result<(), String> {
    same(&nodes(expected), &nodes(received), path, names)
}

/// Holds nodes against each other, of which `{any}` stands for however many.
fn same(
    expected: &[Node<'_>],
    received: &[Node<'_>],
    path: &str,
    names: &mut Names,
) -> Result<(), String> {
    let Some((&wanted, more)) = expected.split_first() else {
        return match received.first() {
            None => Ok(()),
            Some(&found) => Err(format!("{path}: did not expect {}", shown(found))),
        };
    };
    if let Node::Text(text) = wanted
        && text.trim() == "{any}"
    {
        let mut difference = String::new();
        for passed in 0..=received.len() {
            let mut tried = names.clone();
            match same(more, &received[passed..], path, &mut tried) {
                Ok(()) => {
                    *names = tried;
                    return Ok(());
                }
                Err(reason) => difference = reason,
            }
        }
        return Err(difference);
    }
    match (wanted, received.first()) {
        (Node::Element(wanted), Some(&Node::Element(found))) => {
            element(wanted, found, false, &format!("{path}/{}", wanted.name()), names)?;
        }
        (Node::Text(wanted), Some(&Node::Text(found))) if matches(wanted, found, names) => {}
        (wanted, None) => return Err(format!("{path}: expected {}", shown(wanted))),
        (wanted, Some(&found)) => {
            return Err(format!("{path}: expected {}, received {}", shown(wanted), shown(found)));
        }
    }
    same(more, received.get(1..).unwrap_or_default(), path, names)
}

/// The content, without the space between elements.
fn nodes(of: ElementRef<'_>) -> Vec<Node<'_>> {
    let among_elements = of.children().next().is_some();
    of.nodes()
        .filter(|node| match node {
            Node::Element(_) => true,
            Node::Text(text) => !among_elements || !text.trim().is_empty(),
        })
        .collect()
}

fn shown(node: Node<'_>) -> String {
    match node {
        Node::Element(element) => format!("<{}> in {:?}", element.name(), element.namespace()),
        Node::Text(text) => format!("the text {text:?}"),
    }
}

#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    Hole(&'a str),
}

/// Splits at `{name}`.
fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let name = &text[open + 1..];
        let len = name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len());
        if len == 0 || !name[len..].starts_with('}') {
            from = open + 1;
            continue;
        }
        pieces.push(Piece::Text(&text[..open]));
        pieces.push(Piece::Hole(&name[..len]));
        (text, from) = (&name[len + 1..], 0);
    }
    pieces.push(Piece::Text(text));
    pieces
}

/// Whether a text is as a pattern says; if so, its names stand for what they matched.
fn matches(pattern: &str, text: &str, names: &mut Names) -> bool {
    let mut found = names.clone();
    let fits = fits(&pieces(pattern), text, &mut found);
    if fits {
        *names = found;
    }
    fits
}

fn fits(pieces: &[Piece<'_>], text: &str, names: &mut Names) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return text.is_empty() };
    let known = match piece {
        Piece::Text(literal) => Some((*literal).to_owned()),
        Piece::Hole(name) => names.get(*name).cloned(),
    };
    if let Some(known) = known {
        return text.strip_prefix(known.as_str()).is_some_and(|text| fits(rest, text, names));
    }
    let Piece::Hole(name) = piece else { return false };
    for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
        let mut tried = names.clone();
        if *name != "any" {
            tried.insert((*name).to_owned(), text[..end].to_owned());
        }
        if fits(rest, &text[end..], &mut tried) {
            *names = tried;
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &str, received: &str, difference: Option<&str>) {
        let parse = |text| read(text).unwrap().remove(0);
        let result = compare(
            &parse(expected),
            &parse(received),
            Some("romeo@capulet.example/orchard"),
            &mut Names::new(),
        );
        assert_eq!(result.err().as_deref(), difference);
    }

    #[test]
    fn the_same_is_the_same_however_it_is_written() {
        check("<iq type='get' id='1'/>", "<iq id=\"1\"   type='get'></iq>", None);
        check("<a><b xmlns='urn:b'/></a>", "<a><x:b xmlns:x='urn:b'/></a>", None);
        check("<a>\n  <b/>\n  <c/>\n</a>", "<a><b/><c/></a>", None);
        check("<a>&amp;</a>", "<a>&#38;</a>", None);
    }

    #[test]
    fn names_the_first_difference() {
        check(
            "<a/>",
            "<b/>",
            Some("b: expected a in \"jabber:client\", received b in \"jabber:client\""),
        );
        check(
            "<a><b xmlns='x'/></a>",
            "<a><b/></a>",
            Some("a/b: expected b in \"x\", received b in \"jabber:client\""),
        );
        check(
            "<a><b c='1'/></a>",
            "<a><b c='2'/></a>",
            Some("a/b: expected c='1', received c='2'"),
        );
        check("<a b='1'/>", "<a/>", Some("a: expected b='1'"));
        check("<a/>", "<a b='1'/>", Some("a: did not expect b='1'"));
        check("<a>x</a>", "<a>y</a>", Some("a: expected the text \"x\", received the text \"y\""));
        check("<a><b/></a>", "<a/>", Some("a: expected <b> in \"jabber:client\""));
        check("<a/>", "<a><b/></a>", Some("a: did not expect <b> in \"jabber:client\""));
    }

    #[test]
    fn placeholders_stand_for_what_they_matched_first() {
        check("<a b='{any}' c='{any}'/>", "<a b='1' c='2'/>", None);
        check("<a b='{x}' c='{x}'/>", "<a b='1' c='1'/>", None);
        check(
            "<a b='{x}' c='{x}'/>",
            "<a b='1' c='2'/>",
            Some("a: expected c='{x}', received c='2'"),
        );
        check("<a b='{any}'/>", "<a/>", Some("a: expected b='{any}'"));
        check("<a>{any}</a>", "<a><b/>text<c/></a>", None);
        check("<a><b/>{any}<d/></a>", "<a><b/><c/>text<d/></a>", None);
        check("<a>{any}<b/>{any}<d/></a>", "<a><b/><d/></a>", None);
        check("<a>{any}<b/>{any}</a>", "<a><c/></a>", Some("a: expected <b> in \"jabber:client\""));
        check("<a b='{day}T{any}Z{day}'/>", "<a b='1T2T3Z1'/>", None);
        check("<a b='{any}Z'/>", "<a b='1Zx'/>", Some("a: expected b='{any}Z', received b='1Zx'"));
        check("<a>{\"json\": {}}</a>", "<a>{\"json\": {}}</a>", None);
    }

    #[test]
    fn only_the_root_may_leave_out_that_it_is_for_me() {
        check("<a/>", "<a to='romeo@capulet.example/orchard'/>", None);
        check("<a/>", "<a to='romeo@capulet.example'/>", None);
        check(
            "<a/>",
            "<a to='juliet@capulet.example'/>",
            Some("a: did not expect to='juliet@capulet.example'"),
        );
        check(
            "<a><b/></a>",
            "<a><b to='romeo@capulet.example'/></a>",
            Some("a/b: did not expect to='romeo@capulet.example'"),
        );
    }

    #[test]
    fn a_pattern_can_begin_with_a_stream() {
        let text = "<stream:stream xmlns='jabber:client' id='{x}'
            xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>";
        let read = read(text).unwrap();
        assert_eq!(read[0].attr("id"), Some("{x}"));
        assert!(read[0].is("stream", ns::STREAM) && read[1].is("features", ns::STREAM));
    }

    #[test]
    fn what_is_sent_is_filled_in_with_what_was_received() {
        let names = Names::from([("id".to_owned(), "a'b".to_owned())]);
        assert_eq!(
            fill("<iq id='{id}' to='{other}'/>", &names),
            "<iq id='a&apos;b' to='{other}'/>"
        );
    }
}
