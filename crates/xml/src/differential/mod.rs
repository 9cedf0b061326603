//! Holds this crate against `rxml`: same verdict, same events, whatever the bytes.
//!
//! Not part of the API; the fuzz targets call it through the feature `__differential`.

use rxml::error::EndOrError;
use rxml::parser::RawEvent;
use rxml::{Event, Options, Parse, Parser, RawParser, WithOptions};

use crate::scope::XMLNS_NAMESPACE;
use crate::{Element, ElementRef, Frame, Limits, Node, StreamParser, XmlError};

/// `rxml` takes time that grows with the square of the depth, and bounds nothing.
const LIMITS: Limits = Limits { depth: 100, ..Limits::trusted() };

const HEADER: &str = "<stream:stream xmlns='jabber:client' xmlns:ack='urn:ack' \
    xmlns:stream='http://etherx.jabber.org/streams'>";

/// Panics if this crate and `rxml` disagree on `data`, or this crate with itself.
pub fn check(data: &[u8]) {
    check_element(data);
    check_stream(data);
    check_splits(data);
    check_splits(&[HEADER.as_bytes(), data].concat());
}

/// What both parsers tell about an element, brought into one form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Start { name: (String, String), attributes: Vec<(String, String, String)> },
    Text(String),
    End,
}

/// One element alone: read by both, and written and read again.
fn check_element(data: &[u8]) {
    let data = crate::chars::trim_spaces(data);
    let ours = Element::parse(data, &LIMITS);
    if data.starts_with(b"<?") || data.starts_with(b"<!") {
        assert!(ours.is_err(), "an element has no prolog");
        return;
    }
    if matches!(ours, Err(XmlError::Limit(_))) {
        return;
    }
    let Reference { events, error, ends_with_root } = read_by_rxml(data, true);
    match &ours {
        Ok(element) => {
            assert_eq!(error, None, "only rxml refuses");
            assert_eq!(tell(element.root()), events);
            check_writing(element);
        }
        // Behind the root `rxml` takes white space in any guise, be it a CDATA section.
        Err(ours) => {
            let refused = error.is_some() || has_gap(data) || !ends_with_root;
            assert!(refused, "only we refuse: {ours}");
        }
    }
    if error.is_none() && has_gap(data) {
        assert!(ours.is_err(), "rxml lets it pass and the standard does not");
    }
}

fn check_writing(element: &Element) {
    let alone = element.to_string();
    assert_eq!(Element::parse(&alone, &LIMITS).as_ref(), Ok(element), "{alone}");
    for child in element.children() {
        assert_eq!(child.to_element().root(), child);
    }
    let mut elsewhere = b"<elsewhere xmlns='urn:elsewhere'>".to_vec();
    element.rewrite_to(&mut elsewhere, "urn:elsewhere", |tag| {
        for kept in element.start().attributes().filter(|one| !one.is_declaration()) {
            tag.copy(&kept);
        }
    });
    element.write_to(&mut elsewhere, "urn:elsewhere");
    elsewhere.extend_from_slice(b"</elsewhere>");
    let limits = Limits { depth: LIMITS.depth + 1, ..LIMITS };
    let elsewhere = Element::parse(&elsewhere, &limits).expect("what is written can be read");
    assert!(elsewhere.children().eq([element.root(), element.root()]));
    for attribute in element.root().attrs().filter(|one| one.namespace().is_empty()) {
        assert_eq!(element.clone().attr(attribute.name()), Some(attribute.value()));
    }
}

/// Elements in the scope of a stream: the same ones, up to the first fault.
fn check_stream(data: &[u8]) {
    let input = [HEADER.as_bytes(), data].concat();
    let (frames, error) = frames(&input, input.len());
    if matches!(error, Some(XmlError::Limit(_))) {
        return;
    }
    let mut ours = Vec::new();
    for frame in &frames {
        match frame {
            Frame::Open(header) => ours.push(tell(header.as_element()).swap_remove(0)),
            Frame::Element(element) => ours.extend(tell(element.root())),
            Frame::Close => ours.push(Told::End),
        }
    }
    let Reference { events: mut theirs, error: their_error, .. } = read_by_rxml(&input, false);
    drop_text_of_root(&mut theirs);
    let complete = complete_elements(&theirs);
    // What streams forbid between elements although XML has it: text, and CDATA sections.
    let beyond_xml = matches!(error, Some(XmlError::StrayText | XmlError::Restricted));
    if let Some(error) = error {
        if beyond_xml || has_gap(&input) {
            assert!(complete.starts_with(&ours));
            return;
        }
        // Within a tag that is wrong already `rxml` may wait for the end of what it takes for a value.
        let refused = their_error.is_some()
            || ["'", "\""].iter().any(|quote| {
                read_by_rxml(&[&input, quote.as_bytes()].concat(), false).error.is_some()
            });
        assert!(refused, "only we refuse: {error}");
    }
    assert_eq!(ours, complete);
}

