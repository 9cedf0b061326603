//! What a rule says, and reading it.

use std::{borrow::Cow, fmt};

use sestina_stanza::{Condition as Cause, Jid, MessageType, StanzaError};
use sestina_xml::ElementRef;

/// The namespace of rules.
pub(crate) const FILTER: &str = "jabber:iq:filter";

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name of the element.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The one of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

names! {
    /// What a rule asks of a stanza. Conditions of different names must all hold, of several of one
    /// name any.
    Condition {
        /// Nobody is there: the account has no session whose priority is not negative.
        Unavailable = "unavailable",
        /// The sender's bare address is this.
        From = "from",
        /// It is addressed to this resource.
        Resource = "resource",
        /// A message has this subject.
        Subject = "subject",
        /// A message has this body.
        Body = "body",
        /// The session that would get it shows this.
        Show = "show",
        /// A message is of this type.
        Type = "type",
        /// The sender is on the contact list.
        Roster = "roster",
        /// The sender is in this group of the contact list.
        Group = "group",
        /// A request is in this namespace.
        Ns = "ns",
    }
}

names! {
    /// What a rule does with a stanza.
    Action {
        /// Answers with this text.
        Reply = "reply",
        /// Answers with this error.
        Error = "error",
        /// Makes it a message of this type.
        Settype = "settype",
        /// Passes it on to this address.
        Forward = "forward",
        /// Keeps it for later.
        Offline = "offline",
        /// Asks the rules behind this one, too.
        Continue = "continue",
    }
}

/// Which conditions and actions rules may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) actions: Vec<Action>,
}

impl Allowed {
    pub(crate) fn everything() -> Self {
        Self { conditions: Condition::ALL.into(), actions: Action::ALL.into() }
    }
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) unavailable: bool,
    pub(crate) roster: bool,
    /// Bare.
    pub(crate) from: Vec<Jid>,
    /// In lower case, as subject and body are.
    pub(crate) resource: Vec<String>,
    pub(crate) subject: Vec<String>,
    pub(crate) body: Vec<String>,
    pub(crate) show: Vec<String>,
    pub(crate) kind: Vec<MessageType>,
    pub(crate) group: Vec<String>,
    pub(crate) ns: Vec<String>,
    pub(crate) reply: Option<String>,
    pub(crate) error: Option<StanzaError>,
    pub(crate) settype: Option<MessageType>,
    pub(crate) forward: Vec<Jid>,
    pub(crate) offline: bool,
    pub(crate) goes_on: bool,
}

/// Why rules are not taken, in words for whoever wrote them.
pub(crate) type Unfit = Cow<'static, str>;

/// The rules within a query, each with what is wrong with it.
pub(crate) fn rules<'e>(
    query: ElementRef<'e>,
    allowed: &Allowed,
) -> impl Iterator<Item = Result<Rule, Unfit>> + use<'e> {
    let allowed = allowed.clone();
    query.children().map(move |child| Rule::read(child, &allowed))
}

impl Rule {
    fn read(element: ElementRef<'_>, allowed: &Allowed) -> Result<Self, Unfit> {
        if !element.is("rule", FILTER) {
            return Err(format!("<{}/> is no rule", element.name()).into());
        }
        let mut rule = Self::default();
        for child in element.children() {
            let name = child.name();
            let known = child.namespace() == FILTER;
            let condition = Condition::from_name(name).filter(|_| known);
            let action = Action::from_name(name).filter(|_| known);
            match (condition, action) {
                (Some(condition), _) if allowed.conditions.contains(&condition) => {
                    rule.ask(condition, child)?;
                }
                (_, Some(action)) if allowed.actions.contains(&action) => {
                    rule.act(action, child)?
                }
                _ => return Err(format!("<{name}/> is not allowed here").into()),
            }
        }
        if !rule.ns.is_empty() && rule.acts_on_messages() {
            return Err("a rule about <ns/> is about requests, which can only be refused".into());
        }
        Ok(rule)
    }

    fn ask(&mut self, condition: Condition, child: ElementRef<'_>) -> Result<(), Unfit> {
        let whole = child.text();
        let text = whole.trim();
        match condition {
            Condition::Unavailable => self.unavailable = true,
            Condition::Roster => self.roster = true,
            Condition::From => self.from.push(address(condition, text)?.to_bare()),
            Condition::Resource => self.resource.push(text.to_lowercase()),
            Condition::Subject => self.subject.push(whole.to_lowercase()),
            Condition::Body => self.body.push(whole.to_lowercase()),
            Condition::Show => self.show.push(text.to_owned()),
            Condition::Type => self.kind.push(kind(condition, text)?),
            Condition::Group => self.group.push(text.to_owned()),
            Condition::Ns => self.ns.push(text.to_owned()),
        }
        Ok(())
    }

    fn act(&mut self, action: Action, child: ElementRef<'_>) -> Result<(), Unfit> {
        let text = child.text();
        let again = match action {
            Action::Reply => self.reply.replace(text.into_owned()).is_some(),
            Action::Error => self.error.replace(error(child)).is_some(),
            Action::Settype => match kind(action, text.trim())? {
                MessageType::Error => return Err("no message can be made an error".into()),
                kind => self.settype.replace(kind).is_some(),
            },
            Action::Forward => {
                let to = address(action, text.trim())?;
                if !self.forward.contains(&to) {
                    self.forward.push(to);
                }
                false
            }
            Action::Offline => std::mem::replace(&mut self.offline, true),
            Action::Continue => std::mem::replace(&mut self.goes_on, true),
        };
        match again {
            true => Err(format!("<{action}/> stands twice in one rule").into()),
            false => Ok(()),
        }
    }

