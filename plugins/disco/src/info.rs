//! What an entity is and does.

use std::collections::BTreeSet;

use sestina_core::{Identity, Node, Scope, Server};
use sestina_stanza::{DataForm, Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='http://jabber.org/protocol/disco#info'/>` (XEP-0030 §3): asked or answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// The node that is asked.
    pub node: Option<String>,
    /// What it is, sorted.
    pub identities: BTreeSet<Identity>,
    /// What it does, sorted.
    pub features: BTreeSet<String>,
    /// What else there is to know (XEP-0128).
    pub forms: Vec<DataForm>,
}

impl Info {
    /// What there is at a node.
    pub(crate) fn of_node(node: &str, found: Node) -> Self {
        Self {
            node: Some(node.to_owned()),
            identities: found.identities.into_iter().collect(),
            features: found.features.into_iter().collect(),
            forms: Vec::new(),
        }
    }

    /// What is registered about entities of these scopes.
    pub(crate) fn gather(scopes: &[Scope], server: &Server) -> Self {
        let mut info = Self::default();
        for described in scopes.iter().filter_map(|scope| server.describe(scope)) {
            info.identities.extend(described.identities().cloned());
            info.features.extend(described.features().map(ToOwned::to_owned));
            for form in described.forms(server) {
                info.add(form);
            }
        }
        info
    }
}

impl Info {
    /// Adds a form. What several plugins tell for one purpose is told in one form: a second one of the
    /// same `FORM_TYPE` would be a fault (XEP-0115 §5.4).
    fn add(&mut self, form: DataForm) {
        let purpose = form.form_type();
        let same = self.forms.iter_mut().find(|it| purpose.is_some() && it.form_type() == purpose);
        let Some(same) = same else { return self.forms.push(form) };
        for field in form.fields {
            match same.fields.iter_mut().find(|it| it.var == field.var) {
                Some(known) => {
                    let new = field.values.into_iter().filter(|it| !known.values.contains(it));
                    known.values.extend(new.collect::<Vec<_>>());
                }
                None => same.fields.push(field),
            }
        }
    }
}

impl Payload for Info {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::DISCO_INFO;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let mut info =
            Self { node: element.attr("node").map(ToOwned::to_owned), ..Self::default() };
        for child in element.children() {
            match (child.name(), child.namespace()) {
                ("identity", ns::DISCO_INFO) => {
                    info.identities.insert(identity(child)?);
                }
                ("feature", ns::DISCO_INFO) => {
                    let var = child.attr("var").ok_or_else(|| Invalid::attribute("var"))?;
                    info.features.insert(var.to_owned());
                }
                _ if DataForm::is(child) => info.forms.push(DataForm::read(child)?),
                _ => {}
            }
        }
        Ok(info)
    }

    fn write(&self) -> Element {
        let identities = self.identities.iter().map(|identity| {
            let element = Element::builder("identity", ns::DISCO_INFO)
                .attr("category", &identity.category)
                .attr("type", &identity.kind)
                .attr_opt("name", identity.name.as_deref());
            match &identity.lang {
                Some(lang) => element.lang(lang),
                None => element,
            }
        });
        let features = self
            .features
            .iter()
            .map(|feature| Element::builder("feature", ns::DISCO_INFO).attr("var", feature));
        Self::builder()
            .attr_opt("node", self.node.as_deref())
            .children(identities)
            .children(features)
            .children(self.forms.iter().map(Payload::write))
            .build()
    }
}

fn identity(element: ElementRef<'_>) -> Result<Identity, Invalid> {
    let named = |name: &str| {
        let value = element.attr(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| Invalid::attribute(name))
    };
    let mut identity = Identity::new(named("category")?, named("type")?);
    identity.lang = element.lang_in_force().map(ToOwned::to_owned);
    identity.name = element.attr("name").map(ToOwned::to_owned);
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use sestina_stanza::Field;
    use sestina_xml::Limits;

    use super::*;

    #[test]
    fn it_reads_as_it_was_written() {
        let mut lettered = Identity::new("client", "pc").named("Ψ");
        lettered.lang = Some("el".into());
        let info = Info {
            node: Some("n#v".into()),
            identities: [lettered, Identity::new("server", "im")].into(),
            features: ["b".into(), "a".into()].into(),
            forms: vec![DataForm::result("urn:f").field(Field::new("os").value("none"))],
        };
        assert_eq!(Info::read(info.write().root()), Ok(info));
    }

    #[test]
    fn there_is_one_form_for_each_purpose() {
        let form = |purpose: &str, var: &str, values: &[&str]| {
            DataForm::result(purpose).field(Field::new(var).values(values.iter().copied()))
        };
        let mut info = Info::default();
        for (purpose, var, values) in [
            ("urn:f", "doors", &["north"][..]),
            ("urn:g", "doors", &["none"]),
            ("urn:f", "walls", &["four"]),
            ("urn:f", "doors", &["south", "north"]),
        ] {
            info.add(form(purpose, var, values));
        }
        let f =
            form("urn:f", "doors", &["north", "south"]).field(Field::new("walls").value("four"));
        assert_eq!(info.forms, [f, form("urn:g", "doors", &["none"])]);
    }

    #[test]
    fn an_identity_without_a_type_is_none() {
        for content in
            ["<identity category='server'/>", "<identity category='' type='im'/>", "<feature/>"]
        {
            let xml = format!("<query xmlns='{}'>{content}</query>", ns::DISCO_INFO);
            let element = Element::parse(xml, &Limits::default()).expect("well-formed");
            assert!(Info::read(element.root()).is_err(), "{content}");
        }
    }
}