/// The same frames and the same error, however the bytes are cut.
fn check_splits(data: &[u8]) {
    let whole = frames(data, data.len());
    for size in [1, 2, 3, 5, 11] {
        assert_eq!(frames(data, size), whole, "cut every {size} bytes");
    }
}

fn frames(data: &[u8], size: usize) -> (Vec<Frame>, Option<XmlError>) {
    let mut parser = StreamParser::new(LIMITS);
    let mut frames = Vec::new();
    for mut piece in data.chunks(size.max(1)) {
        loop {
            match parser.next(&mut piece) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

fn tell(root: ElementRef<'_>) -> Vec<Told> {
    fn start(element: ElementRef<'_>) -> Told {
        let mut attributes: Vec<_> = element
            .attrs()
            .map(|one| (one.namespace().into(), one.name().into(), one.value().into()))
            .collect();
        attributes.sort();
        Told::Start { name: (element.namespace().into(), element.name().into()), attributes }
    }
    let mut told = vec![start(root)];
    let mut open = vec![root.content()];
    while let Some(content) = open.last_mut() {
        match content.next() {
            Some(Node::Text(text)) => told.push(Told::Text(text.into())),
            Some(Node::Element(element)) => {
                told.push(start(element));
                open.push(element.content());
            }
            None => {
                told.push(Told::End);
                open.pop();
            }
        }
    }
    told
}

/// What `rxml` makes of a document.
#[derive(Debug, Default)]
struct Reference {
    events: Vec<Told>,
    error: Option<rxml::Error>,
    /// Nothing follows the root's end tag.
    ends_with_root: bool,
}

fn read_by_rxml(data: &[u8], at_end: bool) -> Reference {
    let data = normalise_line_ends(data);
    let options = Options { max_token_length: data.len() + 16, ..Options::default() };
    let mut parser = Parser::with_options(options);
    let mut rest = &data[..];
    let mut depth = 0_usize;
    let mut told = Reference::default();
    loop {
        match parser.parse(&mut rest, at_end) {
            Ok(Some(Event::StartElement(_, (namespace, name), attributes))) => {
                let mut attributes: Vec<_> = attributes
                    .iter()
                    .map(|((ns, name), value)| (ns.to_string(), name.to_string(), value.clone()))
                    .collect();
                attributes.sort();
                let name = (namespace.to_string(), name.to_string());
                told.events.push(Told::Start { name, attributes });
                depth += 1;
            }
            Ok(Some(Event::Text(_, text))) => match told.events.last_mut() {
                Some(Told::Text(before)) => before.push_str(&text),
                _ => told.events.push(Told::Text(text)),
            },
            Ok(Some(Event::EndElement(_))) => {
                told.events.push(Told::End);
                depth = depth.saturating_sub(1);
                told.ends_with_root = depth == 0 && rest.is_empty();
            }
            Ok(Some(Event::XmlDeclaration(..))) => {}
            Ok(None) | Err(EndOrError::NeedMoreData) => return told,
            Err(EndOrError::Error(error)) => {
                told.error = Some(error);
                return told;
            }
        }
    }
}

/// XML 1.0 §2.11 does this before anything else, and `rxml` does it wrong in attribute values.
fn normalise_line_ends(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut bytes = data.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' {
            bytes.next_if_eq(&b'\n');
            out.push(b'\n');
        } else {
            out.push(byte);
        }
    }
    out
}

/// Whether the bytes have what `rxml` should refuse and does not.
fn has_gap(data: &[u8]) -> bool {
    let options = Options { max_token_length: data.len() + 16, ..Options::default() };
    let mut parser = RawParser::with_options(options);
    let data = normalise_line_ends(data);
    let mut rest = &data[..];
    let mut defaults = 0;
    while let Ok(Some(event)) = parser.parse(&mut rest, false) {
        match event {
            RawEvent::ElementHeadOpen(..) => defaults = 0,
            RawEvent::Attribute(_, (prefix, name), value) => {
                let default = prefix.is_none() && name == "xmlns";
                let declares = default || prefix.is_some_and(|prefix| prefix == "xmlns");
                defaults += u32::from(default);
                if defaults > 1 || (declares && value == XMLNS_NAMESPACE) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// Drops text directly within the stream's root, which is none of its elements.
fn drop_text_of_root(told: &mut Vec<Told>) {
    let mut depth = 0_usize;
    told.retain(|one| {
        match one {
            Told::Start { .. } => depth += 1,
            Told::End => depth = depth.saturating_sub(1),
            Told::Text(_) => return depth != 1,
        }
        true
    });
}

/// The root's start and all of the elements within it that have ended.
fn complete_elements(told: &[Told]) -> Vec<Told> {
    let (mut depth, mut complete) = (0_usize, 0);
    for (at, one) in told.iter().enumerate() {
        match one {
            Told::Start { .. } => depth += 1,
            Told::End => depth = depth.saturating_sub(1),
            Told::Text(_) => {}
        }
        if depth <= 1 {
            complete = at + 1;
        }
    }
    told.get(..complete).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests;