    /// Whether it does something that only a message can be done to.
    fn acts_on_messages(&self) -> bool {
        self.reply.is_some() || self.settype.is_some() || !self.forward.is_empty() || self.offline
    }

    /// Whether it is for dropping what it is about.
    pub(crate) fn is_bare(&self) -> bool {
        !self.acts_on_messages() && self.error.is_none() && !self.goes_on
    }

    /// Whether it needs the contact list.
    pub(crate) fn needs_contacts(&self) -> bool {
        self.roster || !self.group.is_empty()
    }
}

fn address(within: impl fmt::Display, text: &str) -> Result<Jid, Unfit> {
    Jid::new(text).map_err(|error| format!("<{within}/>: {error}").into())
}

/// The type of a message; without a name it is an ordinary one.
fn kind(within: impl fmt::Display, text: &str) -> Result<MessageType, Unfit> {
    match text {
        "" => Ok(MessageType::Normal),
        text => MessageType::from_name(text)
            .ok_or_else(|| format!("<{within}/> names no type of message").into()),
    }
}

/// The error of a rule, in the words of today or those of its time. One that says nothing says that
/// nobody is there.
fn error(element: ElementRef<'_>) -> StanzaError {
    let said = StanzaError::read(element);
    let mut error = match said.condition() {
        Cause::UndefinedCondition if element.attr("code").is_none() => {
            StanzaError::new(Cause::ServiceUnavailable)
        }
        condition => StanzaError::new(condition).with_type(said.kind()),
    };
    if let Some(text) = said.text() {
        error = error.with_text(text);
    }
    if let Some(address) = said.address() {
        error = error.with_address(address);
    }
    error
}

#[cfg(test)]
mod tests {
    use sestina_xml::{Element, Limits};

    use super::*;

    fn read(rule: &str) -> Result<Rule, Unfit> {
        let query = format!("<query xmlns='jabber:iq:filter'>{rule}</query>");
        let query = Element::parse(query, &Limits::default()).unwrap();
        rules(query.root(), &Allowed::everything()).next().unwrap()
    }

    #[test]
    fn the_order_within_a_rule_does_not_matter() {
        let one = read(
            "<rule><offline/><continue/><reply>Farewell</reply><from>romeo@montague.example/a</from>\
             <body>Hark</body></rule>",
        );
        let other = read(
            "<rule><body>hARK</body><from>romeo@montague.example</from><continue/>\
             <reply>Farewell</reply><offline/></rule>",
        );
        assert_eq!(one, other);
        let one = one.unwrap();
        assert_eq!(
            (one.reply.as_deref(), one.offline, one.goes_on),
            (Some("Farewell"), true, true)
        );
        assert_eq!(one.body, ["hark"]);
    }

    #[test]
    fn errors_of_any_age_are_understood() {
        let error = |error: &str| read(&format!("<rule>{error}</rule>")).unwrap().error.unwrap();
        let old = error("<error code='403'>Begone</error>");
        assert_eq!((old.condition(), old.text()), (Cause::Forbidden, Some("Begone")));
        let new = error(
            "<error type='cancel' by='prince@verona.example'>\
             <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:juliet@mantua.example</gone></error>",
        );
        assert_eq!(new.condition(), Cause::Gone);
        assert_eq!(new.address(), Some("xmpp:juliet@mantua.example"));
        assert_eq!(new.by(), None, "nobody speaks for somebody else");
        assert_eq!(error("<error/>"), Cause::ServiceUnavailable.into());
        assert_eq!(error("<error>Away</error>").text(), Some("Away"));
        assert_eq!(error("<error code='999'/>").condition(), Cause::UndefinedCondition);
    }

    #[test]
    fn requests_can_only_be_refused() {
        for (actions, fit) in [
            ("", true),
            ("<error code='405'/>", true),
            ("<continue/>", true),
            ("<error code='405'/><continue/>", true),
            ("<reply>No</reply>", false),
            ("<settype>chat</settype>", false),
            ("<forward>nurse@capulet.example</forward>", false),
            ("<offline/>", false),
        ] {
            let rule = read(&format!("<rule><ns>jabber:iq:version</ns>{actions}</rule>"));
            assert_eq!(rule.is_ok(), fit, "{actions}");
        }
    }

    #[test]
    fn what_makes_no_rule() {
        for rule in [
            "<item/>",
            "<rule xmlns='urn:example:other'/>",
            "<rule><from>@</from></rule>",
            "<rule><from/></rule>",
            "<rule><forward> </forward></rule>",
            "<rule><type>letter</type></rule>",
            "<rule><settype>letter</settype></rule>",
            "<rule><settype>error</settype></rule>",
            "<rule><reply>One</reply><reply>Two</reply></rule>",
            "<rule><offline/><offline/></rule>",
            "<rule><moon/></rule>",
            "<rule><from xmlns='urn:example:other'>romeo@montague.example</from></rule>",
        ] {
            assert!(read(rule).is_err(), "{rule}");
        }
        let rule = read("<rule><type/><settype/></rule>").unwrap();
        assert_eq!(
            (&*rule.kind, rule.settype),
            (&[MessageType::Normal][..], Some(MessageType::Normal))
        );
    }
}
