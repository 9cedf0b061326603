//! From parts to accounts.

use std::{collections::HashSet, fmt};

use sestina_core::{AccountError, Import, ImportError, Server, Taken};
use sestina_stanza::Jid;
use sestina_xml::Element;

use crate::{Part, User};

/// How accounts are taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether they come in place of those that are there.
    pub replace: bool,
    /// Whether everything is only looked at.
    pub dry_run: bool,
}

/// What became of an account, or of something beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it begins, if that is known.
    pub line: Option<u64>,
    /// Whose, as the source has it; empty if it is nobody's.
    pub account: String,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of an account, or of something beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The account is here.
    Imported,
    /// The account would be.
    WouldImport,
    /// The account stays out, and why; nothing is wrong with it.
    Skipped(String),
    /// The account stays out, since something is wrong with it.
    Failed(String),
    /// Nobody here knows what an element says; name and namespace.
    Unknown(String, String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.account.is_empty() {
            write!(f, "{}: ", self.account)?;
        }
        match &self.verdict {
            Verdict::Imported => f.write_str("imported"),
            Verdict::WouldImport => f.write_str("would be imported"),
            Verdict::Skipped(why) => write!(f, "skipped: {why}"),
            Verdict::Failed(why) => write!(f, "failed: {why}"),
            Verdict::Unknown(name, namespace) => {
                write!(f, "left out: <{name} xmlns='{namespace}'/>, which nobody here knows")
            }
        }
    }
}

/// How many of each there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Accounts that are here now, or would be.
    pub imported: u64,
    /// Accounts that stay out, with nothing wrong.
    pub skipped: u64,
    /// Accounts that stay out because something is wrong.
    pub failed: u64,
    /// Elements that nobody here knows.
    pub unknown: u64,
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { imported, skipped, failed, unknown } = self;
        write!(f, "{imported} imported, {skipped} skipped, {failed} failed")?;
        match unknown {
            0 => Ok(()),
            1 => f.write_str("; 1 element left out"),
            _ => write!(f, "; {unknown} elements left out"),
        }
    }
}

/// Makes accounts of parts, wherever these come from. Each account is taken as a whole or stays out,
/// and says so in a note; the next goes on.
#[derive(Debug)]
pub struct Intake {
    servers: Vec<Server>,
    options: Options,
    open: Option<Open>,
    /// Those that were taken, so that none comes twice.
    taken: HashSet<Jid>,
    sums: Sums,
}

/// The account at hand.
#[derive(Debug)]
struct Open {
    line: Option<u64>,
    name: String,
    /// Gone once something was wrong.
    import: Option<Import>,
}

impl Intake {
    /// Takes accounts to a server.
    #[must_use]
    pub fn new(server: &Server, options: Options) -> Self {
        Self::among(std::slice::from_ref(server), options)
    }

    /// Takes each account to the one of several servers that has its domain.
    #[must_use]
    pub fn among(servers: &[Server], options: Options) -> Self {
        let (open, taken, sums) = (None, HashSet::new(), Sums::default());
        Self { servers: servers.to_vec(), options, open, taken, sums }
    }

    /// How many there were so far.
    #[must_use]
    pub fn sums(&self) -> Sums {
        self.sums
    }

    /// Whose account has begun and not ended.
    #[must_use]
    pub fn under_way(&self) -> Option<&str> {
        self.open.as_ref().map(|open| open.name.as_str())
    }

    /// Takes the next part, and tells what there is to tell. An account is there when its
    /// [`UserEnd`](Part::UserEnd) was taken.
    pub async fn take(&mut self, part: &Part, line: Option<u64>) -> Option<Note> {
        let note = match part {
            Part::User(user) => self.begin(user, line).await,
            Part::Element(element) => self.element(element, line).await,
            Part::UserEnd => self.end().await,
            Part::Skipped(name, namespace) => {
                let verdict = Verdict::Unknown(name.clone(), namespace.clone());
                Some(Note { line, account: String::new(), verdict })
            }
        };
        if let Some(note) = &note {
            *match note.verdict {
                Verdict::Imported | Verdict::WouldImport => &mut self.sums.imported,
                Verdict::Skipped(_) => &mut self.sums.skipped,
                Verdict::Failed(_) => &mut self.sums.failed,
                Verdict::Unknown(..) => &mut self.sums.unknown,
            } += 1;
        }
        note
    }

    async fn begin(&mut self, user: &User, line: Option<u64>) -> Option<Note> {
        let account = format!("{}@{}", user.name, user.host);
        let begun = self.account(user).await;
        let (import, verdict) = match begun {
            Ok(import) => (Some(import), None),
            Err(verdict) => (None, Some(verdict)),
        };
        self.open = Some(Open { line, name: account.clone(), import });
        verdict.map(|verdict| Note { line, account, verdict })
    }

    async fn account(&self, user: &User) -> Result<Import, Verdict> {
        let wrong = |error| Verdict::Failed(format!("this is no address: {error}"));
        // Put together from its parts, so that neither can bring what belongs to the other.
        let domain = Jid::new(&user.host).map_err(wrong)?;
        if domain.local().is_some() || !domain.is_bare() {
            return Err(Verdict::Failed("its host is no domain".to_owned()));
        }
        let account = Jid::new(&format!("{}@{}", user.name, user.host)).map_err(wrong)?;
        if account.domain() != domain.domain() || !account.is_bare() {
            return Err(Verdict::Failed("its name is no localpart".to_owned()));
        }
        let serving = self.servers.iter().find(|server| server.serves(account.domain()));
        let Some(server) = serving else {
            return Err(Verdict::Skipped("its domain is not served here".to_owned()));
        };
        if self.taken.contains(&account) {
            return Err(Verdict::Skipped("it has come before".to_owned()));
        }
        let begun = server.accounts().import(&account, self.options.replace).await;
        let mut import = begun.map_err(|error| stays_out(&error))?;
        if let Some(password) = &user.password {
            import.password(password);
        }
        Ok(import)
    }

    async fn element(&mut self, element: &Element, line: Option<u64>) -> Option<Note> {
        let open = self.open.as_mut()?;
        let taken = open.import.as_mut()?.take(element).await;
        let account = open.name.clone();
        let verdict = match taken {
            Ok(Taken::Read) => return None,
            Ok(Taken::Skipped) => {
                Verdict::Unknown(element.name().to_owned(), element.namespace().to_owned())
            }
            Err(error) => {
                open.import = None;
                stays_out(&error)
            }
        };
        Some(Note { line, account, verdict })
    }

    async fn end(&mut self) -> Option<Note> {
        let Open { line, name: account, import } = self.open.take()?;
        let import = import?;
        let jid = import.account().clone();
        let (done, verdict) = if self.options.dry_run {
            (import.rehearse().await, Verdict::WouldImport)
        } else {
            (import.finish().await, Verdict::Imported)
        };
        let verdict = match done {
            Ok(()) => {
                self.taken.insert(jid);
                verdict
            }
            Err(error) => stays_out(&error),
        };
        Some(Note { line, account, verdict })
    }
}

fn stays_out(error: &ImportError) -> Verdict {
    match error {
        ImportError::Account(AccountError::Exists) => Verdict::Skipped("it exists".to_owned()),
        error => Verdict::Failed(error.to_string()),
    }
}
