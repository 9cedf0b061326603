//! Where accounts come from that no `sestinad export` has written: the files of other servers, put as
//! one document of XEP-0227.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sestina::{
    stanza::{Jid, ns},
    xml::Element,
};
use sestina_archive::{Limits, Part, Reader, User, Writer, Wrong};
use sestina_foreign::{Encoding, Secret, jabberd14, prosody};
use zeroize::Zeroizing;

use crate::{cli::Server, failure::Failure};

/// The most bytes of a file of a spool, and of the elements of one account.
const ACCOUNT_BYTES: u64 = 128 << 20;

/// The server whose files they are, and where these lie.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) server: Server,
    pub(crate) path: PathBuf,
    pub(crate) encoding: Encoding,
}

/// How many files or accounts could not be read, once all was written.
pub(crate) type Unread = Arc<AtomicU64>;

impl Files {
    /// Writes the document, and prints what stays behind.
    pub(crate) fn write(self, out: &mut dyn Write, unread: &Unread) -> Result<(), Failure> {
        let Self { server, path, encoding } = self;
        let mut document = Document::begin(out, unread);
        match server {
            Server::Jabberd14 => spool(&path, encoding, &mut document)?,
            Server::Prosody if keeps_accounts(&path)? => tables(&path, &mut document)?,
            Server::Ejabberd | Server::Prosody => documents(&path, &mut document)?,
        }
        document.end()
    }
}

/// A document that is being written, whole accounts only.
struct Document<'o> {
    out: &'o mut dyn Write,
    bytes: Vec<u8>,
    writer: Writer,
    unread: &'o Unread,
}

impl<'o> Document<'o> {
    fn begin(out: &'o mut dyn Write, unread: &'o Unread) -> Self {
        let mut bytes = Vec::new();
        let writer = Writer::start(&mut bytes);
        Self { out, bytes, writer, unread }
    }

    fn account(
        &mut self,
        user: &User,
        elements: &[Element],
        left: &[String],
    ) -> Result<(), Failure> {
        for left in left {
            tell(&format!("{}@{}: stays behind: {left}\n", user.name, user.host))?;
        }
        let password = user.password.as_deref().map(String::as_str);
        self.writer.user(&mut self.bytes, &user.host, &user.name, password);
        for element in elements {
            self.writer.element(&mut self.bytes, element);
            self.flush()?;
        }
        self.flush()
    }

    /// Says what cannot be read, and goes on.
    fn failed(&mut self, what: &str, why: impl std::fmt::Display) -> Result<(), Failure> {
        self.unread.fetch_add(1, Ordering::Relaxed);
        tell(&format!("{what}: failed: {why}\n"))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        // Nobody reads on once something is wrong, which is told then.
        let written = self.out.write_all(&self.bytes).map_err(|_| Failure::Unread);
        self.bytes.clear();
        written
    }

    fn end(mut self) -> Result<(), Failure> {
        self.writer.end(&mut self.bytes);
        let written = self.out.write_all(&self.bytes);
        written.and_then(|()| self.out.flush()).map_err(|_| Failure::Unread)
    }
}

/// Reads a spool of jabberd 1.4: the folder of one host, or one that has a folder for each.
fn spool(path: &Path, encoding: Encoding, document: &mut Document<'_>) -> Result<(), Failure> {
    let listed = list(path)?;
    let of_account = |name: &str, entry: &Entry| entry.is_file && jabberd14::owner(name).is_some();
    let mut folders = listed.iter().filter(|(_, entry)| entry.is_dir).peekable();
    let spread = folders.peek().is_some() && folders.all(|(name, _)| is_spread(name));
    if spread || listed.iter().any(|(name, entry)| of_account(name, entry)) {
        // It may be given as `.`, and its name is what it is for.
        let whole =
            fs::canonicalize(path).map_err(|error| Failure::because(path.display(), error))?;
        let host = whole.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        return host_of_spool(host, path, encoding, document);
    }
    for (host, entry) in listed {
        if entry.is_dir && !host.starts_with('.') {
            host_of_spool(&host, &entry.path, encoding, document)?;
        }
    }
    Ok(())
}

