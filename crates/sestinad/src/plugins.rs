//! The plugins of this binary: one line each in the table below.

#[cfg(feature = "blocking")]
mod blocking;
#[cfg(feature = "last")]
mod last;
#[cfg(feature = "offline")]
mod offline;
#[cfg(feature = "private")]
mod private;
#[cfg(feature = "register")]
mod register;
#[cfg(feature = "roster")]
mod roster;
#[cfg(feature = "vcard")]
mod vcard;

use sestina::core::{Assembly, AssemblyError, Plugin};

use crate::config::{Key, key};

/// Declares the plugins: the feature that brings one and names it in the configuration, its field,
/// the plugin, what it does, and its own keys.
macro_rules! plugins {
    ($($feature:literal $name:ident: $plugin:ty, $about:literal, $keys:expr;)*) => {
        /// The plugins that this binary was built with, and their settings.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Plugins {
            $(#[cfg(feature = $feature)] $name: Switch<$plugin>,)*
        }

        impl Plugins {
            /// The keys of all of them, without the section they are in.
            pub(crate) fn keys() -> Vec<Key<Self>> {
                let keys: Vec<Vec<Key<Self>>> = Vec::from([
                    $(#[cfg(feature = $feature)] keys($feature, $about, $keys, |it| &mut it.$name),)*
                ]);
                keys.into_iter().flatten().collect()
            }

            fn each(&self) -> Vec<&dyn Part> {
                Vec::from([$(#[cfg(feature = $feature)] { &self.$name as _ },)*])
            }

            fn each_mut(&mut self) -> Vec<&mut dyn Part> {
                Vec::from([$(#[cfg(feature = $feature)] { &mut self.$name as _ },)*])
            }
        }
    };
}

plugins! {
    "blocking" blocking: sestina::plugins::blocking::Blocking,
        "Lets people block others (XEP-0191).", blocking::keys();
    "disco" disco: sestina::plugins::disco::Discovery,
        "Tells what the server, its accounts and its services do (XEP-0030).", vec![key(
            "node",
            "A URI that stands for the software in the server's capabilities.",
            |it: &mut sestina::plugins::disco::Discovery| &mut it.node,
        )];
    "last" last: sestina::plugins::last::LastActivity,
        "Tells when accounts were last online (XEP-0012).", last::keys();
    "offline" offline: sestina::plugins::offline::OfflineMessages,
        "Keeps messages for whoever is not there (XEP-0160).", offline::keys();
    "ping" ping: sestina::plugins::ping::Pings, "Answers pings (XEP-0199).", Vec::new();
    "private" private: sestina::plugins::private::PrivateStorage,
        "Keeps what clients want to find again (XEP-0049).", private::keys();
    "register" register: sestina::plugins::register::Registration,
        "Lets people make, change and remove accounts (XEP-0077).", register::keys();
    "roster" roster: sestina::plugins::roster::Roster,
        "Keeps contact lists, and shows presence to contacts (RFC 6121).", roster::keys();
    "time" time: sestina::plugins::time::EntityTime, "Tells the server's time (XEP-0202).",
        Vec::new();
    "vcard" vcard: sestina::plugins::vcard::Vcards,
        "Keeps the cards of accounts, and shows them to everybody (XEP-0054).", vcard::keys();
    "version" version: sestina::plugins::version::SoftwareVersion,
        "Tells which software the server is (XEP-0092).", vec![
            key(
                "name",
                "The name that is told.",
                |it: &mut sestina::plugins::version::SoftwareVersion| &mut it.name,
            ),
            key(
                "version",
                "The version that is told; empty where it is nobody's business.",
                |it: &mut sestina::plugins::version::SoftwareVersion| &mut it.version,
            ),
        ];
}

impl Plugins {
    /// Leaves all of them out.
    pub(crate) fn disable(&mut self) {
        for plugin in self.each_mut() {
            plugin.disable();
        }
    }

    /// Adds those that are enabled.
    pub(crate) fn install(&self, to: &mut Assembly) -> Result<(), AssemblyError> {
        self.each().into_iter().try_for_each(|plugin| plugin.install(to))
    }
}

/// A plugin, and whether it is part of the server.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "a binary can be built without any plugin")]
struct Switch<P> {
    enabled: bool,
    plugin: P,
}

impl<P: Default> Default for Switch<P> {
    fn default() -> Self {
        Self { enabled: true, plugin: P::default() }
    }
}

/// A [`Switch`], whatever plugin is behind it.
trait Part {
    fn disable(&mut self);
    fn install(&self, to: &mut Assembly) -> Result<(), AssemblyError>;
}

impl<P: Plugin + Clone> Part for Switch<P> {
    fn disable(&mut self) {
        self.enabled = false;
    }

    fn install(&self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.enabled {
            to.plugin(self.plugin.clone())?;
        }
        Ok(())
    }
}

/// The keys of one plugin, in its section: whether it is there, and its own.
#[allow(dead_code, reason = "a binary can be built without any plugin")]
fn keys<P: 'static>(
    section: &str,
    about: &'static str,
    own: Vec<Key<P>>,
    at: fn(&mut Plugins) -> &mut Switch<P>,
) -> Vec<Key<Plugins>> {
    let enabled = key("enabled", about, |it: &mut Switch<P>| &mut it.enabled);
    let own = own.into_iter().map(|key| key.beside(|it: &mut Switch<P>| &mut it.plugin));
    std::iter::once(enabled).chain(own).map(|key| key.within(section, at)).collect()
}
