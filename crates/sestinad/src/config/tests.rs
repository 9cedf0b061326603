//! What the table promises, and what each source does with it.

use std::{collections::HashSet, path::Path, time::Duration};

use super::*;

fn file(text: &str) -> Result<Config, Problems> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sestina.toml");
    std::fs::write(&path, text).unwrap();
    Sources { file: Some(path), ..Sources::default() }.load()
}

/// The problems of a file, without its directory.
#[track_caller]
fn problems(text: &str) -> Vec<String> {
    let problems = file(text).unwrap_err();
    let of = |problem: &Problem| {
        let shown = problem.to_string();
        shown.rsplit("sestina.toml").next().unwrap_or_default().to_owned()
    };
    problems.0.iter().map(of).collect()
}

fn flag(key: &'static str, values: &[&str]) -> Flag {
    Flag { name: "--flag", key, values: values.iter().map(|it| (*it).to_owned()).collect() }
}

#[test]
fn the_sample_has_every_key_at_its_default() {
    let text = sample();
    let table: toml::Table = text.parse().unwrap();
    let mut defaults = Config::default();
    for key in keys() {
        let mut found = &toml::Value::Table(table.clone());
        for part in key.path().split('.') {
            found = found.get(part).unwrap_or_else(|| panic!("{} is missing", key.path()));
        }
        let mut read = Config::default();
        let one = format!("{} = {}", key.path(), found);
        file::apply(Path::new("one"), &one, &keys(), &mut read, &mut Vec::new());
        assert_eq!(key.show(&mut read), key.show(&mut defaults), "{}", key.path());
    }
    let read = file(&text).unwrap();
    assert!(read.difference(&Config::default()).is_empty());
}

#[test]
fn the_sample_sets_what_it_shows() {
    // Read over a configuration in which everything else was changed, it restores the defaults:
    // no key of it is without effect.
    let mut changed = Preset::Minimal.config();
    changed.connection.authenticate = Duration::from_secs(1);
    changed.bounds.queue.bytes = 1 << 20;
    changed.log.level = "trace".to_owned();
    changed.tls.key = Some("key".into());
    let mut problems = Vec::new();
    file::apply(Path::new("all"), &sample(), &keys(), &mut changed, &mut problems);
    assert_eq!(problems, []);
    assert!(changed.difference(&Config::default()).is_empty());
}

#[test]
fn keys_are_unique_documented_and_keep_their_value() {
    let (mut paths, mut variables) = (HashSet::new(), HashSet::new());
    let mut config = Config::default();
    for key in keys() {
        assert!(paths.insert(key.path().to_owned()), "{} is there twice", key.path());
        assert!(variables.insert(key.variable()), "{} is there twice", key.variable());
        assert!(key.about().ends_with('.'), "{} has no sentence about it", key.path());
        let before = key.show(&mut config);
        let value = toml::de::DeValue::parse(&before).unwrap();
        key.set(&mut config, Given::Toml(value.get_ref())).unwrap();
        assert_eq!(key.show(&mut config), before, "{}", key.path());
    }
}

#[test]
fn later_sources_win() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sestina.toml");
    std::fs::write(
        &path,
        "connection.idle = \"1m\"\nconnection.stalled = \"1m\"\n\
                           connection.closing = \"1m\"\nworkers = 1",
    )
    .unwrap();
    let sources = Sources {
        file: Some(path),
        environment: Environment::of(&[
            ("SESTINA_CONNECTION_STALLED", "2m"),
            ("SESTINA_CONNECTION_CLOSING", "2m"),
            ("SESTINA_DOMAINS", "a.example, b.example"),
        ]),
        flags: vec![flag("connection.closing", &["3m"]), flag("admins", &["a@a.example"])],
    };
    let config = sources.load().unwrap();
    let minutes = |count: u64| Duration::from_secs(60 * count);
    assert_eq!(config.connection.authenticate, Duration::from_secs(30), "the default");
    assert_eq!(config.connection.idle, Some(minutes(1)), "the file");
    assert_eq!(config.connection.stalled, minutes(2), "the environment");
    assert_eq!(config.connection.closing, minutes(3), "the flag");
    let domains: Vec<_> = config.domains.iter().map(|it| it.0.as_str().to_owned()).collect();
    assert_eq!((domains, config.admins.len()), (vec!["a.example".into(), "b.example".into()], 1));
}