/// The files of a host, and those in the folders between by which later versions have spread them.
fn host_of_spool(
    host: &str,
    path: &Path,
    encoding: Encoding,
    document: &mut Document<'_>,
) -> Result<(), Failure> {
    let mut folders = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let mut within = Vec::new();
        for (name, entry) in list(&folder)? {
            if entry.is_dir && depth < 2 && is_spread(&name) {
                within.push((entry.path, depth + 1));
            } else if let (Some(name), true) = (jabberd14::owner(&name), entry.is_file) {
                file_of_spool(host, name, &entry.path, encoding, document)?;
            }
        }
        folders.extend(within.into_iter().rev());
    }
    Ok(())
}

fn is_spread(folder: &str) -> bool {
    folder.len() == 2 && folder.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn file_of_spool(
    host: &str,
    name: &str,
    path: &Path,
    encoding: Encoding,
    document: &mut Document<'_>,
) -> Result<(), Failure> {
    let shown = format!("{name}@{host}");
    // Put together so that a name cannot bring a domain along.
    let of = Jid::new(&shown).ok().filter(|of| of.local().is_some() && of.is_bare());
    let Some(of) = of.filter(|_| !name.contains(['@', '/'])) else {
        return document.failed(&shown, "this is no address");
    };
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => return document.failed(&shown, error),
    };
    match jabberd14::read(&of, &bytes, encoding) {
        Ok(account) => {
            if account.elements.iter().any(|element| element.is("zerok", ns::AUTH_ZEROK)) {
                tell(&format!(
                    "{shown}: of its password there is a chain of hashes, which iq-auth takes where its \
                     zero-knowledge is on; otherwise it is skipped, and nobody can log in before \
                     `sestinad user passwd`\n"
                ))?;
            }
            let (host, name) = (host.to_owned(), name.to_owned());
            let user = User { host, name, password: account.password };
            document.account(&user, &account.elements, &account.left)
        }
        Err(error) => document.failed(&shown, error),
    }
}

