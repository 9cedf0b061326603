//! The spool of jabberd 1.4: a folder for each host, and in it a file for each account.
//!
//! ```text
//! <xdb>
//!   <password xmlns='jabber:iq:auth' xdbns='jabber:iq:auth'>wherefore</password>
//!   <query xmlns='jabber:iq:roster' xdbns='jabber:iq:roster'>…</query>
//! </xdb>
//! ```
//!
//! What an element is kept under is said in `xdbns`, and the rest of it is what clients have seen.

use sestina_stanza::{Jid, ns};
use sestina_xml::{Element, ElementRef};
use zeroize::Zeroizing;

use crate::{
    Account, Encoding, Unreadable, encoding, messages,
    rewrite::{LIMITS, Rewrite},
    roster,
};

const WRAPPER: &str = "http://jabberd.org/ns/wrapper";

/// What that server notes for itself, and nobody misses.
const NOTES: &[&str] = &[
    "jabber:xdb:nslist",
    "http://jabberd.org/ns/storedpresence",
    "http://jabberd.org/ns/storedpeerpresence",
    "http://jabberd.org/ns/storedstate",
];

/// Whose file this is, by its name: `juliet.xml` is juliet's, and `global.xdb` nobody's.
#[must_use]
pub fn owner(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(".xml").filter(|name| !name.is_empty())
}

/// Reads the file of an account.
///
/// ```
/// use sestina_foreign::{Encoding, jabberd14};
///
/// let juliet = "juliet@capulet.example".parse()?;
/// let file = b"<xdb><password xmlns='jabber:iq:auth' xdbns='jabber:iq:auth'>rose</password></xdb>";
/// let account = jabberd14::read(&juliet, file, Encoding::Utf8)?;
/// assert_eq!(account.password.as_deref().map(String::as_str), Some("rose"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When it is none. What cannot be taken from one that is, stays behind.
pub fn read(of: &Jid, file: &[u8], otherwise: Encoding) -> Result<Account, Unreadable> {
    let text = Zeroizing::new(encoding::text(file, otherwise)?.into_owned());
    let file = Element::parse(text.as_str(), &LIMITS)?;
    if file.name() != "xdb" {
        return Err(Unreadable::Root(file.name().to_owned()));
    }
    let mut spool =
        Spool { of, account: Account::default(), private: Vec::new(), chain: None, hashed: None };
    for kept in file.children() {
        spool.take(kept);
    }
    Ok(spool.end())
}

struct Spool<'a> {
    of: &'a Jid,
    account: Account,
    private: Vec<Element>,
    /// What the password is checked with where clients show hashes of it.
    chain: Option<Element>,
    /// Where only something made of the password is kept.
    hashed: Option<&'static str>,
}

