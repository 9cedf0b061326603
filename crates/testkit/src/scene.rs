//! What is to be tested: a server in the making, with everything that varies nailed down.

use std::{fmt, sync::Arc, time::Duration};

use sestina_core::{
    Assembly, AssemblyError, Plugin, SeededEntropy, Server, Settings, Switchboard, simulated,
};
use sestina_net::{Bounds, Network, Tls};
use sestina_sasl::{Hash, MIN_ITERATIONS, Recipe};
use sestina_stanza::{Jid, Timestamp};
use sestina_store::Store;

use crate::Stage;

type Setting = Box<dyn FnOnce(&mut Settings) + Send>;
type Addition = Box<dyn FnOnce(&mut Assembly) -> Result<(), AssemblyError> + Send>;

/// A server to be set up for a test.
///
/// It keeps its records in memory, its clock starts at [`Scene::START`] and follows the runtime's
/// timers, and its randomness comes from a seed, so that under a paused runtime two runs are the
/// same. Accounts have their localpart as password. Connections send no keepalive and look at their
/// clock seldom, so that a year passes quickly.
///
/// ```
/// use sestina_stanza::{MessageType, Stanza};
/// use sestina_testkit::Scene;
///
/// # let mut runtime = tokio::runtime::Builder::new_current_thread();
/// # runtime.enable_time().start_paused(true).build()?.block_on(async {
/// let stage = Scene::new("capulet.example").build().await?;
/// let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
/// let mut romeo = stage.login("romeo@capulet.example/orchard").await;
///
/// romeo.send("<message to='juliet@capulet.example/balcony'><body>Hark!</body></message>").await;
/// assert_eq!(juliet.receive().await?.body().as_deref(), Some("Hark!"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a scene does nothing until it is built"]
pub struct Scene {
    domain: Jid,
    store: Store,
    start: Timestamp,
    seed: u64,
    bounds: Bounds,
    tls: Option<Tls>,
    accounts: Vec<Jid>,
    breaks: bool,
    settings: Vec<Setting>,
    additions: Vec<Addition>,
    beside: Vec<Self>,
}

impl Scene {
    /// The time of day at which every scene begins, unless it says otherwise.
    pub const START: &'static str = "2030-02-03T04:05:06Z";

