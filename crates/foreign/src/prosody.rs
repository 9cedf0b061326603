//! The data of Prosody as its own storage keeps it: a folder for each host, in it one for each kind of
//! data, and in that a file for each account.
//!
//! ```text
//! capulet%2eexample/accounts/juliet.dat    return { ["password"] = "wherefore"; };
//! capulet%2eexample/roster/juliet.dat      return { ["romeo@montague.example"] = { … }; };
//! capulet%2eexample/offline/juliet.list    item({ ["name"] = "message"; … });
//! ```

use std::fmt::Write as _;

use sestina_sasl::encode_base64;
use sestina_stanza::{Delay, Jid, Stanza, Timestamp, ns};
use sestina_xml::{Element, TagWriter, escape_text, write_end_tag};
use zeroize::Zeroizing;

use crate::{
    Account, Unreadable,
    document::verifier,
    lua::{self, Table, Value},
    messages,
    rewrite::LIMITS,
    roster,
};

/// The kinds of data that are read, by the names of their folders.
pub const STORES: [&str; 5] = ["accounts", "roster", "vcard", "private", "offline"];

/// What a folder or a file stands for, less its ending: everything but letters and digits is written
/// as `%` and two digits.
#[must_use]
pub fn name(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        bytes.push(match (first, more) {
            (b'%', [high, low, more @ ..]) => {
                rest = more;
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                u8::try_from(digit(high)? * 16 + digit(low)?).ok()?
            }
            (b'%', _) => return None,
            _ => *first,
        });
    }
    String::from_utf8(bytes).ok().filter(|name| !name.is_empty())
}

/// Whose file this is, by its name.
#[must_use]
pub fn owner(file_name: &str) -> Option<String> {
    let encoded = file_name.strip_suffix(".dat").or_else(|| file_name.strip_suffix(".list"))?;
    name(encoded)
}

/// The files of one account, one for each kind of data.
#[derive(Debug, Default)]
pub struct Files<'f> {
    files: [Option<&'f [u8]>; 5],
}

impl<'f> Files<'f> {
    /// Adds a file of one of [`STORES`]; says whether it is of one.
    pub fn add(&mut self, store: &str, file: &'f [u8]) -> bool {
        let at = STORES.iter().position(|known| *known == store);
        let place = at.and_then(|at| self.files.get_mut(at));
        place.map(|place| *place = Some(file)).is_some()
    }
}

/// Reads an account.
///
/// ```
/// use sestina_foreign::prosody::{self, Files};
///
/// let juliet = "juliet@capulet.example".parse()?;
/// let mut files = Files::default();
/// files.add("accounts", b"return { [\"password\"] = \"rose\"; };");
/// let account = prosody::read(&juliet, &files)?;
/// assert_eq!(account.password.as_deref().map(String::as_str), Some("rose"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When one of the files is none. What cannot be taken from those that are, stays behind.
pub fn read(of: &Jid, files: &Files<'_>) -> Result<Account, Unreadable> {
    let mut account = Account::default();
    let [accounts, contacts, card, private, offline] = files.files;
    let table = |store, file: Option<&[u8]>| match file.map(lua::value).transpose() {
        Ok(None | Some(Value::Nil)) => Ok(Table::default()),
        Ok(Some(Value::Table(table))) => Ok(table),
        Ok(Some(_)) => Err(Unreadable::Lua { store, line: 1, expected: "a table" }),
        Err(lua::Mistake { line, expected }) => Err(Unreadable::Lua { store, line, expected }),
    };
    login(&table("accounts", accounts)?, &mut account)?;
    list(of, &table("roster", contacts)?, &mut account);
    if card.is_some() {
        match element(&table("vcard", card)?, "") {
            Some(card) if card.is("vCard", ns::VCARD) => account.elements.push(card),
            Some(_) | None => account.leave("its card, which is none"),
        }
    }
    let private = table("private", private)?;
    let kept: Vec<_> = private.named().filter_map(|(_, it)| element(it.as_table()?, "")).collect();
    if !kept.is_empty() {
        account.elements.push(Element::builder("query", ns::PRIVATE).children(&kept).build());
    }
    if let Some(file) = offline {
        let items = lua::items(file).map_err(|lua::Mistake { line, expected }| {
            Unreadable::Lua { store: "offline", line, expected }
        })?;
        let waiting: Vec<_> = items.iter().map(|item| message(of, item)).collect();
        for _ in waiting.iter().filter(|message| message.is_none()) {
            account.leave("a message that waits and cannot be read");
        }
        messages::take(of, waiting.iter().flatten().map(Element::root), &mut account);
    }
    Ok(account)
}

/// The password, or what it is checked with.
fn login(kept: &Table, account: &mut Account) -> Result<(), Unreadable> {
    let password = kept.text("password").filter(|password| !password.is_empty());
    account.password = password.map(|password| Zeroizing::new(password.to_owned()));
    if account.password.is_none() {
        match (kept.text("stored_key"), kept.text("server_key"), kept.text("salt")) {
            (Some(stored), Some(server), Some(salt)) => {
                let iterations = kept.of("iteration_count").and_then(Value::as_number);
                let verifier = scram(stored, server, salt, iterations);
                account.elements.push(verifier.ok_or(Unreadable::Secret)?);
            }
            _ => account.leave("its password, which is not there"),
        }
    }
    if kept.of("disabled") == Some(&Value::Bool(true)) {
        let disabled = Element::builder("account", "urn:sestina:account:0");
        account.elements.push(disabled.attr("disabled", "true").build());
    }
    Ok(())
}

