//! A contact list as it is kept in memory while its owner is there: packed, and never changed.

use std::{cmp::Ordering, collections::HashMap, sync::Arc};

use sestina_core::{Contact, Subscription};

use crate::{
    book::{Book, Entry},
    subscription::Standing,
};

/// A [`Book`] in few allocations: all texts in one, groups shared, 32 bytes a contact beside them.
#[derive(Debug, Default)]
pub(crate) struct List {
    epoch: u64,
    version: u64,
    forgotten: u64,
    removed: Box<[(Box<str>, u64)]>,
    /// Each address with its name behind it.
    text: Box<str>,
    /// Every group once.
    groups: Box<[Arc<str>]>,
    /// Groups of contacts, one contact after the other.
    memberships: Box<[u16]>,
    /// By address.
    rows: Box<[Row]>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// Where its text begins.
    text: u32,
    /// Where its groups begin.
    groups: u32,
    jid_bytes: u16,
    name_bytes: u16,
    group_count: u16,
    standing: Standing,
    listed: bool,
    changed: u64,
}

/// A contact on a [`List`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    list: &'a List,
    row: &'a Row,
}

/// What has happened since a version.
#[derive(Debug)]
pub(crate) enum Since<'a> {
    /// Nothing.
    Nothing,
    /// These changes, in their order.
    Changes(Vec<Change<'a>>),
    /// More than is known.
    Everything,
}

/// A change, and the version that it made.
#[derive(Debug)]
pub(crate) enum Change<'a> {
    /// How things stand with a contact.
    Shown(u64, Item<'a>),
    /// Somebody who is no contact any more.
    Removed(u64, &'a str),
}

impl List {
    pub(crate) fn pack(book: &Book) -> Self {
        let mut text = String::with_capacity(book.bytes());
        let (mut groups, mut known) = (Vec::new(), HashMap::<&str, u16>::new());
        let mut memberships = Vec::new();
        let mut rows = Vec::with_capacity(book.entries.len());
        for (jid, entry) in &book.entries {
            let at = (text.len(), memberships.len());
            text.push_str(jid);
            text.push_str(&entry.name);
            for group in &entry.groups {
                let next = u16::try_from(groups.len()).unwrap_or(u16::MAX);
                memberships.push(*known.entry(group).or_insert_with(|| {
                    groups.push(Arc::from(&**group));
                    next
                }));
            }
            rows.push(Row {
                text: narrow(at.0),
                groups: narrow(at.1),
                jid_bytes: narrow(jid.len()),
                name_bytes: narrow(entry.name.len()),
                group_count: narrow(entry.groups.len()),
                standing: entry.standing,
                listed: entry.listed,
                changed: entry.changed,
            });
        }
        let removed = book.removed.iter().map(|(jid, version)| (jid.as_str().into(), *version));
        Self {
            epoch: book.epoch,
            version: book.version,
            forgotten: book.forgotten,
            removed: removed.collect(),
            text: text.into(),
            groups: groups.into(),
            memberships: memberships.into(),
            rows: rows.into(),
        }
    }

    /// The same, to be changed.
    pub(crate) fn unpack(&self) -> Book {
        let removed = self.removed.iter().map(|(jid, version)| (jid.to_string(), *version));
        Book {
            epoch: self.epoch,
            version: self.version,
            forgotten: self.forgotten,
            removed: removed.collect(),
            entries: self.items().map(|item| (item.jid().to_owned(), item.entry())).collect(),
        }
    }

    /// Whether anything was ever written on it.
    pub(crate) fn is_begun(&self) -> bool {
        self.epoch != 0
    }

    /// All contacts and strangers, by address.
    pub(crate) fn items(&self) -> impl DoubleEndedIterator<Item = Item<'_>> {
        self.rows.iter().map(|row| Item { list: self, row })
    }

    /// Those whom clients see.
    pub(crate) fn listed(&self) -> impl Iterator<Item = Item<'_>> {
        self.items().filter(|item| item.row.listed)
    }

    /// About how many bytes it takes on the wire.
    pub(crate) fn written_bytes(&self) -> usize {
        const ITEM: usize = "<item jid='' name='' subscription='both'></item>".len();
        const GROUP: usize = "<group></group>".len() + 12;
        self.text.len() + ITEM * self.rows.len() + GROUP * self.memberships.len()
    }

    /// What is known of somebody, by bare JID.
    pub(crate) fn find(&self, jid: &str) -> Option<Item<'_>> {
        let at = self.rows.binary_search_by(|row| self.jid(row).cmp(jid)).ok()?;
        Some(Item { list: self, row: self.rows.get(at)? })
    }

    /// What can be changed about somebody, by bare JID.
    pub(crate) fn entry(&self, jid: &str) -> Entry {
        self.find(jid).map(|item| item.entry()).unwrap_or_default()
    }

    /// The version as clients are told it.
    pub(crate) fn version(&self) -> String {
        self.version_of(self.version)
    }

    /// An earlier version as clients were told it.
    pub(crate) fn version_of(&self, version: u64) -> String {
        format!("{:x}-{version}", self.epoch)
    }

    /// What a client has missed that knows a version, at most so many changes.
    pub(crate) fn since(&self, version: &str, most: usize) -> Since<'_> {
        let known = version.split_once('-').and_then(|(epoch, version)| {
            let epoch = u64::from_str_radix(epoch, 16).ok()?;
            (epoch == self.epoch).then(|| version.parse::<u64>().ok())?
        });
        let Some(known) = known.filter(|known| (self.forgotten..=self.version).contains(known))
        else {
            return Since::Everything;
        };
        if known == self.version {
            return Since::Nothing;
        }
        let shown = self.listed().filter(|item| item.row.changed > known);
        let removed = self.removed.iter().filter(|(_, version)| *version > known);
        let mut changes: Vec<_> = shown
            .map(|item| Change::Shown(item.row.changed, item))
            .chain(removed.map(|(jid, version)| Change::Removed(*version, jid)))
            .take(most.saturating_add(1))
            .collect();
        if changes.len() > most {
            return Since::Everything;
        }
        changes.sort_by_key(Change::version);
        Since::Changes(changes)
    }

    fn jid(&self, row: &Row) -> &str {
        let at = row.text as usize;
        self.text.get(at..at + usize::from(row.jid_bytes)).unwrap_or_default()
    }
}

