//! Every key there is, in the order of the documented file.

use std::time::Duration;

use sestina::{
    core::QueueBounds,
    sasl::{Limits as Brake, MAX_ITERATIONS, MIN_ITERATIONS},
    store::ThreadedBounds as StoreThreads,
    xml::Limits,
};

use super::{Config, Key, after_restart, bounded, bytes, for_new_sessions, key, live};
use crate::plugins::Plugins;

/// Every key there is.
pub(crate) fn keys() -> Vec<Key<Config>> {
    let mut keys = after_restart(general());
    keys.extend(after_restart(storage()));
    keys.extend(live(listen()));
    keys.extend(live(log()));
    keys.extend(live(authentication()));
    keys.extend(live(session()));
    keys.extend(for_new_sessions(connection()));
    #[cfg(feature = "console")]
    keys.extend(after_restart(
        crate::web::console::keys()
            .into_iter()
            .map(|key| key.within("console", |config: &mut Config| &mut config.console)),
    ));
    #[cfg(feature = "web")]
    keys.extend(after_restart(
        crate::web::keys()
            .into_iter()
            .map(|key| key.within("web", |config: &mut Config| &mut config.web)),
    ));
    keys.extend(for_new_sessions(limits().map(|key| {
        key.within("stanza", |config: &mut Config| &mut config.connection.authenticated)
    })));
    keys.extend(for_new_sessions(limits().map(|key| {
        key.within("stranger", |config: &mut Config| &mut config.connection.unauthenticated)
    })));
    keys.extend(
        Plugins::keys()
            .into_iter()
            .map(|key| key.within("plugins", |config: &mut Config| &mut config.plugins)),
    );
    keys
}

fn general() -> Vec<Key<Config>> {
    vec![
        key("preset", "The starting point under this file.", |config: &mut Config| {
            &mut config.preset
        })
        .live(),
        key(
            "domains",
            "The domains to serve, the first for clients that name none.",
            |config: &mut Config| &mut config.domains,
        ),
        key("admins", "The accounts of those who administer the server.", |config: &mut Config| {
            &mut config.admins
        })
        .live(),
        key("data", "The directory where everything is kept.", |config: &mut Config| {
            &mut config.data
        }),
        key(
            "store",
            "What keeps it: redb for most, sled for many small writes, memory for trying out.",
            |config: &mut Config| &mut config.store,
        ),
        bounded(
            "workers",
            "Threads that serve; 0 is as many as there are cores.",
            |config: &mut Config| &mut config.workers,
            0,
            1_024,
        ),
    ]
}

/// Bounds on a page cache.
#[cfg(any(feature = "redb", feature = "sled"))]
const CACHE: std::ops::RangeInclusive<usize> = 1 << 20..=1 << 40;

fn storage() -> Vec<Key<Config>> {
    let threads = [
        bounded("readers", "Threads that read.", |it: &mut StoreThreads| &mut it.readers, 1, 1_024),
        bounded(
            "read-queue",
            "Reads that wait for one of them, before those who ask wait.",
            |it: &mut StoreThreads| &mut it.read_queue,
            1,
            1 << 20,
        ),
        bounded(
            "write-queue",
            "Changes that wait for the one thread that writes, before those who ask wait.",
            |it: &mut StoreThreads| &mut it.write_queue,
            1,
            1 << 20,
        ),
        bounded(
            "group",
            "Changes that are made durable at once.",
            |it: &mut StoreThreads| &mut it.group_transactions,
            1,
            1 << 20,
        ),
        bytes(
            "group-bytes",
            "The size after which such a group takes no more.",
            |it: &mut StoreThreads| &mut it.group_bytes,
            1 << 16,
            1 << 30,
        ),
    ];
    let threads =
        threads.map(|key| key.within("storage", |config: &mut Config| &mut config.store_threads));
    let caches: Vec<Key<Config>> = Vec::from([
        #[cfg(feature = "redb")]
        bytes(
            "redb.cache",
            "Memory for pages of its file.",
            |config: &mut Config| &mut config.redb_cache,
            *CACHE.start(),
            *CACHE.end(),
        ),
        #[cfg(feature = "sled")]
        bytes(
            "sled.cache",
            "Memory for pages of its files.",
            |config: &mut Config| &mut config.sled_cache,
            *CACHE.start(),
            *CACHE.end(),
        ),
    ]);
    threads.into_iter().chain(caches).collect()
}

