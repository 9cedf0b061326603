//! What is weaker than it need be, and administrators who are not there.

use super::finding::{Finding, Findings};
use crate::{
    assemble,
    config::{Config, keys},
    run,
};

pub(crate) fn look(config: &Config, found: &mut Findings) {
    let beyond = config.listen.in_the_clear().any(|address| !address.ip().is_loopback());
    let everywhere = config
        .listen
        .c2s
        .iter()
        .chain(&config.listen.c2s_tls)
        .any(|address| !address.ip().is_loopback());
    if config.authentication.allow_plaintext && beyond {
        found.add(
            Finding::warning(
                "authentication.allow-plaintext",
                "people of other machines log in without TLS, and others read along".to_owned(),
            )
            .mend("set it to false"),
        );
    }
    #[cfg(feature = "web")]
    if config.listen.web.value.iter().any(|address| !address.ip().is_loopback()) {
        found.add(
            Finding::warning("listen.web", "other machines reach HTTP without TLS".to_owned())
                .mend("listen on 127.0.0.1 behind a proxy with TLS, or use listen.web-tls"),
        );
    }
    if everywhere
        && is(config, "plugins.register.enabled", "true")
        && is(config, "plugins.register.open", "\"everybody\"")
    {
        found.add(
            Finding::warning(
                "plugins.register.open",
                "everybody may make accounts, and those who send junk will".to_owned(),
            )
            .mend("set it to \"nobody\" or \"loopback\", and make accounts by `sestinad user add`"),
        );
    }
    let store = sestina::store::memory();
    let server = run::runtime(1).and_then(|it| {
        it.block_on(assemble::put_together(config, store, true, None, assemble::Around::default()))
    });
    let Ok(Ok(server)) = server else { return };
    for weakness in server.weaknesses() {
        let (plugin, why) = (weakness.plugin, weakness.why);
        found.add(
            Finding::warning(format!("plugins.{plugin}.enabled"), why.to_owned())
                .mend("set it to false, unless a client cannot do without"),
        );
    }
    if server.weaknesses().is_empty() {
        found.good("plugins", "none of them is weak".to_owned());
    }
}

/// Whether a key that this binary may be without has a value.
fn is(config: &Config, path: &str, value: &str) -> bool {
    let mut config = config.clone();
    keys().iter().any(|key| key.path() == path && key.show(&mut config) == value)
}

/// Administrators without an account are whoever makes it first.
pub(crate) fn administrators(
    config: &Config,
    accounts: &Option<Vec<String>>,
    found: &mut Findings,
) {
    for admin in config.admins.iter().map(|admin| &admin.0) {
        let served = config.domains.iter().any(|domain| domain.0.as_str() == admin.domain());
        if !served {
            found.add(
                Finding::warning("admins", format!("{admin} is of a domain that is not served"))
                    .mend("name an account of this server: nobody else can log in here"),
            );
            continue;
        }
        let Some(accounts) = accounts else { continue };
        // The list says behind the address whether it is disabled.
        let named = |it: &String| it.split(' ').next() == Some(admin.as_str());
        if accounts.iter().any(named) {
            found.good("admins", format!("{admin} has an account"));
        } else {
            found.add(
                Finding::warning("admins", format!("{admin} has no account"))
                    .mend(format!("sestinad user add {admin}, before somebody else does")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Severity, tests::found},
        *,
    };
    use crate::config::{AccountAddress, Preset};

    fn beyond(mut config: Config) -> Config {
        config.listen.c2s = vec!["0.0.0.0:5222".parse().unwrap()];
        config
    }

    fn warned(config: &Config) -> Vec<String> {
        let found = found(|found| look(config, found));
        found.into_iter().filter(|it| it.0 == Severity::Warning).map(|it| it.1).collect()
    }

    #[test]
    fn what_is_weak_is_told_where_others_reach_it() {
        assert!(warned(&Config::default()).is_empty());
        let mut config = beyond(Config::default());
        assert!(warned(&config).is_empty());
        config.authentication.allow_plaintext = true;
        let told = warned(&config);
        assert!(
            told.len() == 1 && told[0].starts_with("authentication.allow-plaintext"),
            "{told:?}"
        );
        #[cfg(feature = "web")]
        {
            let mut config = Config::default();
            config.listen.web.value = vec!["[::]:5280".parse().unwrap()];
            assert!(warned(&config)[0].starts_with("listen.web"));
        }
    }

    #[cfg(feature = "register")]
    #[test]
    fn open_doors_are_told() {
        use crate::config::Given;
        let mut config = beyond(Config::default());
        let keys = keys();
        let open = keys.iter().find(|key| key.path() == "plugins.register.open").unwrap();
        open.set(&mut config, Given::Text("everybody")).unwrap();
        assert!(warned(&config)[0].contains("junk"));
        config.listen = Config::default().listen;
        assert!(warned(&config).is_empty());
    }

    #[cfg(feature = "cram-md5")]
    #[test]
    fn plugins_say_themselves_that_they_are_weak() {
        let told = warned(&Preset::Legacy.config());
        assert!(told.iter().any(|it| it.starts_with("plugins.cram-md5.enabled")), "{told:?}");
    }

    #[test]
    fn administrators_have_accounts() {
        let _ = Preset::Legacy;
        let admin = |it: &str| AccountAddress(it.parse().unwrap());
        let config = Config {
            admins: vec![admin("nurse@localhost"), admin("a@b.example")],
            ..Config::default()
        };
        let with = |accounts: Option<&[&str]>| {
            let accounts =
                accounts.map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
            found(|found| administrators(&config, &accounts, found))
        };
        let told = with(Some(&["nurse@localhost (disabled)"]));
        assert_eq!((told[0].0, told[1].0), (Severity::Good, Severity::Warning));
        assert!(told[1].1.contains("not served"));
        assert!(with(Some(&[]))[0].1.contains("user add nurse@localhost"));
        assert_eq!(with(None).len(), 1, "who cannot be asked about is not spoken of");
    }
}