/// Keys are written in hexadecimal digits, and how many there are says by which hash they were made;
/// the salt is a text.
fn scram(stored: &str, server: &str, salt: &str, iterations: Option<f64>) -> Option<Element> {
    let mechanism = match stored.len() {
        40 => "SCRAM-SHA-1",
        64 => "SCRAM-SHA-256",
        _ => return None,
    };
    let iterations = iterations.filter(|it| it.fract() == 0.0 && (1.0..=1e9).contains(it))?;
    let (stored, server) = (hex(stored)?, hex(server).filter(|_| server.len() == stored.len())?);
    let [stored, server, salt] = [&stored, &server, salt.as_bytes()].map(encode_base64);
    Some(verifier(mechanism, [&iterations.to_string(), &salt, &server, &stored]))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(digit(high)? * 16 + digit(low)?).ok());
    bytes.collect::<Option<Vec<_>>>().filter(|_| rest.is_empty())
}

/// The contacts, and who asks to be one.
fn list(of: &Jid, kept: &Table, account: &mut Account) {
    let mut items = Vec::new();
    for (contact, item) in kept.named().filter(|(contact, _)| *contact != "pending") {
        let Some(item) = item.as_table() else {
            account.leave(format!("the contact {contact:?}, of whom nothing is said"));
            continue;
        };
        let groups = item.table("groups").into_iter().flat_map(Table::named);
        let groups = groups.map(|(group, _)| Element::builder("group", ns::ROSTER).text(group));
        let written = Element::builder("item", ns::ROSTER)
            .attr("jid", contact)
            .attr_opt("name", item.text("name"))
            .attr_opt("subscription", item.text("subscription"))
            .attr_opt("ask", item.text("ask"))
            .attr_opt("approved", item.of("approved").map(|_| "true"))
            .children(groups);
        items.push(written);
    }
    let list = Element::builder("query", ns::ROSTER).children(items).build();
    roster::take(of, list.root(), account);
    // Once they stood among the contacts.
    let beside = kept.of_list().and_then(|of_list| of_list.table("pending"));
    let requests = beside.or_else(|| kept.table("pending"));
    for (from, request) in requests.into_iter().flat_map(Table::named) {
        let request = request.as_table().and_then(|request| element(request, ns::CLIENT));
        let status = request.and_then(|it| {
            it.root().child_text("status", ns::CLIENT).map(|status| status.into_owned())
        });
        match Jid::new(from) {
            Ok(from) => {
                let status = status.unwrap_or_default();
                account.elements.push(roster::request(&from.to_bare(), &status));
            }
            Err(_) => account.leave("a request to see the account, of nobody"),
        }
    }
}

/// A message that waits, with when it came.
fn message(of: &Jid, item: &Value) -> Option<Element> {
    let kept = item.as_table()?;
    let message = element(kept, ns::CLIENT)?;
    let stanza = Stanza::read(message).ok()?;
    if Delay::of(&stanza).is_some() {
        return Some(stanza.to_element());
    }
    let stamp = kept.table("attr").and_then(|attr| attr.text("stamp")).map(str::parse);
    let when = kept.of("when").and_then(Value::as_number).map(since_1970);
    let since = match (stamp, when) {
        (Some(Ok(stamp)), _) => Some(stamp),
        (_, when) => when.flatten(),
    };
    let by = Jid::from_parts(None, of.domain(), None).ok()?;
    let delayed = since.map(|since: Timestamp| Delay::at(since).by(by).stamp(&stanza));
    Some(delayed.unwrap_or(stanza).to_element())
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds")]
fn since_1970(seconds: f64) -> Option<Timestamp> {
    (0.0..=2e11)
        .contains(&seconds)
        .then(|| Timestamp::from_unix(seconds.trunc() as i64, (seconds.fract() * 1e9) as u32))
}

/// An element as Prosody has it in tables: `name`, `attr`, and what is within under 1, 2 and so on.
fn element(kept: &Table, around: &str) -> Option<Element> {
    let mut out = Vec::new();
    write(kept, around, "", 0, &mut out)?;
    Element::parse(out, &LIMITS).ok()
}

/// Attributes that are notes of Prosody.
const NOTES: [&str; 3] = ["stamp", "stamp_legacy", "xmlns"];

/// `inherited` is the namespace of what stands around it, and `declared` the one that is in force.
fn write(
    kept: &Table,
    inherited: &str,
    declared: &str,
    depth: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    let name = kept.text("name").filter(|name| is_name(name) && depth < LIMITS.depth)?;
    let attr = kept.table("attr");
    let namespace = attr.and_then(|attr| attr.text("xmlns")).unwrap_or(inherited);
    let mut tag = TagWriter::open(out, name);
    if namespace != declared {
        tag.declare("", namespace);
    }
    for (at, (name, value)) in attr.into_iter().flat_map(Table::named).enumerate() {
        let Some(value) = value.as_text().filter(|_| !NOTES.contains(&name)) else { continue };
        match name.split_once('\u{1}').or_else(|| Some((ns::XML, name.strip_prefix("xml:")?))) {
            Some((ns::XML, name)) if is_name(name) => {
                let mut full = String::from("xml:");
                let _ = full.write_str(name);
                tag.attr(&full, value);
            }
            Some((of, name)) if is_name(name) && !of.is_empty() => {
                let prefix = format!("a{at}");
                tag.declare(&prefix, of).attr(&format!("{prefix}:{name}"), value);
            }
            None if is_name(name) => _ = tag.attr(name, value),
            // A prefix whose meaning was lost with the stream, or what is no name.
            _ => {}
        }
    }
    tag.finish();
    for within in kept.listed() {
        match within {
            Value::Text(text) => escape_text(out, text),
            Value::Table(child) => write(child, namespace, namespace, depth + 1, out)?,
            Value::Nil | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    write_end_tag(out, name);
    Some(())
}

/// Whether it can be written as a name: what is none is found when it is read again.
fn is_name(name: &str) -> bool {
    let plain = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(plain)
}