fn listen() -> Vec<Key<Config>> {
    vec![
        key(
            "listen.c2s",
            "Addresses for connections that begin in the clear and take up TLS (STARTTLS).",
            |config: &mut Config| &mut config.listen.c2s,
        ),
        key(
            "listen.c2s-tls",
            "Addresses for connections with TLS from the start.",
            |config: &mut Config| &mut config.listen.c2s_tls,
        ),
        #[cfg(feature = "web")]
        key(
            "listen.web",
            "Addresses for HTTP in the clear, as behind a reverse proxy.",
            |config: &mut Config| &mut config.listen.web,
        ),
        #[cfg(feature = "web")]
        key("listen.web-tls", "Addresses for HTTP over TLS.", |config: &mut Config| {
            &mut config.listen.web_tls
        }),
        #[cfg(feature = "console")]
        key(
            "listen.console",
            "Addresses for the console of whoever runs the server, such as \"127.0.0.1:5281\"; without \
             any there is none.",
            |config: &mut Config| &mut config.listen.console,
        ),
        #[cfg(feature = "console")]
        key("listen.console-tls", "Addresses for the console over TLS.", |config: &mut Config| {
            &mut config.listen.console_tls
        }),
        key(
            "tls.certificate",
            "The certificate, followed by those that vouch for it; \"\" has one made.",
            |config: &mut Config| &mut config.tls.certificate,
        ),
        key("tls.key", "The certificate's private key.", |config: &mut Config| &mut config.tls.key),
        key(
            "tls.domains",
            "Certificates of single domains: { \"example.org\" = { certificate = \"…\", key = \"…\" } }.",
            |config: &mut Config| &mut config.tls.domains,
        ),
        key(
            "tls.client-authorities",
            "Certificates of those that sign clients', which then log in by EXTERNAL; \"\" asks \
             for none.",
            |config: &mut Config| &mut config.tls.client_authorities,
        )
        .after_restart(),
    ]
}

fn log() -> Vec<Key<Config>> {
    vec![
        key(
            "log.level",
            "What is worth a line: error, warn, info, debug or trace, for all or by module, as in \
             \"info,sestina_net=debug\". RUST_LOG wins over it.",
            |config: &mut Config| &mut config.log.level,
        ),
        key("log.format", "How lines look.", |config: &mut Config| &mut config.log.format)
            .after_restart(),
    ]
}

fn authentication() -> Vec<Key<Config>> {
    let mut keys = vec![
        key(
            "authentication.allow-plaintext",
            "Let clients that are not on this machine log in without TLS.",
            |config: &mut Config| &mut config.authentication.allow_plaintext,
        )
        .for_new_sessions(),
        key(
            "authentication.require-tls",
            "Let nobody log in without TLS, on this machine neither.",
            |config: &mut Config| &mut config.authentication.require_tls,
        )
        .for_new_sessions(),
        key(
            "authentication.weak-without-tls",
            "Let plugins that speak what is weak be reached from other machines without TLS.",
            |config: &mut Config| &mut config.weak_without_tls,
        ),
        bounded(
            "authentication.attempts",
            "Failed attempts before a connection is closed.",
            |config: &mut Config| &mut config.authentication.attempts,
            1,
            u8::MAX,
        )
        .for_new_sessions(),
        key(
            "authentication.scram",
            "Hashes of which verifiers are made when a password is set.",
            |config: &mut Config| &mut config.scram.hashes,
        ),
        bounded(
            "authentication.iterations",
            "How often they are hashed: what guessing costs a thief, and a login its client.",
            |config: &mut Config| &mut config.scram.iterations,
            MIN_ITERATIONS,
            MAX_ITERATIONS,
        ),
        bounded(
            "authentication.known",
            "Pairs of address and account that are remembered for a good login, which guesses \
             from elsewhere do not keep out.",
            |config: &mut Config| &mut config.authentication.throttle.known,
            0,
            1 << 24,
        )
        .after_restart(),
        bounded(
            "authentication.known-for",
            "How long they are remembered.",
            |config: &mut Config| &mut config.authentication.throttle.known_for,
            Duration::ZERO,
            Duration::MAX,
        ),
    ];
    keys.extend(brake().map(|key| {
        key.within("authentication.address", |config: &mut Config| {
            &mut config.authentication.throttle.address
        })
    }));
    keys.extend(brake().map(|key| {
        key.within("authentication.account", |config: &mut Config| {
            &mut config.authentication.throttle.account
        })
    }));
    keys
}

fn brake() -> impl Iterator<Item = Key<Brake>> {
    const DAY: Duration = Duration::from_secs(86_400);
    [
        bounded(
            "free",
            "Failures without consequence.",
            |it: &mut Brake| &mut it.free,
            0,
            u32::MAX,
        ),
        bounded(
            "delay",
            "The wait after the first failure beyond them; each further one doubles it.",
            |it: &mut Brake| &mut it.delay,
            Duration::ZERO,
            DAY,
        ),
        bounded(
            "longest",
            "The longest wait.",
            |it: &mut Brake| &mut it.longest,
            Duration::ZERO,
            DAY,
        ),
        bounded(
            "forget",
            "The time after which one failure is forgotten.",
            |it: &mut Brake| &mut it.forget,
            Duration::from_secs(1),
            DAY,
        ),
        bounded(
            "pending",
            "Attempts at the same time.",
            |it: &mut Brake| &mut it.pending,
            1,
            u32::MAX,
        ),
        bounded(
            "capacity",
            "How many are kept count of.",
            |it: &mut Brake| &mut it.capacity,
            1,
            1 << 24,
        )
        .after_restart(),
    ]
    .into_iter()
}