impl Change<'_> {
    pub(crate) fn version(&self) -> u64 {
        match self {
            Self::Shown(version, _) | Self::Removed(version, _) => *version,
        }
    }
}

impl<'a> Item<'a> {
    pub(crate) fn jid(&self) -> &'a str {
        self.list.jid(self.row)
    }

    pub(crate) fn name(&self) -> &'a str {
        let at = self.row.text as usize + usize::from(self.row.jid_bytes);
        self.list.text.get(at..at + usize::from(self.row.name_bytes)).unwrap_or_default()
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &'a Arc<str>> + use<'a> {
        let (list, at) = (self.list, self.row.groups as usize);
        let memberships = list.memberships.get(at..at + usize::from(self.row.group_count));
        memberships.unwrap_or_default().iter().filter_map(|at| list.groups.get(usize::from(*at)))
    }

    pub(crate) fn standing(&self) -> Standing {
        self.row.standing
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.row.listed
    }

    pub(crate) fn subscription(&self) -> Subscription {
        self.row.standing.state.subscription()
    }

    /// As other plugins see it; nothing of those who have only asked.
    pub(crate) fn contact(&self) -> Option<Contact> {
        let groups: Arc<[Arc<str>]> = self.groups().cloned().collect();
        self.row.listed.then(|| Contact::new(self.subscription(), groups))
    }

    fn entry(&self) -> Entry {
        Entry {
            name: self.name().to_owned(),
            groups: self.groups().map(|group| group.to_string()).collect(),
            standing: self.row.standing,
            listed: self.row.listed,
            changed: self.row.changed,
        }
    }
}

impl PartialEq for Item<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.jid().cmp(other.jid()) == Ordering::Equal && self.entry() == other.entry()
    }
}