    /// A server of one domain, without plugins and accounts.
    ///
    /// # Panics
    ///
    /// When this is no domain.
    #[track_caller]
    pub fn new(domain: &str) -> Self {
        Self {
            domain: jid(domain),
            store: sestina_store::memory(),
            start: moment(Self::START),
            seed: 1,
            bounds: patient(),
            tls: None,
            accounts: Vec::new(),
            breaks: false,
            settings: Vec::new(),
            additions: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// Assembles a plugin, after those before it.
    pub fn plugin<P: Plugin>(self, plugin: P) -> Self {
        self.assemble(|assembly| assembly.plugin(plugin).map(drop))
    }

    /// Does whatever else is to be done to the assembly, such as wrapping handlers.
    pub fn assemble(
        mut self,
        add: impl FnOnce(&mut Assembly) -> Result<(), AssemblyError> + Send + 'static,
    ) -> Self {
        self.additions.push(Box::new(add));
        self
    }

    /// Makes an account.
    ///
    /// # Panics
    ///
    /// When this is no address.
    #[track_caller]
    pub fn account(mut self, account: &str) -> Self {
        self.accounts.push(jid(account));
        self
    }

    /// Changes the core's settings.
    pub fn settings(mut self, change: impl FnOnce(&mut Settings) + Send + 'static) -> Self {
        self.settings.push(Box::new(change));
        self
    }

    /// Bounds the connections.
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Gives the network a certificate.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Keeps records elsewhere: in a [faulty store](crate::faulty_store), or in one that an earlier
    /// stage has left behind.
    pub fn store(mut self, store: Store) -> Self {
        self.store = store;
        self
    }

    /// Begins at another time of day.
    ///
    /// # Panics
    ///
    /// When this is no timestamp (XEP-0082).
    #[track_caller]
    pub fn start(mut self, start: &str) -> Self {
        self.start = moment(start);
        self
    }

    /// Draws other random numbers.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets up another server beside this one: on the same network, and its neighbour. Which of them
    /// a client comes to is for the address to say that it logs in with.
    ///
    /// ```
    /// use sestina_testkit::{Scene, play};
    ///
    /// play(
    ///     Scene::new("capulet.example").beside(Scene::new("montague.example")),
    ///     "
    /// [client] romeo: romeo@montague.example/orchard
    /// [client] juliet: juliet@capulet.example/balcony
    ///
    /// romeo sends: <message to='juliet@capulet.example'><body>Hark!</body></message>
    /// juliet sends: <presence/><message to='romeo@montague.example/orchard' id='1'/>
    /// romeo receives:
    ///     <message from='juliet@capulet.example' type='error'>{any}</message>
    ///     <message from='juliet@capulet.example/balcony' id='1'/>
    /// ",
    /// );
    /// ```
    pub fn beside(mut self, mut other: Self) -> Self {
        // Two that draw the same numbers would call two streams the same.
        other.seed = other.seed.wrapping_add(OTHERS * (self.beside.len() as u64 + 1));
        let more = std::mem::take(&mut other.beside);
        self.beside.push(other);
        self.beside.extend(more);
        self
    }

    /// Has plugins that are meant to panic. A server lives through that, and so a test would not
    /// notice: without this, a stage panics in the end if any plugin has.
    pub fn breaks(mut self) -> Self {
        self.breaks = true;
        self
    }

    /// Sets everything up.
    ///
    /// # Errors
    ///
    /// When the assembly is wrong.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, when an account cannot be made, and when nothing can be served within
    /// the bounds.
    pub async fn build(mut self) -> Result<Stage, AssemblyError> {
        let (board, beside) = (Switchboard::default(), std::mem::take(&mut self.beside));
        let (domain, bounds, tls) = (self.domain.clone(), self.bounds, self.tls.take());
        let mut accounts = std::mem::take(&mut self.accounts);
        let breaks = self.breaks;
        let network = match Network::new(self.server(&board).await?, tls, bounds) {
            Ok(network) => network,
            Err(error) => panic!("no scene can be set up: {error}"),
        };
        for mut other in beside {
            accounts.append(&mut other.accounts);
            let (bounds, tls) = (other.bounds, other.tls.take());
            if let Err(error) = network.add(other.server(&board).await?, tls, bounds) {
                panic!("no scene can be set up: {error}");
            }
        }
        let stage = Stage::new(domain, network, breaks);
        for account in accounts {
            stage.account(&account).await;
        }
        Ok(stage)
    }

    async fn server(self, board: &Switchboard) -> Result<Server, AssemblyError> {
        let mut settings = Settings::new(self.domain, self.store);
        settings.switchboard = board.clone();
        settings.clock = Arc::new(simulated(self.start));
        settings.entropy = Arc::new(SeededEntropy::new(self.seed));
        settings.authentication.recipe = cheap();
        for change in self.settings {
            change(&mut settings);
        }
        let mut assembly = Assembly::new(settings);
        for add in self.additions {
            add(&mut assembly)?;
        }
        assembly.build().await
    }
}

/// So far from each other are the seeds of servers that stand beside each other.
const OTHERS: u64 = 1 << 32;

/// Bounds under which nothing happens for as long as nobody does anything.
fn patient() -> Bounds {
    let hour = Duration::from_secs(3600);
    Bounds { keepalive: None, stalled: hour, handling: hour, ..Bounds::default() }
}

/// Verifiers that cost as little as they may.
fn cheap() -> Recipe {
    Recipe::default()
        .with_hashes([Hash::Sha256])
        .and_then(|recipe| recipe.with_iterations(MIN_ITERATIONS))
        .expect("the least number of iterations is allowed")
}

#[track_caller]
pub(crate) fn jid(text: &str) -> Jid {
    match text.parse() {
        Ok(jid) => jid,
        Err(error) => panic!("{text} is no address: {error}"),
    }
}

#[track_caller]
fn moment(text: &str) -> Timestamp {
    match text.parse() {
        Ok(moment) => moment,
        Err(error) => panic!("{text} is no timestamp: {error}"),
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene")
            .field("domain", &self.domain)
            .field("start", &self.start)
            .field("seed", &self.seed)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}
