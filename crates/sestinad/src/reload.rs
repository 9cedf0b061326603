//! What SIGHUP does: certificates, and the keys that can change while running.

use std::time::SystemTime;

use sestina::net::Tls;

use crate::{
    config::{Config, Sources},
    failure::Failure,
    identities::Identities,
    logging::Level,
};

/// Reads the configuration again; what can take effect does, and the log says what cannot.
pub(crate) fn reload(
    sources: &Sources,
    running: &mut Config,
    tls: &Tls,
    level: &Level,
    now: SystemTime,
) {
    match try_reload(sources, running, tls, level, now) {
        Ok(()) => {}
        Err(failure) => tracing::error!(%failure, "nothing was reloaded"),
    }
}

fn try_reload(
    sources: &Sources,
    running: &mut Config,
    tls: &Tls,
    level: &Level,
    now: SystemTime,
) -> Result<(), Failure> {
    let wanted = sources.load().map_err(Failure::Config)?;
    // Everything that can fail comes first.
    let identities = Identities::load(&at(running, &wanted), now)?;
    level.change(&wanted.log)?;
    identities.replace_those_of(tls);
    tracing::info!("the certificates were reloaded");
    for key in running.difference(&wanted) {
        let value = key.show(&mut wanted.clone());
        if key.is_live() {
            tracing::info!(key = key.path(), value, "reloaded");
        } else {
            tracing::warn!(key = key.path(), value, "needs a restart to take effect");
        }
    }
    running.tls = wanted.tls;
    running.log.level = wanted.log.level;
    Ok(())
}

/// What is running, with the certificates that are wanted: other domains and another directory
/// need a restart.
fn at(running: &Config, wanted: &Config) -> Config {
    Config { tls: wanted.tls.clone(), ..running.clone() }
}

/// Makes another certificate in time, where the server makes its own; where others do, takes what
/// they have put there.
pub(crate) fn renew(running: &Config, tls: &Tls, now: SystemTime) {
    match Identities::load(running, now) {
        Ok(identities) => identities.replace_those_of(tls),
        Err(failure) => tracing::error!(%failure, "the certificates could not be read again"),
    }
}
