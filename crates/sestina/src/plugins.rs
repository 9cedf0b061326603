//! The plugins, each a module under the feature of its name.

#[cfg(feature = "address")]
#[doc(inline)]
pub use sestina_address as address;
#[cfg(feature = "administration")]
#[doc(inline)]
pub use sestina_administration as administration;
#[cfg(feature = "amp")]
#[doc(inline)]
pub use sestina_amp as amp;
#[cfg(feature = "announce")]
#[doc(inline)]
pub use sestina_announce as announce;
#[cfg(feature = "anonymous")]
#[doc(inline)]
pub use sestina_anonymous as anonymous;
#[cfg(feature = "blocking")]
#[doc(inline)]
pub use sestina_blocking as blocking;
#[cfg(feature = "browse")]
#[doc(inline)]
pub use sestina_browse as browse;
#[cfg(feature = "carbons")]
#[doc(inline)]
pub use sestina_carbons as carbons;
#[cfg(feature = "commands")]
#[doc(inline)]
pub use sestina_commands as commands;
#[cfg(feature = "compression")]
#[doc(inline)]
pub use sestina_compression as compression;
#[cfg(feature = "contact-info")]
#[doc(inline)]
pub use sestina_contact_info as contact_info;
#[cfg(feature = "cram-md5")]
#[doc(inline)]
pub use sestina_cram_md5 as cram_md5;
#[cfg(feature = "delay-legacy")]
#[doc(inline)]
pub use sestina_delay_legacy as delay_legacy;
#[cfg(feature = "digest-md5")]
#[doc(inline)]
pub use sestina_digest_md5 as digest_md5;
#[cfg(feature = "directory")]
#[doc(inline)]
pub use sestina_directory as directory;
#[cfg(feature = "disco")]
#[doc(inline)]
pub use sestina_disco as disco;
#[cfg(feature = "draft-acks")]
#[doc(inline)]
pub use sestina_draft_acks as draft_acks;
#[cfg(feature = "filter")]
#[doc(inline)]
pub use sestina_filter as filter;
#[cfg(feature = "iq-auth")]
#[doc(inline)]
pub use sestina_iq_auth as iq_auth;
#[cfg(feature = "last")]
#[doc(inline)]
pub use sestina_last as last;
#[cfg(feature = "multibind")]
#[doc(inline)]
pub use sestina_multibind as multibind;
#[cfg(feature = "offline")]
#[doc(inline)]
pub use sestina_offline as offline;
#[cfg(feature = "ping")]
#[doc(inline)]
pub use sestina_ping as ping;
#[cfg(feature = "privacy")]
#[doc(inline)]
pub use sestina_privacy as privacy;
#[cfg(feature = "private")]
#[doc(inline)]
pub use sestina_private as private;
#[cfg(feature = "proxy65")]
#[doc(inline)]
pub use sestina_proxy65 as proxy65;
#[cfg(feature = "register")]
#[doc(inline)]
pub use sestina_register as register;
#[cfg(feature = "roster")]
#[doc(inline)]
pub use sestina_roster as roster;
#[cfg(feature = "roster-dynamic")]
#[doc(inline)]
pub use sestina_roster_dynamic as roster_dynamic;
#[cfg(feature = "software-info")]
#[doc(inline)]
pub use sestina_software_info as software_info;
#[cfg(feature = "stats")]
#[doc(inline)]
pub use sestina_stats as stats;
#[cfg(feature = "time")]
#[doc(inline)]
pub use sestina_time as time;
#[cfg(feature = "time-legacy")]
#[doc(inline)]
pub use sestina_time_legacy as time_legacy;
#[cfg(feature = "vacation")]
#[doc(inline)]
pub use sestina_vacation as vacation;
#[cfg(feature = "vcard")]
#[doc(inline)]
pub use sestina_vcard as vcard;
#[cfg(feature = "version")]
#[doc(inline)]
pub use sestina_version as version;
