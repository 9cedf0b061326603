//! Starting points other than the defaults.

use std::path::Path;

use super::{Config, Problem, choices, file, keys};

/// A starting point that file, environment and flags go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    Default,
    Jabberd14,
    Legacy,
    Minimal,
    PerlRoster,
    Pidgin,
    Psi,
    Rabbit,
}

choices!(Preset {
    "default" => Default,
    "jabberd14" => Jabberd14,
    "legacy" => Legacy,
    "minimal" => Minimal,
    "perl-roster" => PerlRoster,
    "pidgin" => Pidgin,
    "psi" => Psi,
    "rabbit" => Rabbit,
});

impl Preset {
    /// The configuration that the preset stands for.
    pub(crate) fn config(self) -> Config {
        let mut config = Config { preset: self, ..Config::default() };
        match self {
            Self::Default => {}
            Self::Legacy => config.plugins.enable_legacy(),
            Self::Minimal => config.plugins.disable(),
            _ => {
                // What this binary was built without is left out, and a test sees to everything else.
                let _left_out = self.read(&mut config);
            }
        }
        config
    }

    /// Those that are as a session was long ago are written as an operator would write them.
    fn file(self) -> Option<&'static str> {
        Some(match self {
            Self::Default | Self::Legacy | Self::Minimal => return None,
            Self::Jabberd14 => include_str!("presets/jabberd14.toml"),
            Self::PerlRoster => include_str!("presets/perl-roster.toml"),
            Self::Pidgin => include_str!("presets/pidgin.toml"),
            Self::Psi => include_str!("presets/psi.toml"),
            Self::Rabbit => include_str!("presets/rabbit.toml"),
        })
    }

    fn read(self, config: &mut Config) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(text) = self.file() {
            file::apply(Path::new("preset"), text, &keys(), config, &mut problems);
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSIONS: [Preset; 5] =
        [Preset::Jabberd14, Preset::PerlRoster, Preset::Pidgin, Preset::Psi, Preset::Rabbit];

    #[test]
    fn what_a_session_needs_can_be_set() {
        let built = |plugin: &str| keys().iter().any(|key| key.path().starts_with(plugin));
        for preset in SESSIONS {
            let problems = preset.read(&mut Config::default());
            for problem in &problems {
                let key = problem.key.as_deref().unwrap_or_default();
                let plugin = key.split('.').take(2).collect::<Vec<_>>().join(".");
                assert!(
                    plugin.starts_with("plugins.") && !built(&format!("{plugin}.")),
                    "{preset:?}: {problem}"
                );
            }
        }
    }

    #[test]
    fn they_stay_on_this_machine() {
        for preset in SESSIONS {
            let listen = preset.config().listen;
            assert!(!listen.c2s.is_empty(), "{preset:?}");
            let mut all = listen.c2s.iter().chain(&listen.c2s_tls);
            assert!(all.all(|address| address.ip().is_loopback()), "{preset:?}");
        }
    }

    /// Beyond the usual plugins each has what its session shows, and nothing more.
    #[test]
    fn they_add_what_they_need_and_nothing_else() {
        for (preset, added) in [
            (Preset::Jabberd14, &["delay-legacy", "directory", "filter", "iq-auth"][..]),
            (Preset::PerlRoster, &[]),
            (
                Preset::Pidgin,
                &[
                    "address",
                    "amp",
                    "browse",
                    "digest-md5",
                    "draft-acks",
                    "iq-auth",
                    "multibind",
                    "time-legacy",
                    "vacation",
                ],
            ),
            (Preset::Psi, &["anonymous", "iq-auth", "roster-dynamic", "stats"]),
            (Preset::Rabbit, &["anonymous", "compression", "cram-md5", "digest-md5", "iq-auth"]),
        ] {
            let switched: Vec<_> = preset
                .config()
                .difference(&Config::default())
                .iter()
                .filter_map(|key| {
                    let plugin = key.path().strip_prefix("plugins.")?.strip_suffix(".enabled")?;
                    Some(plugin.to_owned())
                })
                .collect();
            let built = |plugin: &&str| {
                let key = format!("plugins.{plugin}.enabled");
                keys().iter().any(|it| it.path() == key)
            };
            let added: Vec<_> = added.iter().copied().filter(built).collect();
            assert_eq!(switched, added, "{preset:?}");
        }
    }
}