#[test]
fn a_preset_lies_beneath_whatever_names_it() {
    let minimal = Preset::Minimal.config();
    assert!(file("preset = \"minimal\"").unwrap().difference(&minimal).is_empty());
    let sources = Sources { flags: vec![flag("preset", &["minimal"])], ..Sources::default() };
    assert!(sources.load().unwrap().difference(&minimal).is_empty());
}

#[cfg(feature = "ping")]
#[test]
fn plugins_are_switched_one_by_one() {
    let config = file("preset = \"minimal\"\n[plugins.ping]\nenabled = true").unwrap();
    let shown: Vec<_> = config
        .difference(&Preset::Minimal.config())
        .iter()
        .map(|key| key.path().to_owned())
        .collect();
    assert_eq!(shown, ["plugins.ping.enabled"]);
}

#[test]
fn a_problem_names_line_key_and_what_was_expected() {
    assert_eq!(
        problems("\n[connection]\nidle = 30\n"),
        [":3: connection.idle: expected a duration with its unit, such as \"500ms\", \"30s\", \
          \"5m\" or \"1h\", or \"off\""]
    );
    assert_eq!(
        problems("store = \"postgres\""),
        [":1: store: expected \"redb\", \"sled\" or \"memory\""]
    );
    assert_eq!(problems("connection = 1"), [":1: connection: expected a table"]);
    assert!(problems("[stranger]\nbytes = 100")[0].contains("at least 10000"));
    assert!(problems("listen.c2s = [\"localhost\"]")[0].contains("127.0.0.1:5222"));
}

#[test]
fn an_unknown_key_is_told_its_neighbour() {
    assert_eq!(
        problems("[connection]\nidel = \"5m\""),
        [":2: connection.idel: unknown key; did you mean connection.idle?"]
    );
    assert_eq!(
        problems("[connections]\nidle = \"5m\""),
        [":1: connections: unknown key; did you mean connection?"]
    );
    assert!(problems("[zebra]\nidle = 1")[0].contains("sestinad config default"));
    assert!(
        problems("[plugins.zebra-crossing]\nenabled = true")[0].contains("without such a plugin")
    );
}

#[test]
fn all_problems_are_told_at_once_and_in_order() {
    let problems = problems("workers = -1\nfoo = 1\n[log]\nformat = 7");
    let lines: Vec<_> = problems.iter().filter_map(|it| it.get(..3)).collect();
    assert_eq!(lines, [":1:", ":2:", ":4:"]);
}

#[test]
fn what_is_no_toml_is_told_by_its_line() {
    assert!(problems("workers = 1\nstore = \"redb")[0].starts_with(":2: "));
    assert!(problems("workers = 1\nworkers = 2")[0].starts_with(":2: "));
}

#[test]
fn variables_and_flags_name_themselves() {
    let sources = Sources {
        environment: Environment::of(&[("SESTINA_WORKERS", "many"), ("SESTINA_PORT", "tcp://")]),
        flags: vec![flag("store", &["paper"])],
        ..Sources::default()
    };
    let shown: Vec<_> = sources.load().unwrap_err().0.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "SESTINA_WORKERS: expected a whole number",
            "--flag: expected \"redb\", \"sled\" or \"memory\"",
        ]
    );
    assert_eq!(sources.unread_variables(), ["SESTINA_PORT"]);
}

#[test]
fn what_does_not_go_together_is_refused() {
    assert!(problems("domains = []")[0].contains("at least one domain"));
    assert!(problems("tls.key = \"a\"")[0].contains("together"));
    assert!(problems("listen = { c2s = [], c2s-tls = [] }")[0].contains("listen.c2s-tls"));
    let odd = "tls.domains.\"a.example\" = { certificate = \"a\", key = \"b\" }";
    assert!(problems(odd)[0].contains("not one of the domains"));
    assert!(problems("authentication.scram = []")[0].contains("at least one hash"));
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let sources = Sources { file: Some("/nonexistent/sestina.toml".into()), ..Sources::default() };
    let shown = sources.load().unwrap_err().to_string();
    assert!(shown.starts_with("/nonexistent/sestina.toml: cannot be read"), "{shown}");
}

/// Whoever adds a key says when another value of it takes effect.
#[test]
fn every_key_says_when_it_takes_effect() {
    for key in keys() {
        assert!(key.has_effect(), "{}: live, for new sessions, or after a restart?", key.path());
    }
}