/// Lists are bounded so that all of this fits.
fn narrow<N: TryFrom<usize> + Default>(number: usize) -> N {
    N::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::State;

    fn book() -> Book {
        let mut book = Book { epoch: 0xfeed, ..Book::default() };
        for (jid, name, groups, state, listed) in [
            ("romeo@montague.example", "Romeo", &["Friends", "Verona"][..], State::Both, true),
            ("capulet.example", "", &["Verona"], State::None, true),
            ("paris@verona.example", "", &[], State::NonePendingIn, false),
        ] {
            let entry = Entry {
                name: name.into(),
                groups: groups.iter().map(|&group| group.into()).collect(),
                standing: Standing { state, approved: false },
                listed,
                changed: 0,
            };
            book.write(jid, entry, 2);
        }
        book
    }

    #[test]
    fn unpacks_to_what_was_packed() {
        let book = book();
        let list = List::pack(&book);
        assert_eq!(list.unpack(), book);
        assert_eq!(list.groups.len(), 2);
        assert_eq!(size_of::<Row>(), 32);
        let romeo = list.find("romeo@montague.example").unwrap();
        assert_eq!((romeo.name(), romeo.groups().count()), ("Romeo", 2));
        assert_eq!(
            list.listed().map(|item| item.jid()).collect::<Vec<_>>(),
            ["capulet.example", "romeo@montague.example"]
        );
        assert!(list.find("paris@verona.example").unwrap().contact().is_none());
        assert!(list.find("romeo@").is_none());
        assert_eq!(List::pack(&Book::default()).unpack(), Book::default());
    }

    #[test]
    fn a_hundred_contacts_take_eight_kilobytes() {
        let mut book = Book::default();
        for number in 0..100 {
            let entry = Entry {
                name: format!("Contact {number}"),
                groups: vec![format!("Group {}", number % 5)],
                listed: true,
                ..Entry::default()
            };
            book.write(&format!("contact{number}@capulet.example"), entry, 8);
        }
        let list = List::pack(&book);
        let groups: usize = list.groups.iter().map(|group| 32 + group.len()).sum();
        let bytes = size_of_val(&*list.rows) + size_of_val(&*list.memberships);
        let bytes = size_of::<List>() + bytes + list.text.len() + groups;
        assert!(bytes < 8 << 10, "{bytes}");
    }

    /// Versions and addresses of what a client is told that knows a version.
    fn since(list: &List, version: &str, most: usize) -> Option<Vec<(u64, String)>> {
        match list.since(version, most) {
            Since::Nothing => Some(Vec::new()),
            Since::Changes(changes) => Some(
                changes
                    .iter()
                    .map(|change| match change {
                        Change::Shown(version, item) => (*version, item.jid().to_owned()),
                        Change::Removed(version, jid) => (*version, format!("-{jid}")),
                    })
                    .collect(),
            ),
            Since::Everything => None,
        }
    }

    #[test]
    fn tells_what_was_missed_in_its_order() {
        let mut book = book();
        book.write("romeo@montague.example", Entry::default(), 1);
        let shown = Entry { name: "The Prince".into(), listed: true, ..Entry::default() };
        book.write("escalus@verona.example", shown, 1);
        let list = List::pack(&book);
        let (romeo, escalus) = ("-romeo@montague.example", "escalus@verona.example");
        let both = vec![(3, romeo.to_owned()), (4, escalus.to_owned())];
        assert_eq!(list.version(), "feed-4");
        assert_eq!(since(&list, "feed-4", 8), Some(vec![]));
        assert_eq!(since(&list, "feed-3", 8), Some(both[1..].to_vec()));
        assert_eq!(since(&list, "feed-2", 2), Some(both));
        assert_eq!(since(&list, "feed-2", 1), None, "over the bound");
        for unknown in ["", "feed-5", "dead-4", "feed-", "4", "feed-x"] {
            assert_eq!(since(&list, unknown, 8), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_forgotten_cannot_be_told() {
        let mut book = book();
        book.write("romeo@montague.example", Entry::default(), 1);
        book.write("capulet.example", Entry::default(), 1);
        let list = List::pack(&book);
        assert_eq!(since(&list, "feed-2", 8), None);
        assert_eq!(since(&list, "feed-3", 8), Some(vec![(4, "-capulet.example".to_owned())]));
    }
}
