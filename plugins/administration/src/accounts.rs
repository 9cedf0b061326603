//! Accounts and their sessions (XEP-0133 §4.1 to §4.9).

use sestina_core::{Call, Caller, Lines, Refusal, Report, Secret, Server, Subscription, fields};
use sestina_stanza::{Condition, DataForm, Field, Jid, StanzaError, StreamCondition, StreamError};

use super::{ADMIN, Office, known, not_oneself};

fields! {
    /// An account that is to be.
    pub(crate) struct NewAccount {
        account: Jid = "accountjid", "The address of the account";
        password: Secret = "password", "Its password";
        again: Secret = "password-verify", "Its password again";
    }

    /// Accounts that something is done to.
    pub(crate) struct Named {
        accounts: Vec<Jid> = "accountjids", "The addresses of the accounts";
    }

    /// One account.
    pub(crate) struct One {
        account: Jid = "accountjid", "The address of the account";
    }

    /// Another password.
    pub(crate) struct NewPassword {
        account: Jid = "accountjid", "The address of the account";
        password: Secret = "password", "Its new password";
    }

    /// What is known of a user.
    pub(crate) struct Statistics {
        account: Jid = "accountjid", "The address of the account";
        disabled: bool = "disabled", "Disabled";
        contacts: Option<u32> = "rostersize", "Contacts";
        resources: Option<Lines> = "onlineresources", "Online resources";
    }
}

impl Office {
    pub(crate) async fn add(&self, call: Call<NewAccount>, server: &Server) -> Result<(), Refusal> {
        if call.password != call.again {
            let text = "the passwords are not the same";
            return Err(StanzaError::new(Condition::NotAcceptable).with_text(text).into());
        }
        Ok(server.accounts().create(&call.account, call.password.reveal()).await?)
    }

    pub(crate) async fn delete(
        &self,
        call: Call<Named>,
        server: &Server,
    ) -> Result<Report, Refusal> {
        let mut tally = self.tally(&call.accounts)?;
        for account in &call.accounts {
            tally.count(account, delete(&call.by, account, server).await);
        }
        tally.report()
    }

    pub(crate) async fn disable(
        &self,
        call: Call<Named>,
        server: &Server,
    ) -> Result<Report, Refusal> {
        let mut tally = self.tally(&call.accounts)?;
        for account in &call.accounts {
            tally.count(account, disable(&call.by, account, server).await);
        }
        tally.report()
    }

    pub(crate) async fn enable(
        &self,
        call: Call<Named>,
        server: &Server,
    ) -> Result<Report, Refusal> {
        let mut tally = self.tally(&call.accounts)?;
        for account in &call.accounts {
            let done = server.accounts().set_disabled(account, false).await;
            tally.count(account, done.map_err(Into::into));
        }
        tally.report()
    }

    /// XEP-0133 §4.5: they can log in again at once.
    pub(crate) async fn end_sessions(
        &self,
        call: Call<Named>,
        server: &Server,
    ) -> Result<Report, Refusal> {
        let mut tally = self.tally(&call.accounts)?;
        for account in &call.accounts {
            tally.count(account, end(account, server));
        }
        tally.report()
    }

    pub(crate) async fn change_password(
        &self,
        call: Call<NewPassword>,
        server: &Server,
    ) -> Result<(), Refusal> {
        Ok(server.accounts().set_password(&call.account, call.password.reveal()).await?)
    }

    /// XEP-0133 §4.8, as a table: a form within a form is shown by nobody.
    pub(crate) async fn roster(
        &self,
        call: Call<One>,
        server: &Server,
    ) -> Result<DataForm, Refusal> {
        known(&call.account, server).await?;
        let contacts = self.contacts.provider().ok_or(Condition::FeatureNotImplemented)?;
        let mut contacts = contacts.contacts(&call.account).wait().await?;
        contacts.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
        let mut form = DataForm::result(ADMIN)
            .field(Field::jid_single("accountjid").value(call.account.as_str()));
        form.reported = vec![
            Field::jid_single("jid").label("Contact"),
            Field::text_single("subscription").label("Subscription"),
            Field::text_multi("group").label("Groups"),
        ];
        form.items.extend(contacts.iter().map(|(jid, contact)| {
            let subscription = match contact.subscription {
                Subscription::None => "none",
                Subscription::To => "to",
                Subscription::From => "from",
                Subscription::Both => "both",
            };
            vec![
                Field::new("jid").value(jid.as_str()),
                Field::new("subscription").value(subscription),
                Field::new("group").values(contact.groups.iter().map(|group| &**group)),
            ]
        }));
        Ok(form)
    }

    pub(crate) async fn statistics(
        &self,
        call: Call<One>,
        server: &Server,
    ) -> Result<Statistics, Refusal> {
        let account = call.given.account;
        let disabled = server.accounts().is_disabled(&account).await?;
        let contacts = match self.contacts.provider() {
            Some(contacts) => {
                let count = contacts.contacts(&account).wait().await?.len();
                Some(count.try_into().unwrap_or(u32::MAX))
            }
            None => None,
        };
        let sessions = server.sessions(&account);
        let mut resources: Vec<_> =
            sessions.iter().filter_map(|session| session.jid().resource()).collect();
        resources.sort_unstable();
        let resources = (!resources.is_empty()).then(|| Lines(resources.join("\n")));
        Ok(Statistics { account, disabled, contacts, resources })
    }
}

async fn delete(by: &Caller, account: &Jid, server: &Server) -> Result<(), Refusal> {
    not_oneself(by, account)?;
    Ok(server.accounts().remove(account).await?)
}

async fn disable(by: &Caller, account: &Jid, server: &Server) -> Result<(), Refusal> {
    not_oneself(by, account)?;
    Ok(server.accounts().set_disabled(account, true).await?)
}

fn end(address: &Jid, server: &Server) -> Result<(), Refusal> {
    let mut sessions = server.sessions(address);
    sessions.retain(|session| address.is_bare() || session.jid() == address);
    if sessions.is_empty() {
        return Err(Condition::ItemNotFound.into());
    }
    for session in sessions {
        let ended = StreamError::new(StreamCondition::PolicyViolation);
        session.close(Some(ended.with_text("an administrator has ended this session")));
    }
    Ok(())
}
