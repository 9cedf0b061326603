//! Changing contact lists, of which XEP-0133 knows only how they are shown.

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Call, Lines, Refusal, Server, fields};
use sestina_stanza::{Condition, Jid};

use super::{Office, command, known};

fields! {
    /// Somebody who is to be on a list.
    pub(crate) struct NewContact {
        account: Jid = "accountjid", "The address of the account";
        contact: Jid = "contactjid", "The address of the contact";
        name: Option<String> = "name", "What the contact is called";
        groups: Option<Lines> = "groups", "Groups, one a line";
    }

    /// Somebody who is on a list.
    pub(crate) struct OldContact {
        account: Jid = "accountjid", "The address of the account";
        contact: Jid = "contactjid", "The address of the contact";
    }
}

pub(crate) fn declare(office: &Arc<Office>, to: &mut Assembly) -> Result<(), AssemblyError> {
    let able = |office: &Office, _: &Server| {
        office.contacts.provider().is_some_and(|contacts| contacts.can_change())
    };
    let add = command("sestina:admin#add-contact", "Put somebody on a contact list")
        .instructions("Who sees whose presence stays as it is.")
        .if_able(office, able);
    to.command(add.runs(office, Office::add_contact))?;
    let remove = command("sestina:admin#remove-contact", "Take somebody from a contact list")
        .instructions("Neither sees the other's presence any more.")
        .if_able(office, able);
    to.command(remove.runs(office, Office::remove_contact))
}

impl Office {
    async fn add_contact(&self, call: Call<NewContact>, server: &Server) -> Result<(), Refusal> {
        known(&call.account, server).await?;
        let contacts = self.contacts.provider().ok_or(Condition::FeatureNotImplemented)?;
        let groups = call.groups.as_ref().map(|groups| groups.0.as_str()).unwrap_or_default();
        let groups = groups.lines().map(str::trim).filter(|group| !group.is_empty());
        let groups: Vec<_> = groups.map(ToOwned::to_owned).collect();
        let name = call.name.as_deref().unwrap_or_default();
        contacts.put(&call.account, &call.contact.to_bare(), name, &groups, server).await
    }

    async fn remove_contact(&self, call: Call<OldContact>, server: &Server) -> Result<(), Refusal> {
        known(&call.account, server).await?;
        let contacts = self.contacts.provider().ok_or(Condition::FeatureNotImplemented)?;
        contacts.remove(&call.account, &call.contact.to_bare(), server).await
    }
}