/// Everything in a file, within a bound.
fn bytes(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    open(path)?.take(ACCOUNT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > ACCOUNT_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Whether this is the folder of Prosody's own storage, or that of one host in it. Where the migrator has
/// put its documents there, these are what is meant.
fn keeps_accounts(path: &Path) -> Result<bool, Failure> {
    if !path.is_dir() {
        return Ok(false);
    }
    let listed = list(path)?;
    let of_host = |entry: &Entry| entry.is_dir && entry.path.join(ACCOUNTS).is_dir();
    let any = path.join(ACCOUNTS).is_dir() || listed.iter().any(|(_, entry)| of_host(entry));
    Ok(any && !listed.iter().any(|(name, entry)| entry.is_file && name.ends_with(".xml")))
}

/// Where Prosody keeps passwords: every host with accounts has this folder.
const ACCOUNTS: &str = prosody::STORES[0];

/// Reads Prosody's own storage: the folder of one host, or one that has a folder for each.
fn tables(path: &Path, document: &mut Document<'_>) -> Result<(), Failure> {
    if path.join(ACCOUNTS).is_dir() {
        // It may be given as `.`, and its name is what it is for.
        let whole =
            fs::canonicalize(path).map_err(|error| Failure::because(path.display(), error))?;
        let host = whole.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        return host_of_tables(host, path, document);
    }
    for (host, entry) in list(path)? {
        if entry.is_dir && entry.path.join(ACCOUNTS).is_dir() {
            host_of_tables(&host, &entry.path, document)?;
        }
    }
    Ok(())
}

fn host_of_tables(folder: &str, path: &Path, document: &mut Document<'_>) -> Result<(), Failure> {
    let Some(host) = prosody::name(folder) else {
        return document.failed(folder, "this is no name of a domain");
    };
    for (name, entry) in list(path)? {
        if entry.is_dir && !prosody::STORES.contains(&name.as_str()) {
            tell(&format!("{host}: stays behind: {name}\n"))?;
        }
    }
    for (file, entry) in list(&path.join(ACCOUNTS))? {
        if let (Some(name), true) = (prosody::owner(&file), entry.is_file) {
            let encoded = file.strip_suffix(".dat").unwrap_or(&file);
            account_of_tables(&host, &name, encoded, path, document)?;
        }
    }
    Ok(())
}

fn account_of_tables(
    host: &str,
    name: &str,
    encoded: &str,
    path: &Path,
    document: &mut Document<'_>,
) -> Result<(), Failure> {
    let shown = format!("{name}@{host}");
    let of = Jid::from_parts(Some(name), host, None).ok();
    let Some(of) = of.filter(|of| !of.domain().is_empty()) else {
        return document.failed(&shown, "this is no address");
    };
    let (mut read, mut room) = (Vec::new(), ACCOUNT_BYTES);
    for store in prosody::STORES {
        for ending in [".dat", ".list"] {
            let file = path.join(store).join(format!("{encoded}{ending}"));
            match fs::symlink_metadata(&file) {
                Ok(found) if found.is_file() => {}
                Ok(_) => {
                    return document.failed(&shown, "a link or a folder is in place of a file");
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return document.failed(&shown, error),
            }
            // A list is kept of what waits, and nothing else.
            if (ending == ".list") == (store == "offline") {
                match bytes(&file) {
                    Ok(bytes) => read.push((store, bytes)),
                    Err(error) => return document.failed(&shown, error),
                }
            }
        }
    }
    let mut files = prosody::Files::default();
    for (store, bytes) in &read {
        match room.checked_sub(bytes.len() as u64) {
            Some(left) => room = left,
            None => return document.failed(&shown, "it has more than an account may have"),
        }
        files.add(store, bytes);
    }
    match prosody::read(&of, &files) {
        Ok(account) => {
            let (host, name) = (host.to_owned(), name.to_owned());
            let user = User { host, name, password: account.password };
            document.account(&user, &account.elements, &account.left)
        }
        Err(error) => document.failed(&shown, error),
    }
}

/// Reads documents as other servers write them: one, or all that lie in a folder.
fn documents(path: &Path, document: &mut Document<'_>) -> Result<(), Failure> {
    if !path.is_dir() {
        return exported(path, document).map(|_| ());
    }
    for (name, entry) in list(path)? {
        if entry.is_file && name.ends_with(".xml") {
            exported(&entry.path, document)?;
        }
    }
    Ok(())
}

/// The account that is being read.
struct Open {
    user: User,
    of: Option<Jid>,
    elements: Vec<Element>,
    left: Vec<String>,
    room: u64,
    /// Why it stays out, if it does.
    wrong: Option<String>,
}

fn exported(path: &Path, document: &mut Document<'_>) -> Result<(), Failure> {
    let shown = path.display().to_string();
    let mut input = match open(path) {
        Ok(input) => input,
        Err(error) => return document.failed(&shown, error),
    };
    let mut reader = Reader::new(Limits::default());
    let (mut open, mut any) = (None, false);
    let mut piece = Zeroizing::new(vec![0; 64 << 10]);
    let mut tail: &[u8] = b"";
    let mut first = true;
    loop {
        let read = match fill(&mut input, &mut piece) {
            Ok(read) => read,
            Err(error) => return document.failed(&shown, error),
        };
        let whole = piece.get(..read).unwrap_or_default();
        let mut pieces: [&[u8]; 2] = [b"", whole];
        if std::mem::take(&mut first)
            && let Some(host) = bare_host(whole)
        {
            // ejabberd writes each host in a file of its own, with nothing around it.
            pieces = [b"<server-data xmlns='urn:xmpp:pie:0'>", host];
            tail = b"</server-data>";
        }
        if read == 0 {
            pieces = [tail, b""];
        }
        for mut rest in pieces {
            loop {
                match reader.next(&mut rest) {
                    Ok(Some(part)) => {
                        any = true;
                        take(part, &mut open, document)?;
                    }
                    Ok(None) => break,
                    // What it includes lies beside it, and is read by itself.
                    Err(error) if error.wrong == Wrong::Include && !any => return Ok(()),
                    Err(error) => return document.failed(&shown, error),
                }
            }
        }
        if read == 0 {
            return match reader.end() {
                Ok(()) => Ok(()),
                Err(error) => document.failed(&shown, error),
            };
        }
    }
}

/// Reads until there is no room or nothing more.
fn fill(input: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room @ [_, ..]) = piece.get_mut(filled..) {
        match input.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Where the root is a `<host/>`: from there on.
fn bare_host(start: &[u8]) -> Option<&[u8]> {
    let mut rest = start.trim_ascii_start();
    if rest.starts_with(b"<?xml") {
        let end = rest.windows(2).position(|at| at == b"?>")?;
        rest = rest.get(end + 2..)?.trim_ascii_start();
    }
    let name = rest.strip_prefix(b"<host")?;
    name.first()?.is_ascii_whitespace().then_some(rest)
}

fn take(part: Part, open: &mut Option<Open>, document: &mut Document<'_>) -> Result<(), Failure> {
    match part {
        Part::User(user) => *open = Some(begin(user)),
        Part::Element(element) => {
            let Some(open) = open else { return Ok(()) };
            let bytes = element.as_bytes().len() as u64;
            match (open.room.checked_sub(bytes), &open.of) {
                (None, _) => open.fail("it has more than an account may have"),
                (Some(room), Some(of)) => match sestina_foreign::adapt(of, &element) {
                    Ok(adapted) => {
                        open.room = room;
                        for element in adapted.elements {
                            open.add(element);
                        }
                        open.left.extend(adapted.left);
                    }
                    Err(error) => open.fail(error),
                },
                (Some(_), None) => {}
            }
        }
        Part::UserEnd => {
            let Some(Open { user, elements, left, wrong, .. }) = open.take() else { return Ok(()) };
            match wrong {
                Some(why) => document.failed(&format!("{}@{}", user.name, user.host), why)?,
                None => document.account(&user, &elements, &left)?,
            }
        }
        Part::Skipped(name, namespace) => {
            tell(&format!("stays behind: <{name} xmlns='{namespace}'/>\n"))?;
        }
    }
    Ok(())
}

fn begin(mut user: User) -> Open {
    let of = Jid::new(&format!("{}@{}", user.name, user.host)).ok();
    let (mut elements, mut wrong) =
        (Vec::new(), of.is_none().then(|| "this is no address".to_owned()));
    if let Some(password) = user.password.take() {
        match sestina_foreign::secret(&password) {
            Ok(Secret::Plain(password)) => user.password = Some(password),
            Ok(Secret::Verifier(verifier)) => elements.push(verifier),
            Err(error) => wrong = Some(error.to_string()),
        }
    }
    Open { user, of, elements, left: Vec::new(), room: ACCOUNT_BYTES, wrong }
}

impl Open {
    fn add(&mut self, element: Element) {
        // Prosody's migrator writes what an account is checked with once more each time it runs.
        let verifier = element.is("scram-credentials", ns::PIE_SCRAM);
        let there = |it: &Element| it.as_bytes() == element.as_bytes();
        if !(verifier && self.elements.iter().any(there)) {
            self.elements.push(element);
        }
    }

    fn fail(&mut self, why: impl ToString) {
        self.wrong.get_or_insert_with(|| why.to_string());
        self.elements.clear();
    }
}

/// Prints a line. The names of files are anybody's, and say nothing to a terminal here.
fn tell(line: &str) -> Result<(), Failure> {
    let plain = |char: char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char };
    let line = line.trim_end_matches('\n').chars().map(plain);
    crate::print(&line.chain(['\n']).collect::<String>())
}

/// What lies in a folder.
struct Entry {
    path: PathBuf,
    is_dir: bool,
    is_file: bool,
}

/// What lies in a folder, in order. Links lead elsewhere, and are neither files nor folders here; so
/// are names that are no text.
fn list(folder: &Path) -> Result<Vec<(String, Entry)>, Failure> {
    let wrong = |error| Failure::because(folder.display(), error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let kind = entry.file_type().map_err(wrong)?;
        let path = entry.path();
        match entry.file_name().into_string() {
            Ok(name) if !kind.is_symlink() => {
                let (is_dir, is_file) = (kind.is_dir(), kind.is_file());
                entries.push((name, Entry { path, is_dir, is_file }));
            }
            _ => tell(&format!("{}: skipped: a link, or no name of an account\n", path.display()))?,
        }
    }
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

/// Opens a file, and nothing that was put in its place meanwhile.
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no file")),
    }
}
