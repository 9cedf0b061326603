//! Lists as they are written (XEP-0016 §2.1): over the wire, and by accounts that move.

use sestina_core::Subscription;
use sestina_stanza::{Invalid, Jid, Payload, ns};
use sestina_xml::{Element, ElementRef};

use crate::{List, Rule, Stanzas, Whom};

/// `<query xmlns='jabber:iq:privacy'/>` and what it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What it is about.
    pub parts: Vec<Part>,
}

/// What a query is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The list that the session has made its own, or that there is none.
    Active(Option<String>),
    /// The list for everybody else, or that there is none.
    Default(Option<String>),
    /// A list and its rules; only its name where there are none.
    List(String, List),
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::PRIVACY;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self { parts: element.children().map(part).collect::<Result<_, _>>()? })
    }

    fn write(&self) -> Element {
        Self::builder().children(self.parts.iter().map(written)).build()
    }
}

fn part(element: ElementRef<'_>) -> Result<Part, Invalid> {
    let name = element.attr("name").map(str::to_owned);
    match element.name() {
        _ if element.namespace() != ns::PRIVACY => {
            Err(Invalid::new("a query holds lists and nothing else"))
        }
        "active" => Ok(Part::Active(name)),
        "default" => Ok(Part::Default(name)),
        "list" => {
            let name = name.filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| Invalid::attribute("name"))?;
            let rules = element.children().map(rule).collect::<Result<_, _>>()?;
            let list = List::new(rules).ok_or_else(|| Invalid::new("two rules have one order"))?;
            Ok(Part::List(name, list))
        }
        _ => Err(Invalid::new("a query holds lists and nothing else")),
    }
}

fn rule(item: ElementRef<'_>) -> Result<Rule, Invalid> {
    if !item.is("item", ns::PRIVACY) {
        return Err(Invalid::new("a list holds rules and nothing else"));
    }
    let invalid = |name| move || Invalid::attribute(name);
    let allow = match item.attr("action") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return Err(Invalid::attribute("action")),
    };
    let order = item.attr("order").and_then(number).ok_or_else(invalid("order"))?;
    let value = item.attr("value").filter(|value| !value.is_empty());
    let whom = match (item.attr("type"), value) {
        (None, None) => Some(Whom::Anyone),
        (Some("jid"), Some(jid)) => Jid::new(jid).ok().map(Whom::Jid),
        (Some("group"), Some(group)) => Some(Whom::Group(group.to_owned())),
        (Some("subscription"), Some(name)) => Subscription::from_name(name).map(Whom::Subscription),
        (Some("jid" | "group" | "subscription") | None, _) => None,
        (Some(_), _) => return Err(Invalid::attribute("type")),
    };
    let stanzas = item.children().try_fold(Stanzas::ALL, |stanzas, child| {
        let kind = Stanzas::KINDS.into_iter().find(|(name, _)| child.is(name, ns::PRIVACY));
        // What is left out of a rule without a kind would be left in.
        let (_, kind) = kind.ok_or_else(|| Invalid::new("a rule about what nobody knows"))?;
        Ok::<_, Invalid>(stanzas.and(kind))
    })?;
    Ok(Rule { order, allow, whom: whom.ok_or_else(invalid("value"))?, stanzas })
}

/// An unsigned number, without a sign.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

fn written(part: &Part) -> Element {
    let named = |element, name| Element::builder(element, ns::PRIVACY).attr_opt("name", name);
    match part {
        Part::Active(name) => named("active", name.as_deref()).build(),
        Part::Default(name) => named("default", name.as_deref()).build(),
        Part::List(name, list) => {
            named("list", Some(&**name)).children(list.rules().iter().map(item)).build()
        }
    }
}

fn item(rule: &Rule) -> Element {
    let kind = match &rule.whom {
        Whom::Anyone => None,
        Whom::Jid(_) => Some("jid"),
        Whom::Group(_) => Some("group"),
        Whom::Subscription(_) => Some("subscription"),
    };
    let stanzas = rule.stanzas.names().map(|name| Element::builder(name, ns::PRIVACY));
    Element::builder("item", ns::PRIVACY)
        .attr_opt("type", kind)
        .attr_opt("value", kind.map(|_| rule.whom.text()))
        .attr("action", if rule.allow { "allow" } else { "deny" })
        .attr("order", rule.order.to_string())
        .children(stanzas)
        .build()
}
