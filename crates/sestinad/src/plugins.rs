//! The plugins of this binary: one line each in the table below.

#[cfg(feature = "administration")]
mod administration;
#[cfg(feature = "amp")]
mod amp;
#[cfg(feature = "announce")]
mod announce;
#[cfg(feature = "anonymous")]
mod anonymous;
#[cfg(feature = "blocking")]
mod blocking;
#[cfg(feature = "commands")]
mod commands;
#[cfg(feature = "compression")]
mod compression;
#[cfg(feature = "contact-info")]
mod contact_info;
#[cfg(feature = "digest-md5")]
mod digest_md5;
#[cfg(feature = "directory")]
mod directory;
#[cfg(feature = "disco")]
mod disco;
#[cfg(feature = "filter")]
mod filter;
#[cfg(feature = "iq-auth")]
mod iq_auth;
#[cfg(feature = "last")]
mod last;
#[cfg(feature = "multibind")]
mod multibind;
#[cfg(feature = "offline")]
mod offline;
#[cfg(test)]
mod one_by_one;
#[cfg(feature = "privacy")]
mod privacy;
#[cfg(feature = "private")]
mod private;
#[cfg(feature = "proxy65")]
mod proxy65;
#[cfg(feature = "register")]
mod register;
#[cfg(feature = "roster")]
mod roster;
#[cfg(feature = "roster-dynamic")]
mod roster_dynamic;
#[cfg(feature = "software-info")]
mod software_info;
#[cfg(feature = "vacation")]
mod vacation;
#[cfg(feature = "vcard")]
mod vcard;

use sestina::core::{Assembly, AssemblyError, Plugin, Server};

#[allow(unused_imports, reason = "whose settings are live depends on which plugins there are")]
use crate::config::{Key, after_restart, key, live};

