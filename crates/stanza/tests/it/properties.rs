//! What holds for any input.

use proptest::prelude::*;
use sestina_stanza::{
    Condition, DataForm, Field, FieldType, FormType, Jid, JidError, Kind, Payload, Stanza,
    StanzaError, StreamError, fuzzing,
};
use sestina_xml::Element;

/// Text that XML can hold, with all that has to be escaped.
fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~\t\néß😀\u{2028}&<>'\"\\]]{0,12}").expect("an expression")
}

fn address() -> impl Strategy<Value = Jid> {
    let part = |letters: &str| proptest::string::string_regex(letters).expect("an expression");
    (
        proptest::option::of(part("[a-zA-Z0-9.!#$éß]{1,8}")),
        part("[a-zA-Z0-9]{1,8}(\\.[a-z0-9]{1,8}){0,2}\\.?"),
        proptest::option::of(part("[ -~é😀ẞ]{1,8}")),
    )
        .prop_filter_map("refused", |(local, domain, resource)| {
            Jid::from_parts(local.as_deref(), &domain, resource.as_deref()).ok()
        })
}

fn kind() -> impl Strategy<Value = Kind> {
    use sestina_stanza::{IqType, MessageType, PresenceType};
    prop_oneof![
        Just(Kind::from(MessageType::Chat)),
        Just(Kind::from(MessageType::Normal)),
        Just(Kind::from(MessageType::Error)),
        Just(Kind::from(PresenceType::Available)),
        Just(Kind::from(PresenceType::Subscribe)),
        Just(Kind::from(IqType::Result)),
        Just(Kind::from(IqType::Get)),
    ]
}

fn stanza() -> impl Strategy<Value = Stanza> {
    let optional = proptest::option::of(text());
    let addresses = (proptest::option::of(address()), proptest::option::of(address()));
    (kind(), addresses, text(), optional, text(), text()).prop_map(
        |(kind, (to, from), id, lang, inner, attribute)| {
            let mut stanza = Stanza::of(kind)
                .id(id)
                .child(Element::builder("x", "urn:example:&").attr("a", attribute).text(inner))
                .build();
            stanza.set_to(to);
            stanza.set_from(from);
            stanza.set_lang(lang.as_deref());
            stanza
        },
    )
}

fn field() -> impl Strategy<Value = Field> {
    let kinds = [
        "boolean",
        "fixed",
        "hidden",
        "jid-multi",
        "jid-single",
        "list-multi",
        "list-single",
        "text-multi",
        "text-private",
        "text-single",
    ];
    let kind = proptest::sample::select(kinds.map(FieldType::from_name).to_vec());
    (
        kind,
        text(),
        proptest::option::of(text()),
        any::<bool>(),
        proptest::collection::vec(text(), 0..3),
    )
        .prop_map(|(kind, var, label, required, values)| Field {
            kind,
            var: Some(var),
            label,
            required,
            values,
            ..Field::default()
        })
}

proptest! {
    #[test]
    fn a_stanza_reads_as_it_was_written(stanza in stanza()) {
        let mut out = Vec::new();
        stanza.write_standalone(&mut out, stanza.namespace());
        let read = Stanza::read(stanza.to_element()).expect("a stanza");
        prop_assert_eq!(&read, &stanza);
        prop_assert_eq!(read.to_string().into_bytes(), out.clone());
        fuzzing::stanza_roundtrip(&out);
    }

    #[test]
    fn any_stanza_like_bytes_are_read_or_refused(
        name in "(f:|stream:)?(message|presence|iq|x)",
        attributes in "( (to|from|id|type|xml:lang|f:a|b)='[a-z@/&;#<\t]{0,6}'){0,4}",
        content in "(<(f:)?[a-z]( a='1')?/>|[a-z ]|&amp;|<body>x</body>|<error/>){0,4}",
    ) {
        fuzzing::stanza_roundtrip(format!("<{name}{attributes}>{content}</{name}>").as_bytes());
    }

    #[test]
    fn a_normal_address_is_its_own_normal_form(
        text in "([a-zA-ZéßΣ\u{212b}\u{fb01}.]{0,4}@)?[a-zA-ZÉ0-9.\\-\u{3002}\u{ff0e}]{1,8}(/.{0,6})?",
    ) {
        fuzzing::jid(text.as_bytes());
    }

    #[test]
    fn any_text_is_an_address_or_not(text in "\\PC{0,12}", any in any::<String>()) {
        fuzzing::jid(text.as_bytes());
        fuzzing::jid(any.as_bytes());
        fuzzing::jid(format!("a@b/{any}").as_bytes());
        fuzzing::jid(format!("{any}@b").as_bytes());
        fuzzing::jid(format!("a@{text}").as_bytes());
    }

    #[test]
    fn an_address_never_outgrows_its_parts(part in "[\u{3300}\u{fb01}a]{1,1100}") {
        for text in [format!("{part}@b"), format!("a@b/{part}")] {
            match Jid::new(&text) {
                Ok(jid) => {
                    prop_assert!(jid.local().is_none_or(|local| local.len() <= 1023));
                    prop_assert!(jid.resource().is_none_or(|resource| resource.len() <= 1023));
                }
                Err(error) => {
                    prop_assert!(matches!(error, JidError::TooLong(_)), "{error:?}");
                }
            }
        }
    }

    #[test]
    fn a_form_reads_as_it_was_written(
        title in proptest::option::of(text()),
        fields in proptest::collection::vec(field(), 0..5),
    ) {
        let form = DataForm { title, fields, ..DataForm::new(FormType::Form) };
        let element = form.write();
        prop_assert_eq!(DataForm::read(element.root()), Ok(form.clone()));
        fuzzing::data_form(element.to_string().as_bytes());
        let submitted = DataForm { kind: FormType::Submit, ..form.clone() };
        if let Ok(submission) = form.validate(&submitted) {
            for (var, values) in submission.iter() {
                prop_assert!(form.find(var).is_some());
                prop_assert!(values.len() <= form.values(var).len());
            }
        }
    }

    #[test]
    fn an_error_reads_as_it_was_written(
        condition in proptest::sample::select(Condition::ALL),
        text in "[!-~é][ -~é]{0,10}[!-~é]",
        by in proptest::option::of(address()),
    ) {
        let mut error = StanzaError::new(condition).with_text(text.clone());
        if let Some(by) = by {
            error = error.with_by(by);
        }
        prop_assert_eq!(StanzaError::read(error.to_element("jabber:client").root()), error);
        let condition = sestina_stanza::StreamCondition::Conflict;
        let error = StreamError::new(condition).with_text(text);
        prop_assert_eq!(StreamError::read(&error.to_element()), error);
    }
}
