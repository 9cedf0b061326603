//! Hosts: domains with a server of their own, each a table under `[host]`.

use std::{path::Path, sync::LazyLock};

use toml::de::{DeTable, DeValue};

use super::{
    Config, Domain, Given, Key, Place, Preset, Problem, Setting,
    file::{Reading, find, line_at},
    keys,
    setting::quote,
};

/// What a host can have of its own: sections, and single keys. All else is the whole program's.
pub(super) const OWN: &[&str] = &[
    "preset",
    "admins",
    "store",
    "storage.",
    "redb.cache",
    "sled.cache",
    "tls.certificate",
    "tls.key",
    "tls.client-authorities",
    "authentication.",
    "session.",
    "connection.idle",
    "connection.keepalive",
    "connection.stalled",
    "connection.handling",
    "connection.closing",
    "connection.total",
    "connection.per-address",
    "stanza.",
    "plugins.",
];

/// Plugins that have a port of their own have it for the domains of the whole server.
const PORTS: &[&str] = &["plugins.proxy65."];

/// The section that the tables of hosts are in.
pub(super) const SECTION: &str = "host";

/// Whether a host can have its own value of a key.
pub(crate) fn is_own(key: &Key<Config>) -> bool {
    let path = key.path();
    if PORTS.iter().any(|section| path.starts_with(section)) {
        return false;
    }
    OWN.iter().any(|own| path == *own || (own.ends_with('.') && path.starts_with(own)))
}

/// How a host is called where one of its keys is named.
pub(crate) fn section(domain: &str) -> String {
    format!("{SECTION}.{}", quote(domain))
}

/// Reads the hosts of a file, each on top of what goes for the whole server.
pub(super) fn read(
    path: &Path,
    text: &str,
    whole: &Config,
    problems: &mut Vec<Problem>,
) -> Vec<Config> {
    // What is no TOML has been told.
    let Ok(table) = DeTable::parse(text) else { return Vec::new() };
    let hosts = table.get_ref().iter().find(|(name, _)| name.get_ref() == SECTION);
    let Some((_, hosts)) = hosts else { return Vec::new() };
    let own: Vec<_> = keys().into_iter().filter(is_own).collect();
    let problem = |at: usize, key: String, what: String| {
        let place = Place::File(path.to_owned(), line_at(text, at));
        Problem { place, key: Some(key), what }
    };
    let DeValue::Table(tables) = hosts.get_ref() else {
        let what = format!("expected tables, such as {EXAMPLE}");
        problems.push(problem(hosts.span().start, SECTION.to_owned(), what));
        return Vec::new();
    };
    let mut entries: Vec<_> = tables.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let mut read: Vec<Config> = Vec::new();
    for (name, value) in entries {
        let (at, key) = (name.span().start, section(name.get_ref()));
        let Ok(domain) = Domain::read(Given::Text(name.get_ref())) else {
            let what = format!("expected a domain in quotes, as in {EXAMPLE}");
            problems.push(problem(at, key, what));
            continue;
        };
        let taken = std::iter::once(whole).chain(&read).any(|it| it.serves(domain.0.as_str()));
        if taken {
            let what = "this domain is served already: leave it to one of them".to_owned();
            problems.push(problem(at, key, what));
            continue;
        }
        let DeValue::Table(table) = value.get_ref() else {
            let what = format!("expected a table, such as {EXAMPLE}");
            problems.push(problem(value.span().start, key, what));
            continue;
        };
        let mut config = beneath(table, &domain, whole);
        let mut wrong = Vec::new();
        let mut reading = Reading {
            path,
            text,
            keys: &own,
            config: &mut config,
            problems: &mut wrong,
            prefix: format!("{key}."),
            elsewhere: &ELSEWHERE,
        };
        reading.table("", table);
        if wrong.is_empty()
            && let Err((odd, what)) = config.check()
        {
            let at = find(table, odd).unwrap_or(at);
            wrong.push(problem(at, format!("{key}.{odd}"), what));
        }
        if !domain.0.as_str().contains('.') {
            // As TOML reads it where the quotes are missing.
            for problem in wrong.iter_mut().filter(|it| it.what.starts_with("unknown key")) {
                problem.what.push_str(&format!("; a domain is written in quotes, as in {EXAMPLE}"));
            }
        }
        problems.append(&mut wrong);
        read.push(config);
    }
    read
}

const EXAMPLE: &str = "[host.\"rabbit.example\"]";

/// The line on which a host sets a key, or else begins.
pub(super) fn line_of(text: &str, domain: &str, key: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let (_, hosts) = table.get_ref().iter().find(|(name, _)| name.get_ref() == SECTION)?;
    let is_it =
        |name: &str| Domain::read(Given::Text(name)).is_ok_and(|it| it.0.as_str() == domain);
    let (name, host) = hosts.get_ref().as_table()?.iter().find(|(it, _)| is_it(it.get_ref()))?;
    let at = host.get_ref().as_table().and_then(|host| find(host, key));
    Some(line_at(text, at.unwrap_or_else(|| name.span().start)))
}

/// The keys of the whole program, to tell whoever sets one for a host.
static ELSEWHERE: LazyLock<Vec<String>> = LazyLock::new(|| {
    keys().iter().filter(|key| !is_own(key)).map(|key| key.path().to_owned()).collect()
});

/// What a host is before it says anything: as the whole server, or its preset.
fn beneath(table: &DeTable<'_>, domain: &Domain, whole: &Config) -> Config {
    let preset = table.iter().find(|(name, _)| name.get_ref() == "preset");
    let preset = preset.and_then(|(_, value)| Preset::read(Given::Toml(value.get_ref())).ok());
    let mut config = whole.clone();
    if let Some(preset) = preset {
        let mut starting = preset.config();
        for key in keys().iter().filter(|key| is_own(key) && !is_kept(key)) {
            key.copy(&mut starting, &mut config);
        }
    }
    config.domains = vec![domain.clone()];
    config.admins = Vec::new();
    config.data = whole.data.join("hosts").join(domain.0.as_str());
    config.tls.domains.clear();
    config.plugins.disable_ports();
    config.hosts = Vec::new();
    config
}

/// What a preset of a host leaves as it is for the whole server: where and how things are kept, and
/// who vouches for whom.
fn is_kept(key: &Key<Config>) -> bool {
    ["store", "storage.", "redb.", "sled.", "tls."].iter().any(|kept| key.path().starts_with(kept))
}