/// Declares the plugins: which servers have one from the start, the feature that brings it and names
/// it in the configuration, its field, the plugin, what it does, and its own keys.
macro_rules! plugins {
    ($($family:ident $feature:literal $name:ident: $plugin:ty, $about:literal, $keys:expr;)*) => {
        /// The plugins that this binary was built with, and their settings.
        #[derive(Clone, Debug)]
        pub(crate) struct Plugins {
            $(#[cfg(feature = $feature)] $name: Switch<$plugin>,)*
        }

        impl Default for Plugins {
            fn default() -> Self {
                Self { $(#[cfg(feature = $feature)] $name: Switch::new(Family::$family),)* }
            }
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
    Legacy "address" address: sestina::plugins::address::ClientAddress,
        "Tells clients which address they come from.", Vec::new();
    Usual "administration" administration: sestina::plugins::administration::Administration,
        "Lets administrators manage accounts and sessions by command (XEP-0133).",
        administration::keys();
    Legacy "amp" amp: sestina::plugins::amp::Amp,
        "Lets senders say when a message may be delivered (XEP-0079).", amp::keys();
    Extra "anonymous" anonymous: sestina::plugins::anonymous::Anonymous,
        "Lets guests in who have no account (XEP-0175).", anonymous::keys();
    Legacy "announce" announce: sestina::plugins::announce::Announcements,
        "Keeps a message of the day, and welcomes new accounts.", announce::keys();
    Usual "blocking" blocking: sestina::plugins::blocking::Blocking,
        "Lets people block others (XEP-0191).", blocking::keys();
    Legacy "browse" browse: sestina::plugins::browse::Browsing,
        "Tells old clients what the server hosts (XEP-0011, XEP-0094).", Vec::new();
    Usual "carbons" carbons: sestina::plugins::carbons::Carbons,
        "Shows every device both sides of conversations (XEP-0280).", Vec::new();
    Usual "commands" commands: sestina::plugins::commands::Commands,
        "Lets clients find and run the commands of the server (XEP-0050).", commands::keys();
    Legacy "compression" compression: sestina::plugins::compression::Compression,
        "Compresses streams for clients that ask for it (XEP-0138).", compression::keys();
    Usual "contact-info" contact_info: sestina::plugins::contact_info::ContactInfo,
        "Tells whom to turn to about the server (XEP-0157).", contact_info::keys();
    Legacy "cram-md5" cram_md5: sestina::plugins::cram_md5::CramMd5,
        "Lets old clients log in by CRAM-MD5 (RFC 2195).", Vec::new();
    Legacy "delay-legacy" delay_legacy: sestina::plugins::delay_legacy::LegacyDelay,
        "Says since when messages have waited to clients from before 2006, too (XEP-0091).", Vec::new();
    Legacy "digest-md5" digest_md5: sestina::plugins::digest_md5::DigestMd5,
        "Lets old clients log in by DIGEST-MD5 (RFC 2831).", digest_md5::keys();
    Legacy "directory" directory: sestina::plugins::directory::Directory,
        "Lists those who want to be found (XEP-0055).", directory::keys();
    Usual "disco" disco: sestina::plugins::disco::Discovery,
        "Tells what the server, its accounts and its services do (XEP-0030).", disco::keys();
    Legacy "draft-acks" draft_acks: sestina::plugins::draft_acks::DraftAcks,
        "Acknowledges stanzas as the drafts of XEP-0198 had it.", Vec::new();
    Legacy "filter" filter: sestina::plugins::filter::Filter,
        "Lets people write rules for what comes to them (jabber:iq:filter).", filter::keys();
    Legacy "iq-auth" iq_auth: sestina::plugins::iq_auth::IqAuth,
        "Lets clients log in that are older than SASL (XEP-0078).", iq_auth::keys();
    Usual "last" last: sestina::plugins::last::LastActivity,
        "Tells when accounts were last online (XEP-0012).", last::keys();
    Legacy "multibind" multibind: sestina::plugins::multibind::Multibind,
        "Lets clients bind several resources on one stream (XEP-0193).", multibind::keys();
    Usual "offline" offline: sestina::plugins::offline::OfflineMessages,
        "Keeps messages for whoever is not there (XEP-0160).", offline::keys();
    Usual "ping" ping: sestina::plugins::ping::Pings, "Answers pings (XEP-0199).", Vec::new();
    Usual "privacy" privacy: sestina::plugins::privacy::Privacy,
        "Lets people say in lists of rules who may reach them (XEP-0016).", privacy::keys();
    Usual "private" private: sestina::plugins::private::PrivateStorage,
        "Keeps what clients want to find again (XEP-0049).", private::keys();
    Extra "proxy65" proxy65: proxy65::Listened,
        "Carries bytes between clients that cannot reach each other (XEP-0065).", proxy65::keys();
    Usual "register" register: sestina::plugins::register::Registration,
        "Lets people make, change and remove accounts (XEP-0077).", register::keys();
    Usual "roster" roster: sestina::plugins::roster::Roster,
        "Keeps contact lists, and shows presence to contacts (RFC 6121).", roster::keys();
    Legacy "roster-dynamic" roster_dynamic: sestina::plugins::roster_dynamic::DynamicRoster,
        "Keeps what else is to be known of contacts (jabber:iq:roster-dynamic).", roster_dynamic::keys();
    Usual "software-info" software_info: sestina::plugins::software_info::SoftwareInfo,
        "Tells which software the server is, in its discovery (XEP-0232).", software_info::keys();
    Legacy "stats" stats: sestina::plugins::stats::Statistics,
        "Tells statistics, most of them to administrators alone (XEP-0039).", Vec::new();
    Usual "time" time: sestina::plugins::time::EntityTime, "Tells the server's time (XEP-0202).",
        Vec::new();
    Legacy "time-legacy" time_legacy: sestina::plugins::time_legacy::LegacyTime,
        "Tells the server's time in the form of 2002 (XEP-0090).", Vec::new();
    Legacy "vacation" vacation: sestina::plugins::vacation::Vacation,
        "Tells whoever writes to somebody on vacation that they are (XEP-0109).", vacation::keys();
    Usual "vcard" vcard: sestina::plugins::vcard::Vcards,
        "Keeps the cards of accounts, and shows them to everybody (XEP-0054).", vcard::keys();
    Usual "version" version: sestina::plugins::version::SoftwareVersion,
        "Tells which software the server is (XEP-0092).", live(vec![
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
        ]);
}

impl Plugins {
    /// Leaves all of them out.
    pub(crate) fn disable(&mut self) {
        for plugin in self.each_mut() {
            plugin.switch(|_| false);
        }
    }

    /// Adds the old dialects to those that are there.
    pub(crate) fn enable_legacy(&mut self) {
        for plugin in self.each_mut() {
            plugin.switch(|family| family != Family::Extra);
        }
    }

    /// Where is listened for the proxy for bytestreams.
    #[cfg(feature = "proxy65")]
    pub(crate) fn proxy65_listen(&self) -> &Vec<std::net::SocketAddr> {
        const NOWHERE: &Vec<std::net::SocketAddr> = &Vec::new();
        if self.proxy65.enabled { &self.proxy65.plugin.listen } else { NOWHERE }
    }

    /// Leaves out those that have a port of their own.
    #[cfg_attr(not(feature = "proxy65"), allow(clippy::unused_self, reason = "there are none"))]
    pub(crate) fn disable_ports(&mut self) {
        #[cfg(feature = "proxy65")]
        {
            self.proxy65.enabled = false;
        }
    }

    /// Has those that are enabled go on with these settings, as far as they can while they run.
    pub(crate) fn change(&self, server: &Server) -> Result<(), AssemblyError> {
        self.each().into_iter().try_for_each(|plugin| plugin.change(server).map(drop))
    }

    /// Adds those that are enabled.
    pub(crate) fn install(&self, to: &mut Assembly) -> Result<(), AssemblyError> {
        self.each().into_iter().try_for_each(|plugin| plugin.install(to))
    }
}

/// Which servers have a plugin before anybody says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "a binary can be built without any plugin")]
enum Family {
    /// Every server.
    Usual,
    /// Those for old clients: what a plugin of this family speaks is weak or superseded.
    Legacy,
    /// None: somebody has to ask for it by name.
    Extra,
}

/// A plugin, and whether it is part of the server.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "a binary can be built without any plugin")]
struct Switch<P> {
    family: Family,
    enabled: bool,
    plugin: P,
}

#[allow(dead_code, reason = "a binary can be built without any plugin")]
impl<P: Default> Switch<P> {
    fn new(family: Family) -> Self {
        Self { family, enabled: family == Family::Usual, plugin: P::default() }
    }
}

/// A [`Switch`], whatever plugin is behind it.
trait Part {
    fn switch(&mut self, on: fn(Family) -> bool);
    fn install(&self, to: &mut Assembly) -> Result<(), AssemblyError>;
    /// Says whether it takes settings while it runs.
    fn change(&self, server: &Server) -> Result<bool, AssemblyError>;
    /// Its name, where it is part of the server.
    #[cfg(test)]
    fn name(&self) -> Option<&'static str>;
    #[cfg(test)]
    fn leave_out(&mut self, name: &str);
}

impl<P: Plugin + Clone> Part for Switch<P> {
    fn switch(&mut self, on: fn(Family) -> bool) {
        self.enabled = on(self.family);
    }

    fn install(&self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.enabled {
            to.plugin(self.plugin.clone())?;
        }
        Ok(())
    }

    fn change(&self, server: &Server) -> Result<bool, AssemblyError> {
        if self.enabled { server.change(self.plugin.clone()) } else { Ok(false) }
    }

    #[cfg(test)]
    fn name(&self) -> Option<&'static str> {
        self.enabled.then_some(P::NAME)
    }

    #[cfg(test)]
    fn leave_out(&mut self, name: &str) {
        self.enabled &= P::NAME != name;
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
    let all = std::iter::once(enabled).chain(own).map(|key| key.within(section, at));
    // Unless a plugin takes its settings while it runs, which a test asks it.
    after_restart(all)
}