fn session() -> Vec<Key<Config>> {
    let mut keys = vec![
        bounded(
            "session.per-account",
            "Sessions of one account at a time.",
            |config: &mut Config| &mut config.bounds.sessions_per_account,
            1,
            1 << 16,
        ),
        key(
            "session.conflict",
            "When a client asks for a resource that is taken: the old session goes, the new one \
             is renamed, or it is refused.",
            |config: &mut Config| &mut config.conflict,
        ),
        key(
            "session.overflow",
            "When a client does not read and its queue is full: its session is closed, or what \
             is sent to it is refused.",
            |config: &mut Config| &mut config.overflow,
        ),
        bounded(
            "session.drain",
            "How long a shutdown waits for clients to read what waits for them.",
            |config: &mut Config| &mut config.bounds.drain,
            Duration::ZERO,
            Duration::from_secs(3_600),
        ),
        bounded(
            "session.followers",
            "Administrators who may follow a session at a time, seeing what it says and hears.",
            |config: &mut Config| &mut config.bounds.followers,
            0,
            1_000,
        ),
    ];
    let queue: [Key<QueueBounds>; 2] = [
        bounded(
            "stanzas",
            "Stanzas that may wait for one session.",
            |it: &mut QueueBounds| &mut it.stanzas,
            1,
            1 << 24,
        )
        .for_new_sessions(),
        bytes("bytes", "Their size.", |it: &mut QueueBounds| &mut it.bytes, 16 << 10, 1 << 40)
            .for_new_sessions(),
    ];
    keys.extend(
        queue
            .into_iter()
            .map(|key| key.within("session.queue", |config: &mut Config| &mut config.bounds.queue)),
    );
    keys
}

fn connection() -> Vec<Key<Config>> {
    const LEAST: Duration = Duration::from_millis(100);
    const MOST: Duration = Duration::from_secs(7 * 86_400);
    vec![
        bounded(
            "connection.authenticate",
            "The time there is to log in.",
            |config: &mut Config| &mut config.connection.authenticate,
            LEAST,
            MOST,
        ),
        bounded(
            "connection.idle",
            "A connection on which so long nothing came is closed.",
            |config: &mut Config| &mut config.connection.idle,
            None,
            Some(MOST),
        ),
        bounded(
            "connection.keepalive",
            "After so long without a word to the client a space is sent, which finds out \
             connections that were lost.",
            |config: &mut Config| &mut config.connection.keepalive,
            None,
            Some(MOST),
        ),
        bounded(
            "connection.stalled",
            "A client that takes nothing of what is sent to it for so long is cut off.",
            |config: &mut Config| &mut config.connection.stalled,
            LEAST,
            MOST,
        ),
        bounded(
            "connection.handling",
            "The time there is to handle a stanza, during which its client is not read from.",
            |config: &mut Config| &mut config.connection.handling,
            LEAST,
            MOST,
        ),
        bounded(
            "connection.closing",
            "The time a client has to say goodbye.",
            |config: &mut Config| &mut config.connection.closing,
            Duration::ZERO,
            MOST,
        ),
        bounded(
            "connection.total",
            "Connections in all.",
            |config: &mut Config| &mut config.connection.connections,
            1,
            1 << 24,
        )
        .live(),
        bounded(
            "connection.per-address",
            "Connections from one address, or one /64 network of IPv6; those from this machine \
             are not counted.",
            |config: &mut Config| &mut config.connection.per_address,
            1,
            1 << 24,
        )
        .live(),
    ]
}

fn limits() -> impl Iterator<Item = Key<Limits>> {
    [
        bytes(
            "bytes",
            "The size of one stanza. RFC 6120 §13.12 wants at least 10000.",
            |it: &mut Limits| &mut it.element_bytes,
            10_000,
            Limits::LARGEST_ELEMENT,
        ),
        bounded(
            "depth",
            "Elements within each other.",
            |it: &mut Limits| &mut it.depth,
            4,
            1 << 16,
        ),
        bounded(
            "children",
            "Elements directly within one.",
            |it: &mut Limits| &mut it.children,
            16,
            1 << 24,
        ),
        bounded(
            "attributes",
            "Attributes of one element.",
            |it: &mut Limits| &mut it.attributes,
            8,
            1 << 16,
        ),
        bytes(
            "attribute-bytes",
            "The size of one attribute.",
            |it: &mut Limits| &mut it.attribute_bytes,
            3_071,
            1 << 30,
        ),
        bytes(
            "name-bytes",
            "The size of one name.",
            |it: &mut Limits| &mut it.name_bytes,
            64,
            65_535,
        ),
        bounded(
            "declarations",
            "Namespace declarations in force at once.",
            |it: &mut Limits| &mut it.declarations,
            8,
            1 << 16,
        ),
        bytes(
            "header-bytes",
            "The size of a stream header.",
            |it: &mut Limits| &mut it.header_bytes,
            1_024,
            1 << 20,
        ),
    ]
    .into_iter()
}