impl Spool<'_> {
    fn take(&mut self, kept: ElementRef<'_>) {
        let Self { of, account, .. } = self;
        match kept.attr("xdbns").unwrap_or_else(|| kept.namespace()) {
            "jabber:iq:auth" => {
                let password = Zeroizing::new(kept.text().into_owned());
                account.password = Some(password).filter(|password| !password.is_empty());
            }
            "jabber:iq:auth:crypt" => self.hashed = Some("a hash that only that server can check"),
            ns::AUTH_ZEROK => match chain(kept) {
                Some(chain) => self.chain = Some(chain),
                None => self.hashed = Some("a chain of hashes that is at its end, or is none"),
            },
            ns::ROSTER => roster::take(of, kept, account),
            "http://jabberd.org/ns/storedsubscriptionrequest" => self.requests(kept),
            "jabber:x:offline" => messages::take(of, kept.children(), account),
            ns::PRIVATE => self.private_queries(kept),
            ns::PRIVACY => self.lists(kept),
            ns::LAST if kept.attr("last").is_none() => {}
            // Passwords stood here before they had a place of their own.
            ns::REGISTER => {
                let said = kept.children().filter(|child| child.name() != "password");
                let query = Element::builder("query", ns::REGISTER);
                account.elements.push(query.children(said.map(|it| it.to_element())).build());
            }
            ns::VCARD => self.keep(kept, Some("vCard")),
            ns::LAST | "jabber:iq:filter" => self.keep(kept, Some("query")),
            note if NOTES.contains(&note) || kept.name() == "res" => {}
            _ if kept.attr("j_private_flag").is_some() => {
                self.private.extend(copy(kept, None));
            }
            other => account.leave(format!("<{} xmlns='{other}'/>", kept.name())),
        }
    }

    /// Takes an element as it is.
    fn keep(&mut self, kept: ElementRef<'_>, name: Option<&str>) {
        self.account.elements.extend(copy(kept, name));
    }

    /// Who asks to see the account.
    fn requests(&mut self, kept: ElementRef<'_>) {
        for request in kept.children() {
            let from = request.attr("from").and_then(|from| Jid::new(from).ok());
            match from.filter(|_| request.name() == "presence") {
                Some(from) => {
                    let status = request.children().find(|child| child.name() == "status");
                    let status = status.map(|status| status.text()).unwrap_or_default();
                    self.account.elements.push(roster::request(&from.to_bare(), &status));
                }
                None => self.account.leave("a request to see the account, of nobody"),
            }
        }
    }

    /// Later versions keep the queries of clients, each with what it is found by.
    fn private_queries(&mut self, kept: ElementRef<'_>) {
        for query in kept.children() {
            if query.is("query", ns::PRIVATE) {
                self.private.extend(query.children().filter_map(|it| copy(it, None)));
            } else {
                self.private.extend(copy(query, None));
            }
        }
    }

    fn lists(&mut self, kept: ElementRef<'_>) {
        let lists = || kept.children().filter(|child| child.name() == "list");
        let default = lists().find(|list| list.attr_ns("default", WRAPPER).is_some());
        let default = default
            .and_then(|list| list.attr("name"))
            .map(|name| Element::builder("default", ns::PRIVACY).attr("name", name));
        let written = lists().filter_map(|list| copy(list, None));
        let query = Element::builder("query", ns::PRIVACY).child_opt(default).children(written);
        if lists().next().is_some() {
            self.account.elements.push(query.build());
        }
    }

    fn end(self) -> Account {
        let Self { mut account, private, chain, hashed, .. } = self;
        if !private.is_empty() {
            let query = Element::builder("query", ns::PRIVATE).children(&private);
            account.elements.push(query.build());
        }
        match hashed {
            Some(hashed) if account.password.is_none() => {
                account.leave(format!("its password: what is kept of it is {hashed}"));
            }
            None if account.password.is_none() && chain.is_none() => {
                account.leave("its password, which is not there");
            }
            _ => {}
        }
        // With the password, whoever wants one makes another.
        let chain = chain.filter(|_| account.password.is_none());
        account.elements.extend(chain);
        account
    }
}

/// A chain of hashes by which somebody can yet log in.
fn chain(kept: ElementRef<'_>) -> Option<Element> {
    let text = |name| kept.children().find(|it| it.name() == name).map(|it| it.text());
    let (hash, token, sequence) = (text("hash")?, text("token")?, text("sequence")?);
    let (hash, token, sequence) = (hash.trim(), token.trim(), sequence.trim().parse::<u32>().ok()?);
    let good = hash.len() == 40 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    let good = good && (1..=64).contains(&token.len()) && (1..=10_000).contains(&sequence);
    let child = |name, text: &str| Element::builder(name, ns::AUTH_ZEROK).text(text);
    let chain = Element::builder("zerok", ns::AUTH_ZEROK)
        .child(child("hash", hash))
        .child(child("token", token))
        .child(child("sequence", &sequence.to_string()));
    good.then(|| chain.build())
}

/// An element without what that server has added. Nothing but a bound keeps it from being one.
fn copy(kept: ElementRef<'_>, name: Option<&str>) -> Option<Element> {
    let without = &["xdbns", "j_private_flag", WRAPPER];
    Rewrite { without, name, ..Rewrite::default() }.of(kept).ok()
}
