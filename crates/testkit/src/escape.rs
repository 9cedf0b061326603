//! Text as it is written in XML.

/// As the value of an attribute between apostrophes.
pub(crate) fn attribute(value: &str) -> String {
    text_of(|out| sestina_xml::escape_attribute(out, value))
}

/// As the text of an element.
pub(crate) fn text(text: &str) -> String {
    text_of(|out| sestina_xml::escape_text(out, text))
}

fn text_of(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("text stays text when it is escaped")
}
