//! Counting people (XEP-0133 §4.12 to §4.21).

use std::{collections::BTreeSet, sync::Arc};

use sestina_core::{
    AccountError, Assembly, AssemblyError, Call, FieldValue, Refusal, Report, Server, Session,
    fields,
};
use sestina_stanza::{DataForm, Field, Jid};

use super::{ADMIN, command};

/// Whom to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Everybody with an account.
    Registered,
    /// Those who may not log in.
    Disabled,
    /// Those who are logged in.
    Online,
    /// Those who are there.
    Active,
    /// Those who are online and have said at all of their clients that they are away.
    Idle,
}

fields! {
    /// How many are to be listed.
    pub(crate) struct Most {
        most: Option<MaxItems> = "max_items", "The most to be listed";
    }
}

/// A bound on a list (XEP-0133 §4.17): one of those that are offered, or none.
pub(crate) struct MaxItems(Option<usize>);

impl FieldValue for MaxItems {
    fn field(var: &str) -> Field {
        Field::list_single(var, ["25", "50", "75", "100", "150", "200", "none"]).required()
    }

    fn read(values: &[String]) -> Option<Self> {
        match values.first()?.as_str() {
            "none" => Some(Self(None)),
            number => number.parse().ok().map(|most| Self(Some(most))),
        }
    }

    fn write(&self) -> Vec<String> {
        vec![self.0.map_or_else(|| "none".to_owned(), |most| most.to_string())]
    }
}

/// Counts some people, and lists them.
pub(crate) struct Census {
    who: Who,
    listed: usize,
}

impl Census {
    pub(crate) fn declare(who: Who, listed: usize, to: &mut Assembly) -> Result<(), AssemblyError> {
        let census = Arc::new(Self { who, listed });
        let (number, number_title, list, list_title) = who.nodes();
        to.command(command(number, number_title).runs(&census, Self::number))?;
        to.command(command(list, list_title).runs(&census, Self::list))
    }

    async fn number(&self, _: Call<()>, server: &Server) -> Result<DataForm, Refusal> {
        let (number, _) = self.who.vars();
        let count = self.who.find(server).await?.len();
        Ok(DataForm::result(ADMIN).field(Field::text_single(number).value(count.to_string())))
    }

    async fn list(&self, call: Call<Most>, server: &Server) -> Result<Report, Refusal> {
        let (_, list) = self.who.vars();
        let found = self.who.find(server).await?;
        let asked = call.most.as_ref().and_then(|most| most.0).unwrap_or(usize::MAX);
        let most = asked.min(self.listed);
        let listed = found.iter().take(most).map(Jid::as_str);
        let form = DataForm::result(ADMIN).field(Field::jid_multi(list).values(listed));
        let report = Report { form: Some(form), ..Report::new() };
        if found.len() > most {
            return Ok(report.note(format!("{most} of {}", found.len())));
        }
        Ok(report)
    }
}

impl Who {
    pub(crate) const ALL: [Self; 5] =
        [Self::Registered, Self::Disabled, Self::Online, Self::Active, Self::Idle];

    /// The node and title of the number, and those of the list.
    const fn nodes(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Registered => (
                "http://jabber.org/protocol/admin#get-registered-users-num",
                "Count all users",
                "http://jabber.org/protocol/admin#get-registered-users-list",
                "List all users",
            ),
            Self::Disabled => (
                "http://jabber.org/protocol/admin#get-disabled-users-num",
                "Count disabled users",
                "http://jabber.org/protocol/admin#get-disabled-users-list",
                "List disabled users",
            ),
            Self::Online => (
                "http://jabber.org/protocol/admin#get-online-users-num",
                "Count users who are online",
                "http://jabber.org/protocol/admin#get-online-users-list",
                "List users who are online",
            ),
            Self::Active => (
                "http://jabber.org/protocol/admin#get-active-users-num",
                "Count users who are there",
                "http://jabber.org/protocol/admin#get-active-users",
                "List users who are there",
            ),
            Self::Idle => (
                "http://jabber.org/protocol/admin#get-idle-users-num",
                "Count users who are away",
                "http://jabber.org/protocol/admin#get-idle-users",
                "List users who are away",
            ),
        }
    }

    /// The field of the number, and that of the list.
    const fn vars(self) -> (&'static str, &'static str) {
        match self {
            Self::Registered => ("registeredusersnum", "registereduserjids"),
            Self::Disabled => ("disabledusersnum", "disableduserjids"),
            Self::Online => ("onlineusersnum", "onlineuserjids"),
            Self::Active => ("activeusersnum", "activeuserjids"),
            Self::Idle => ("idleusersnum", "idleuserjids"),
        }
    }

    /// All of them, sorted.
    async fn find(self, server: &Server) -> Result<Vec<Jid>, Refusal> {
        match self {
            Self::Registered => Ok(server.accounts().list().await?),
            Self::Disabled => {
                let mut disabled = Vec::new();
                for account in server.accounts().list().await? {
                    match server.accounts().is_disabled(&account).await {
                        Ok(true) => disabled.push(account),
                        Ok(false) | Err(AccountError::Unknown | AccountError::Busy) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(disabled)
            }
            Self::Online => Ok(accounts(server, |_| true)),
            Self::Active => Ok(accounts(server, is_there)),
            Self::Idle => {
                let there = accounts(server, is_there);
                let mut away = accounts(server, Session::is_available);
                away.retain(|account| {
                    there.binary_search_by(|it| it.as_str().cmp(account.as_str())).is_err()
                });
                Ok(away)
            }
        }
    }
}

/// The accounts that have such a session, sorted.
fn accounts(server: &Server, want: impl Fn(&Session) -> bool) -> Vec<Jid> {
    let sessions = server.all_sessions();
    let wanted = sessions.iter().filter(|session| want(session));
    let names: BTreeSet<_> = wanted.map(|session| session.account().as_str()).collect();
    names.into_iter().filter_map(|name| Jid::new(name).ok()).collect()
}

/// RFC 6121 §4.7.2.1: available, and neither away nor away for long.
fn is_there(session: &Session) -> bool {
    let show = session.presence().map(|presence| {
        presence.child_text("show").is_some_and(|show| matches!(&*show, "away" | "xa"))
    });
    show == Some(false)
}
