//! `sestinad check`: what is wrong with a deployment, and how to mend it.
//!
//! Each file here looks at one part of it, by what it is handed, and says what it has found.

mod certificates;
mod dns;
mod finding;
mod limits;
mod ports;
mod resolver;
mod rights;
mod weak;

use std::time::SystemTime;

use self::finding::{Finding, Findings, Severity};
use crate::{
    cli::Check,
    config::{Config, Sources},
    control::{Listening, Reply, Request},
    failure::Failure,
    print, reload, run, users,
};

/// Looks at everything, and tells; fails where something is wrong.
pub(crate) fn check(sources: &Sources, asked: &Check, now: SystemTime) -> Result<(), Failure> {
    let findings = look(sources, asked, now);
    print(&if asked.json { findings.json() } else { findings.to_string() })?;
    match findings.count(Severity::Wrong) {
        0 => Ok(()),
        1 => Err("one thing is wrong".to_owned().into()),
        wrong => Err(format!("{wrong} things are wrong").into()),
    }
}

fn look(sources: &Sources, asked: &Check, now: SystemTime) -> Findings {
    let mut found = Findings::default();
    let config = match sources.load() {
        Ok(config) => config,
        Err(problems) => {
            found.extend(problems.0.iter().map(Finding::of_problem));
            return found;
        }
    };
    configuration(sources, &config, &mut found);
    let running = running(&config);
    rights::clock(&config.data, now, &mut found);
    rights::data(&config, running.is_some(), &mut found);
    let hosts = || std::iter::once(&config).chain(&config.hosts);
    for host in hosts() {
        certificates::look(host, now, &mut found);
    }
    ports::look(&config, running.as_deref(), &mut found);
    let resolvers = match asked.resolver.as_slice() {
        [] => resolver::Resolver::of_this_machine(),
        chosen => resolver::Resolver::new(chosen.to_vec()),
    };
    for host in hosts() {
        dns::look(host, &resolvers, &mut found);
    }
    limits::look(&config, &limits::Machine::this(), &mut found);
    weak::look(&config, &mut found);
    weak::administrators(&config, &accounts(&config, running.is_some()), &mut found);
    found
}

/// What is wrong with the settings together, as plugins see them.
fn configuration(sources: &Sources, config: &Config, found: &mut Findings) {
    let tried = run::runtime(1).and_then(|it| it.block_on(reload::try_out(sources, config)));
    match tried {
        Ok(()) => found.good("configuration", "every setting can be used".to_owned()),
        Err(Failure::Config(problems)) => {
            found.extend(problems.0.iter().map(Finding::of_problem));
        }
        Err(failure) => found.add(
            Finding::wrong("configuration", failure.to_string())
                .mend("change what is named; `sestinad config default` tells what each key means"),
        ),
    }
}

/// What the server listens on, if one runs over this data directory.
fn running(config: &Config) -> Option<Vec<Listening>> {
    #[cfg(unix)]
    if let Ok(Some(Reply::Listeners(listening))) =
        crate::control::call(&config.data, &Request::Listeners)
    {
        return Some(listening);
    }
    let _ = config;
    None
}

/// The accounts there are, if they can be looked at without changing anything.
fn accounts(config: &Config, is_running: bool) -> Option<Vec<String>> {
    if !is_running && rights::store_file(config).is_none_or(|file| !file.exists()) {
        return None;
    }
    match users::ask(config, Request::ListUsers) {
        Ok(Reply::Users(users)) => Some(users),
        _ => None,
    }
}
