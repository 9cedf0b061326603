//! One short string that stands for all that an entity says of itself.

use sestina_core::Identity;
use sestina_sasl::encode_base64;
use sestina_stanza::{DataForm, FORM_TYPE, Field};
use sha1::{Digest, Sha1};

use crate::Info;

impl Info {
    /// The verification string (XEP-0115 §5.1), by SHA-1, which is what everybody knows.
    ///
    /// Two entities that say the same of themselves have the same.
    #[must_use]
    pub fn verification(&self) -> String {
        let mut text = String::new();
        for Identity { category, kind, lang, name } in &self.identities {
            let or_none = |part: &Option<String>| part.clone().unwrap_or_default();
            let parts = [category.clone(), kind.clone(), or_none(lang), or_none(name)];
            push(&mut text, &parts.join("/"));
        }
        for feature in &self.features {
            push(&mut text, feature);
        }
        let mut forms: Vec<_> =
            self.forms.iter().filter_map(|form| Some((form.form_type()?, form))).collect();
        forms.sort_by_key(|(form_type, _)| *form_type);
        for (form_type, form) in forms {
            push(&mut text, form_type);
            push_fields(&mut text, form);
        }
        encode_base64(&Sha1::digest(text))
    }
}

fn push_fields(text: &mut String, form: &DataForm) {
    let var = |field: &Field| field.var.clone().unwrap_or_default();
    let mut fields: Vec<_> = form.fields.iter().filter(|field| var(field) != FORM_TYPE).collect();
    fields.sort_by_key(|field| var(field));
    for field in fields {
        push(text, &var(field));
        let mut values: Vec<_> = field.values.iter().collect();
        values.sort();
        values.into_iter().for_each(|value| push(text, value));
    }
}

fn push(text: &mut String, part: &str) {
    text.push_str(part);
    text.push('<');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> [&'static str; 4] {
        [
            "http://jabber.org/protocol/muc",
            "http://jabber.org/protocol/disco#items",
            "http://jabber.org/protocol/caps",
            "http://jabber.org/protocol/disco#info",
        ]
    }

    /// XEP-0115 §5.2
    #[test]
    fn a_simple_entity() {
        let info = Info {
            identities: [Identity::new("client", "pc").named("Exodus 0.9.1")].into(),
            features: features().map(Into::into).into(),
            ..Info::default()
        };
        assert_eq!(info.verification(), "QgayPKawpkPSDYmwT/WM94uAlu0=");
    }

    /// XEP-0115 §5.3
    #[test]
    fn an_entity_with_languages_and_a_form() {
        let psi = |lang: &str, name: &str| Identity {
            lang: Some(lang.into()),
            ..Identity::new("client", "pc").named(name)
        };
        let form = DataForm::result("urn:xmpp:dataforms:softwareinfo")
            .field(Field::new("ip_version").values(["ipv6", "ipv4"]))
            .field(Field::new("os").value("Mac"))
            .field(Field::new("software_version").value("0.11"))
            .field(Field::new("os_version").value("10.5.1"))
            .field(Field::new("software").value("Psi"));
        let info = Info {
            node: None,
            identities: [psi("en", "Psi 0.11"), psi("el", "Ψ 0.11")].into(),
            features: features().map(Into::into).into(),
            forms: vec![form],
        };
        assert_eq!(info.verification(), "q07IKJEyjvHSyhy//CH0CxmKi8w=");
    }
}
