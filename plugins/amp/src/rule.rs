//! Rules as they stand in a message (XEP-0079 §3, §5).

use sestina_core::Refusal;
use sestina_stanza::{
    Condition, ErrorType, Invalid, Kind, MessageType, Stanza, StanzaError, Timestamp, ns,
};
use sestina_xml::{Builder, Element, ElementRef};

/// What a sender wants done, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) when: When,
    pub(crate) action: Action,
    value: Box<str>,
}

/// When a rule is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Deliver(Way),
    ExpireAt(Timestamp),
    MatchResource(Resource),
}

macro_rules! names {
    ($($(#[$about:meta])* $type:ident { $($variant:ident $name:literal)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $type { $($variant),* }

        impl $type {
            /// All, with their names on the wire.
            pub(crate) const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$variant)),*];

            fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, it)| *it)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                match self { $(Self::$variant => $name),* }
            }
        }
    )*};
}

names! {
    /// What is done where a rule is met.
    Action { Alert "alert" Drop "drop" Error "error" Notify "notify" }
    /// Which way a message would go.
    Way { Direct "direct" Forward "forward" Gateway "gateway" Nowhere "none" Stored "stored" }
    /// Which resource would get it.
    Resource { Any "any" Exact "exact" Other "other" }
    /// What a rule can be about.
    About { Deliver "deliver" ExpireAt "expire-at" MatchResource "match-resource" }
}

impl When {
    fn read(about: About, value: &str) -> Option<Self> {
        match about {
            About::Deliver => Way::of(value).map(Self::Deliver),
            // XEP-0079 §3.3.2: the time is that of UTC.
            About::ExpireAt => {
                value.ends_with('Z').then(|| value.parse().ok().map(Self::ExpireAt)).flatten()
            }
            About::MatchResource => Resource::of(value).map(Self::MatchResource),
        }
    }

    fn about(self) -> About {
        match self {
            Self::Deliver(_) => About::Deliver,
            Self::ExpireAt(_) => About::ExpireAt,
            Self::MatchResource(_) => About::MatchResource,
        }
    }
}

impl Rule {
    /// Writes the rule into an element.
    pub(crate) fn write(&self, into: Builder) -> Builder {
        into.child_with("rule", |rule| {
            rule.attr("action", self.action)
                .attr("condition", self.when.about())
                .attr("value", &self.value)
        })
    }

    /// Whether its sender hears of it.
    pub(crate) fn tells(&self) -> bool {
        self.action != Action::Drop
    }
}

/// The rules of a message, and whether every server on its way is to look at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<Rule>,
    pub(crate) per_hop: bool,
}

/// The element of a message in which its rules are; nothing if it has none, or tells of rules that
/// somebody else's message had.
pub(crate) fn element(stanza: &Stanza) -> Option<ElementRef<'_>> {
    match stanza.kind() {
        Kind::Message(kind) if kind != MessageType::Error => {
            stanza.child("amp", ns::AMP).filter(|amp| amp.attr("status").is_none())
        }
        _ => None,
    }
}

/// Reads the rules of a message that has some (XEP-0079 §2.2.1); all that is wrong is told, at most
/// about as many rules as there may be, and about the first that is too many.
pub(crate) fn read(stanza: &Stanza, amp: ElementRef<'_>, most: usize) -> Result<Rules, Refusal> {
    if stanza.id().is_none_or(str::is_empty) {
        return Err(Invalid::attribute("id").into());
    }
    if stanza.children().filter(|child| child.is("amp", ns::AMP)).count() > 1 {
        return Err(Invalid::new("there is more than one <amp/>").into());
    }
    let per_hop = match amp.attr("per-hop") {
        None | Some("false" | "0") => false,
        Some("true" | "1") => true,
        Some(_) => return Err(Invalid::attribute("per-hop").into()),
    };
    let (mut rules, mut strange, mut undoable, mut wrong) = (vec![], vec![], vec![], vec![]);
    for (at, rule) in amp.children().filter(|it| it.is("rule", ns::AMP)).enumerate() {
        if at == most {
            wrong.push(rule);
            break;
        }
        let named = (rule.attr("condition"), rule.attr("action"), rule.attr("value"));
        let (Some(condition), Some(action), Some(value)) = named else {
            wrong.push(rule);
            continue;
        };
        let (about, action) = (About::of(condition), Action::of(action));
        if about.is_none() {
            strange.push(rule);
        }
        if action.is_none() {
            undoable.push(rule);
        }
        let (Some(about), Some(action)) = (about, action) else { continue };
        match When::read(about, value) {
            Some(when) => rules.push(Rule { when, action, value: value.into() }),
            None => wrong.push(rule),
        }
    }
    for (rules, name, condition) in [
        (strange, "unsupported-conditions", Condition::BadRequest),
        (undoable, "unsupported-actions", Condition::BadRequest),
        (wrong, "invalid-rules", Condition::NotAcceptable),
    ] {
        if !rules.is_empty() {
            let rules = rules.into_iter().map(|rule| rule.to_element());
            let about = Element::builder(name, ns::AMP).children(rules);
            return Err(refusal(condition, about.build()));
        }
    }
    if rules.is_empty() {
        return Err(Invalid::child("rule").into());
    }
    Ok(Rules { rules, per_hop })
}

/// Whoever is told of these would learn what they may not see (XEP-0079 §9).
pub(crate) fn not_for_them(rules: &[Rule]) -> Refusal {
    let told = rules.iter().filter(|rule| rule.tells());
    let about = told.fold(Element::builder("invalid-rules", ns::AMP), |it, rule| rule.write(it));
    refusal(Condition::NotAcceptable, about.build())
}

fn refusal(condition: Condition, about: Element) -> Refusal {
    StanzaError::new(condition).with_type(ErrorType::Modify).with_application(about).into()
}
