//! Taking another configuration while running: as much of it as can take effect does, nobody is
//! disconnected, and what cannot be used changes nothing.

use std::{sync::Arc, time::SystemTime};

use sestina::{
    core::{AssemblyError, BoxFuture, Changed, Effect, Host, ReloadError, Server},
    net::{Network, Tls},
};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::{
    assemble,
    config::{Config, Problem, Problems, Sources, keys},
    failure::Failure,
    hosts::{Hosts, named},
    identities::Identities,
    listeners::Listeners,
    logging::{self, Level},
    notify::{self, State},
};

/// Everything of a running server that a reload concerns.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) sources: Sources,
    /// What is in effect.
    pub(crate) config: Config,
    pub(crate) level: Level,
    pub(crate) tls: Tls,
    pub(crate) server: Server,
    pub(crate) network: Arc<Network>,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) hosts: Hosts,
}

impl Running {
    /// Reads the configuration again. What can take effect does, and the log says what has changed.
    pub(crate) async fn reload(&mut self, now: SystemTime) -> Result<Vec<Changed>, Failure> {
        notify::tell(State::Reloading);
        let reloaded = self.try_reload(now).await;
        notify::tell(State::Ready);
        match &reloaded {
            Ok((changed, _)) => {
                tracing::info!("the certificates were reloaded");
                for Changed { setting: key, value, effect } in changed {
                    match effect {
                        Effect::AtOnce => tracing::info!(key, value, "reloaded"),
                        Effect::ForNewSessions => {
                            tracing::info!(key, value, "reloaded, for new sessions");
                        }
                        Effect::AfterRestart => {
                            tracing::warn!(key, value, "needs a restart to take effect");
                        }
                    }
                }
            }
            Err(failure) => tracing::error!(%failure, "nothing was reloaded"),
        }
        let (changed, failed) = reloaded?;
        if failed.is_empty() {
            return Ok(changed);
        }
        let told: Vec<_> = failed.iter().map(ToString::to_string).collect();
        Err(Failure::Other(format!("{}; everything else was reloaded", told.join("; "))))
    }

    /// What has changed, and what could not be done for a host, which concerns no other.
    async fn try_reload(
        &mut self,
        now: SystemTime,
    ) -> Result<(Vec<Changed>, Vec<Failure>), Failure> {
        let mut wanted = self.sources.load().map_err(Failure::Config)?;
        // Everything that can fail comes first: what is wanted must be good, and so must be what of
        // it can take effect now.
        try_out(&self.sources, &wanted).await?;
        let mut next = self.config.clone();
        let different = self.config.difference(&wanted);
        for key in different.iter().filter(|key| key.effect() != Effect::AfterRestart) {
            key.copy(&mut wanted, &mut next);
        }
        next.check().map_err(|(key, what)| {
            let what = format!("{what}, as long as what needs a restart stays as it was");
            Failure::Config(Problems(vec![self.sources.problem(key, what)]))
        })?;
        assemble::shield(&next, &self.server)?;
        let rules = assemble::settings(&next, self.server.store().clone(), true)?.rules();
        let identities = Identities::load(&next, now)?;
        let filter = logging::filter(&next.log)?;
        next.connection.check().map_err(|error| Failure::because("connection", error))?;
        self.listeners.change(&next).await?;
        self.level.change(filter)?;
        identities.replace_those_of(&self.tls);
        let wrong = |error| Failure::because("the server goes on as before", error);
        self.network
            .set_bounds(next.domain(), next.connection)
            .map_err(|error| Failure::because("connection", error))?;
        self.server.set_rules(rules).map_err(wrong)?;
        next.plugins.change(&self.server).map_err(wrong)?;
        self.config = next;
        let (of_hosts, failed) = self.hosts.change(&wanted.hosts, now).await;
        let changed = different.into_iter().map(|key| Changed {
            setting: key.path().to_owned(),
            value: key.show(&mut wanted),
            effect: key.effect(),
        });
        Ok((changed.chain(of_hosts).collect(), failed))
    }