#[test]
fn a_problem_between_keys_names_the_line() {
    let told = problems("[log]\nlevel = \"info\"\n[tls]\nkey = \"a\"\n");
    assert!(told[0].starts_with(": tls.certificate: "), "{told:?}");
    let told = problems("workers = 1\n\n[tls]\ncertificate = \"a\"\n");
    assert!(told[0].starts_with(":4: tls.certificate: "), "{told:?}");
    let told = problems("workers = 1\nlisten.c2s = []\nlisten.c2s-tls = []\n");
    assert!(told[0].starts_with(":2: listen.c2s: "), "{told:?}");
}

#[test]
fn a_host_is_as_the_whole_but_for_what_it_says() {
    let config = file(
        "data = \"d\"\nadmins = [\"a@localhost\"]\nauthentication.attempts = 7\nsession.per-account = 3\n\
         [host.\"Rabbit.example\"]\nadmins = [\"b@rabbit.example\"]\nsession.per-account = 5\n\
         [host.\"hare.example\"]\npreset = \"minimal\"\n",
    )
    .unwrap();
    let [rabbit, hare] = &config.hosts[..] else { panic!("{:?}", config.hosts) };
    assert_eq!((rabbit.domain(), hare.domain()), ("rabbit.example", "hare.example"));
    assert_eq!(rabbit.data, Path::new("d/hosts/rabbit.example"));
    assert_eq!((rabbit.authentication.attempts, rabbit.bounds.sessions_per_account), (7, 5));
    assert_eq!(rabbit.admins.len(), 1);
    // Nobody administers what does not say so; and a preset is a starting point of its own.
    assert!(hare.admins.is_empty());
    assert_eq!((hare.preset, hare.bounds.sessions_per_account), (Preset::Minimal, 32));
    assert_eq!((config.preset, config.bounds.sessions_per_account), (Preset::Default, 3));
    assert_eq!(hare.listen.c2s, config.listen.c2s);
}

#[test]
fn what_is_wrong_with_a_host_is_named_with_its_line() {
    for (text, told) in [
        ("host = 1", ":1: host: expected tables, such as [host.\"rabbit.example\"]"),
        (
            "[host.\"a b\"]",
            ":1: host.\"a b\": expected a domain in quotes, as in [host.\"rabbit.example\"]",
        ),
        (
            "host = { \"a.example\" = 1 }",
            ":1: host.\"a.example\": expected a table, such as [host.\"rabbit.example\"]",
        ),
        (
            "domains = [\"a.example\"]\n[host.\"a.example\"]",
            ":2: host.\"a.example\": this domain is served already: leave it to one of them",
        ),
        (
            "[host.\"a.example\"]\n[host.\"A.example\"]",
            ":2: host.\"A.example\": this domain is served already: leave it to one of them",
        ),
        (
            "[host.\"a.example\"]\nworkers = 2",
            ":2: host.\"a.example\".workers: is the same for all hosts: set workers outside of [host]",
        ),
        (
            "[host.\"a.example\"]\n[host.\"a.example\".log]\nlevel = \"info\"",
            ":2: host.\"a.example\".log: is the same for all hosts: set log outside of [host]",
        ),
        (
            "[host.\"a.example\"]\nadmin = []",
            ":2: host.\"a.example\".admin: unknown key; did you mean admins?",
        ),
        (
            "[host.\"a.example\"]\nsession.per-account = 0",
            ":2: host.\"a.example\".session.per-account: 0 is too little: at least 1; expected a whole number",
        ),
        (
            "[host.\"a.example\"]\n\ntls.key = \"k\"",
            ":1: host.\"a.example\".tls.certificate: expected tls.certificate and tls.key together, or neither",
        ),
    ] {
        assert_eq!(problems(text), [told], "{text}");
    }
    let unquoted = problems("[host.rabbit.example]");
    assert!(
        unquoted[0].ends_with("a domain is written in quotes, as in [host.\"rabbit.example\"]")
    );
}

#[test]
fn what_a_host_can_have_is_there() {
    for own in hosts::OWN {
        let is_there = |key: &Key<Config>| key.path() == *own || key.path().starts_with(own);
        let built = !own.contains("cache") || cfg!(all(feature = "redb", feature = "sled"));
        let built = built && (*own != "plugins." || !Plugins::keys().is_empty());
        assert!(!built || keys().iter().any(is_there), "{own}");
    }
    for key in ["domains", "data", "workers", "listen.c2s", "log.level", "stranger.bytes"] {
        assert!(!keys().iter().any(|it| it.path() == key && is_own(it)), "{key}");
    }
}
