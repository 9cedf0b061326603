//! What the fuzz targets run; each takes any bytes and panics only where this crate is wrong.

use sestina_xml::{Element, Frame, Limits, StreamParser};

use crate::{
    Condition, DataForm, FormType, Jid, MessageType, Payload, ReadError, Stanza, StanzaError,
};

/// What a client's stream may begin with: prefixes that its stanzas then rely on.
const HEADER: &str = "<stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' xmlns:f='urn:example:foreign' version='1.0'>";

/// A stanza that is read reads the same after it is written, and so does what answers it.
pub fn stanza_roundtrip(data: &[u8]) {
    let mut stream = StreamParser::new(Limits::default());
    let mut input = &*[HEADER.as_bytes(), data].concat();
    while let Ok(Some(frame)) = stream.next(&mut input) {
        if let Frame::Element(element) = frame {
            check_stanza(element);
        }
    }
}

fn check_stanza(element: Element) {
    let stanza = match Stanza::read(element) {
        Ok(stanza) => stanza,
        Err(ReadError::Malformed(malformed)) => {
            let Some(reply) = malformed.reply() else { return };
            assert_eq!(reply.reported_error().as_ref(), Some(&malformed.error));
            reply
        }
        Err(ReadError::NotAStanza(_)) => return,
    };
    assert_eq!(reread(&stanza), stanza);
    if let Some(result) = stanza.result(None) {
        assert_eq!(reread(&result), result);
        assert_eq!((result.to(), result.id()), (stanza.from(), stanza.id()));
    }
    let refusal = StanzaError::from(Condition::ServiceUnavailable);
    if let Some(error) = stanza.error(&refusal) {
        assert_eq!(reread(&error), error);
        assert_eq!(error.reported_error(), Some(refusal));
    }
    // A request has one payload, so that another one is added to a message only.
    let mut stanza = stanza;
    stanza.set_kind(MessageType::Normal);
    let added = |stanza: &Stanza| stanza.child("added", "urn:example:added").is_some();
    let more = stanza.with_child(Element::builder("added", "urn:example:added"));
    assert_eq!(reread(&more), more);
    assert!(added(&more) && !added(&more.without_child("added", "urn:example:added")));
    if !added(&stanza) {
        assert_eq!(more.without_child("added", "urn:example:added"), stanza);
    }
}

/// Sends a stanza by another stream, which declares no more than it must, and reads it there.
fn reread(stanza: &Stanza) -> Stanza {
    let namespace = stanza.namespace();
    let mut out = format!(
        "<stream:stream xmlns='{namespace}' xmlns:stream='http://etherx.jabber.org/streams'>"
    )
    .into_bytes();
    stanza.write(&mut out);
    let (mut stream, mut input) = (StreamParser::new(Limits::trusted()), &*out);
    let header = stream.next(&mut input).expect("a header");
    assert!(matches!(header, Some(Frame::Open(_))));
    let Ok(Some(Frame::Element(element))) = stream.next(&mut input) else {
        panic!("what is written is well-formed: {}", String::from_utf8_lossy(&out));
    };
    assert!(input.is_empty());
    match Stanza::read(element) {
        Ok(stanza) => stanza,
        // The error that answers an IQ without an id lacks it too.
        Err(ReadError::Malformed(malformed)) if stanza.id().is_none() => malformed.stanza,
        Err(error) => panic!("what is written is a stanza: {error}"),
    }
}

/// A normal address is its own normal form, and its parts make it up.
pub fn jid(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(jid) = Jid::new(text) else { return };
    assert_eq!(Jid::new(jid.as_str()).as_ref(), Ok(&jid));
    let parts = Jid::from_parts(jid.local(), jid.domain(), jid.resource());
    assert_eq!(parts.as_ref(), Ok(&jid));
    assert_eq!(Jid::new(jid.bare_str()), Ok(jid.to_bare()));
    assert!(jid.as_str().starts_with(jid.bare_str()) && jid.to_bare().same_bare(&jid));
    // An address can be written into XML, and only its resource has to be escaped.
    assert!(!jid.bare_str().contains(['"', '&', '\'', '<', '>']));
    assert!(!jid.as_str().chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')));
}

/// A form that is read reads the same after it is written, and checks against itself without panic.
pub fn data_form(data: &[u8]) {
    let Ok(element) = Element::parse(data, &Limits::default()) else { return };
    let forms = element.children().chain([element.root()]).filter(|child| DataForm::is(*child));
    let forms: Vec<_> = forms.filter_map(|form| DataForm::read(form).ok()).collect();
    for form in &forms {
        let mut expected = form.clone();
        if form.kind != FormType::Form {
            // What is offered is not repeated in the answer.
            let fields = expected.fields.iter_mut().chain(&mut expected.reported);
            for field in fields.chain(expected.items.iter_mut().flatten()) {
                field.options.clear();
            }
        }
        assert_eq!(DataForm::read(form.write().root()), Ok(expected));
        for filled_in in &forms {
            let _ = form.validate(filled_in);
        }
    }
}
