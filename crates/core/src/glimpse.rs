//! How a stanza looks to somebody who follows a session: its shape, and no secret.

use sestina_stanza::ns;
use sestina_xml::{Element, ElementRef, Node, TagWriter, escape_text, write_end_tag};

/// About how many bytes are shown of one stanza.
const LONGEST: usize = 64 << 10;

/// What stands in place of a secret.
const SECRET: &str = "[secret]";

/// Parts of names of elements, attributes and fields whose values nobody sees.
const SECRETS: &[&str] =
    &["password", "passwd", "passphrase", "secret", "token", "digest", "credential"];

/// Names of secrets that are too short to look for in longer ones.
const SHORT_SECRETS: &[&str] = &["key", "pass", "pin"];

/// Elements whose text is a word of the protocol.
const PLAIN: &[&str] = &["show", "priority", "subscription", "ask"];

/// What may be shown within an element.
#[derive(Clone, Copy)]
struct View {
    texts: bool,
    /// Whether this is what was answered to a command: which of it is secret, the command knows alone.
    answers: bool,
}

/// Writes an element down for people.
pub(crate) fn show(element: &Element, texts: bool) -> String {
    let mut out = Vec::new();
    write(&mut out, element.root(), "", View { texts, answers: false });
    String::from_utf8_lossy(&out).into_owned()
}

fn write(out: &mut Vec<u8>, element: ElementRef<'_>, around: &str, view: View) {
    let (name, namespace) = (element.name(), element.namespace());
    let mut tag = TagWriter::open(out, name);
    if namespace != around && !(around.is_empty() && namespace == ns::CLIENT) {
        tag.declare("", namespace);
    }
    for attribute in element.attrs() {
        let value = if is_secret(attribute.name()) { SECRET } else { attribute.value() };
        match attribute.namespace() {
            "" => tag.attr(attribute.name(), value),
            ns::XML => tag.attr(&format!("xml:{}", attribute.name()), value),
            // Nobody reads this back, so its prefix need not be declared.
            _ => tag.attr(&format!("_:{}", attribute.name()), value),
        };
    }
    if element.nodes().next().is_none() {
        tag.finish_empty();
        return;
    }
    tag.finish();
    let form = namespace == ns::DATA_FORM;
    let secret_field = form
        && name == "field"
        && (element.attr("type") == Some("text-private")
            || element.attr("var").is_some_and(is_secret));
    let answers = view.answers || (form && name == "x" && element.attr("type") == Some("submit"));
    if is_secret(name) || secret_field {
        out.extend_from_slice(SECRET.as_bytes());
        write_end_tag(out, name);
        return;
    }
    for node in element.nodes() {
        if out.len() > LONGEST {
            out.extend_from_slice("…".as_bytes());
            break;
        }
        match node {
            Node::Element(child) => write(out, child, namespace, View { answers, ..view }),
            Node::Text(text) => {
                write_text(out, text, name, namespace, View { answers, ..view });
            }
        }
    }
    write_end_tag(out, name);
}

fn write_text(out: &mut Vec<u8>, text: &str, name: &str, namespace: &str, view: View) {
    if text.trim().is_empty() {
        escape_text(out, text);
    } else if view.answers && name == "value" {
        out.extend_from_slice(SECRET.as_bytes());
    } else if view.texts || PLAIN.contains(&name) || namespace == ns::STANZAS {
        let room = LONGEST.saturating_sub(out.len());
        let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        let shown = &text[..end.unwrap_or_default()];
        escape_text(out, shown);
        if shown.len() < text.len() {
            out.extend_from_slice("…".as_bytes());
        }
    } else {
        let count = text.chars().count();
        out.extend_from_slice(format!("[{count} characters]").as_bytes());
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SHORT_SECRETS.contains(&&*name) || SECRETS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use sestina_xml::Limits;

    use super::*;

    fn shown(xml: &str, texts: bool) -> String {
        show(&Element::parse(xml, &Limits::default()).unwrap(), texts)
    }

    #[test]
    fn texts_are_counted_unless_they_are_asked_for() {
        let message = "<message xmlns='jabber:client' to='a@b' xml:lang='en'>\
                       <body>Hark &amp; see</body></message>";
        let hidden = "<message to='a@b' xml:lang='en'><body>[10 characters]</body></message>";
        assert_eq!(shown(message, false), hidden);
        assert!(shown(message, true).contains("<body>Hark &amp; see</body>"));
        let presence = "<presence xmlns='jabber:client'><show>away</show><status>out</status>\
                        <priority>1</priority></presence>";
        let hidden = "<presence><show>away</show><status>[3 characters]</status>\
                      <priority>1</priority></presence>";
        assert_eq!(shown(presence, false), hidden);
    }

    #[test]
    fn secrets_are_never_shown() {
        for xml in [
            "<iq xmlns='jabber:client'><query xmlns='jabber:iq:register'>\
             <password>WORD</password></query></iq>",
            "<iq xmlns='jabber:client'><query xmlns='jabber:iq:auth'><digest>WORD</digest>\
             </query></iq>",
            "<iq xmlns='jabber:client'><query xmlns='jabber:iq:register'><key>WORD</key>\
             </query></iq>",
            "<presence xmlns='jabber:client'><x xmlns='http://jabber.org/protocol/muc'>\
             <password>WORD</password></x></presence>",
            "<iq xmlns='jabber:client'><token xmlns='urn:xmpp:fast:0' token='WORD'/></iq>",
            "<iq xmlns='jabber:client'><x xmlns='jabber:x:data' type='form'>\
             <field type='text-private' var='word'><value>WORD</value></field></x></iq>",
            "<iq xmlns='jabber:client'><x xmlns='jabber:x:data' type='result'>\
             <field var='muc#roomconfig_roomsecret'><value>WORD</value></field></x></iq>",
            "<iq xmlns='jabber:client'><command xmlns='http://jabber.org/protocol/commands'>\
             <x xmlns='jabber:x:data' type='submit'><field var='word'><value>WORD</value></field>\
             </x></command></iq>",
            "<iq xmlns='jabber:client'><query xmlns='jabber:iq:private'>\
             <conference xmlns='storage:bookmarks' Password='WORD'/></query></iq>",
        ] {
            let shown = shown(xml, true);
            assert!(!shown.contains("WORD"), "{shown}");
            assert!(shown.contains(SECRET), "{shown}");
        }
    }

    #[test]
    fn what_is_shown_of_one_stanza_has_a_bound() {
        let body = "a".repeat(100_000);
        let xml = format!("<message xmlns='jabber:client'><body>{body}</body><x/></message>");
        let shown = shown(&xml, true);
        assert!(shown.len() < LONGEST + 100 && shown.contains("…</body>"), "{}", shown.len());
    }
}