    /// Makes another certificate in time, where the server makes its own; where others do, takes what
    /// they have put there.
    pub(crate) fn renew(&self, now: SystemTime) {
        self.hosts.renew(now);
        match Identities::load(&self.config, now) {
            Ok(identities) => identities.replace_those_of(&self.tls),
            Err(failure) => tracing::error!(%failure, "the certificates could not be read again"),
        }
    }
}

/// Has plugins say what they think of their settings, by putting a server together that nobody uses.
pub(crate) async fn try_out(sources: &Sources, config: &Config) -> Result<(), Failure> {
    try_one(config, |key, what| sources.problem(key, what)).await?;
    for host in &config.hosts {
        try_one(host, |key, what| sources.problem_of(host, key, what))
            .await
            .map_err(|failure| named(host, failure))?;
    }
    Ok(())
}

async fn try_one(
    config: &Config,
    problem: impl Fn(&str, String) -> Problem,
) -> Result<(), Failure> {
    let store = sestina::store::memory();
    match assemble::put_together(config, store, true, None, assemble::Around::default()).await? {
        Ok(server) => assemble::shield(config, &server),
        Err(AssemblyError::Setting { plugin, name, expected }) if keys_have(plugin, name) => {
            let problem = problem(&path_of(plugin, name), format!("expected {expected}"));
            Err(Failure::Config(Problems(vec![problem])))
        }
        Err(error) => Err(assemble::wrong(error)),
    }
}

fn path_of(plugin: &str, name: &str) -> String {
    format!("plugins.{plugin}.{}", name.replace('_', "-"))
}

fn keys_have(plugin: &str, name: &str) -> bool {
    keys().iter().any(|key| key.path() == path_of(plugin, name))
}

/// How plugins and the operator ask something of the program.
#[derive(Debug)]
pub(crate) struct Daemon {
    stop: Notify,
    reload: mpsc::Sender<Asked>,
}

/// Who waits for what comes of a reload.
pub(crate) type Asked = oneshot::Sender<Result<Vec<Changed>, ReloadError>>;

impl Daemon {
    /// The program, and where it hears what is asked.
    pub(crate) fn new() -> (Arc<Self>, mpsc::Receiver<Asked>) {
        let (reload, asked) = mpsc::channel(1);
        (Arc::new(Self { stop: Notify::new(), reload }), asked)
    }

    /// Waits until somebody wants the program to stop.
    pub(crate) async fn stopped(&self) {
        self.stop.notified().await;
    }
}

impl Host for Daemon {
    fn stop(&self) {
        self.stop.notify_one();
    }

    fn can_reload(&self) -> bool {
        true
    }

    fn reload(&self) -> BoxFuture<'_, Result<Vec<Changed>, ReloadError>> {
        Box::pin(async {
            let gone = || ReloadError::new("the server is about to stop");
            let (asked, answer) = oneshot::channel();
            self.reload.send(asked).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        })
    }
}

/// Has a running server reload, and prints what has changed.
pub(crate) fn ask(config: &Config) -> Result<(), Failure> {
    #[cfg(unix)]
    let reply = crate::control::call(&config.data, &crate::control::Request::Reload)?;
    #[cfg(not(unix))]
    let reply: Option<crate::control::Reply> = None;
    match reply {
        Some(crate::control::Reply::Reloaded(lines)) => {
            let mut text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            if lines.is_empty() {
                text.push_str("no setting has changed\n");
            }
            text.push_str("the certificates were read again\n");
            crate::print(&text)
        }
        Some(crate::control::Reply::Failed(why)) => Err(why.into()),
        Some(_) => Err("the server has answered something else".to_owned().into()),
        None => Err(format!("no server runs over {}", config.data.display()).into()),
    }
}

/// A change in one line.
pub(crate) fn line(changed: &Changed) -> String {
    format!("{} = {}: {}", changed.setting, changed.value, changed.effect)
}
