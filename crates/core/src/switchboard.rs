//! Servers of one process that write to each other.

use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::RwLock;

use crate::{Server, error::AssemblyError, server::WeakServer};

/// Where the servers of a process find each other: those whose [`Settings`](crate::Settings) share
/// it are neighbours.
///
/// What one writes to a domain of another is handed over at once, in the name of the sending
/// server's own domains and of no other, and goes the way of whatever comes from elsewhere: past the
/// hooks of its recipient's side. There is no queue in between. Whoever has sent it sends nothing
/// further until the neighbour is done with it, as at their own server.
///
/// Each domain is one server's. A server is found from its start until it has shut down or is
/// dropped; the switchboard itself keeps none of them alive.
///
/// ```
/// use sestina_core::{Assembly, Settings};
/// use sestina_stanza::{MessageType, Stanza};
///
/// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
/// let capulet = Settings::new("capulet.example".parse()?, sestina_store::memory());
/// let mut montague = Settings::new("montague.example".parse()?, sestina_store::memory());
/// montague.switchboard = capulet.switchboard.clone();
/// let capulet = Assembly::new(capulet).build().await?;
/// let montague = Assembly::new(montague).build().await?;
///
/// let mut juliet = capulet.attach("juliet@capulet.example/balcony".parse()?).await?;
/// let romeo = montague.attach("romeo@montague.example/orchard".parse()?).await?;
/// romeo.send(Stanza::message(MessageType::Chat).to(juliet.jid().clone()).body("Hark!").build()).await?;
/// assert_eq!(juliet.receive().await?.body().as_deref(), Some("Hark!"));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(demo())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Switchboard(Arc<RwLock<Lines>>);

#[derive(Default)]
struct Lines {
    /// By domain, those of hosted services included.
    of: HashMap<Box<str>, (u64, WeakServer), foldhash::fast::RandomState>,
    next: u64,
}

impl Switchboard {
    /// The server that has a domain, or hosts a service there.
    #[must_use]
    pub fn server(&self, domain: &str) -> Option<Server> {
        self.0.read().of.get(domain)?.1.upgrade()
    }

    /// Whether a server is found at a domain.
    #[must_use]
    pub fn reaches(&self, domain: &str) -> bool {
        self.0.read().of.get(domain).is_some_and(|(_, server)| server.is_there())
    }

    /// Takes these domains for a server in the making, which nobody finds yet.
    pub(crate) fn reserve(&self, domains: Vec<Box<str>>) -> Result<Line, AssemblyError> {
        let mut lines = self.0.write();
        if let Some(taken) = domains.iter().find(|domain| lines.of.contains_key(*domain)) {
            return Err(AssemblyError::Neighbour { domain: taken.to_string() });
        }
        let id = lines.next;
        lines.next += 1;
        for domain in &domains {
            lines.of.insert(domain.clone(), (id, WeakServer::default()));
        }
        Ok(Line { board: self.clone(), domains, id })
    }
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.read().of.keys()).finish()
    }
}

/// A server's own line: given up when it is dropped.
pub(crate) struct Line {
    board: Switchboard,
    domains: Vec<Box<str>>,
    id: u64,
}

impl Line {
    pub(crate) fn board(&self) -> &Switchboard {
        &self.board
    }

    /// From here on, neighbours find the server.
    pub(crate) fn connect(&self, server: &Server) {
        let mut lines = self.board.0.write();
        for domain in &self.domains {
            if let Some((id, held)) = lines.of.get_mut(domain)
                && *id == self.id
            {
                *held = server.downgrade();
            }
        }
    }

    /// From here on they do not, and others may have its domains.
    pub(crate) fn give_up(&self) {
        let mut lines = self.board.0.write();
        for domain in &self.domains {
            if lines.of.get(domain).is_some_and(|(id, _)| *id == self.id) {
                lines.of.remove(domain);
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Line").field(&self.domains).finish()
    }
}
