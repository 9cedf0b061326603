//! Starting points other than the defaults.

use super::{Config, choices};

/// A starting point that file, environment and flags go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    Default,
    Legacy,
    Minimal,
}

choices!(Preset { "default" => Default, "legacy" => Legacy, "minimal" => Minimal });

impl Preset {
    /// The configuration that the preset stands for.
    pub(crate) fn config(self) -> Config {
        let mut config = Config { preset: self, ..Config::default() };
        match self {
            Self::Default => {}
            Self::Legacy => config.plugins.enable_legacy(),
            Self::Minimal => config.plugins.disable(),
        }
        config
    }
}
