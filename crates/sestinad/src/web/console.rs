//! The console: its service, and the keys of `[console]`.

use std::{sync::Arc, time::Duration};

use sestina::{
    console::{Access, Console, Loopback, Peer},
    net::Network,
    web::Arrival,
};

use crate::{
    config::{Config, Key, bounded, bytes, choices, key},
    failure::Failure,
};

/// What can be set about the console.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    access: Access,
    #[cfg(feature = "metrics")]
    pub(crate) figures: super::metrics::ToldTo,
}

choices!(Loopback { "login" => Login, "trusted" => Trusted });

pub(crate) fn keys() -> Vec<Key<Settings>> {
    type It = Settings;
    const LEAST: Duration = Duration::from_secs(1);
    const MOST: Duration = Duration::from_secs(30 * 86_400);
    vec![
        key(
            "loopback",
            "Whether whoever sits at the machine logs in like everybody, or is trusted: then everybody \
             with an account on it may do everything.",
            |it: &mut It| &mut it.access.loopback,
        ),
        key(
            "without-tls",
            "Whether other machines reach the console, and send passwords, without TLS.",
            |it: &mut It| &mut it.access.clear,
        ),
        #[cfg(feature = "metrics")]
        key(
            "figures",
            "Whether only \"this-machine\" or \"all\" who reach the console are told /metrics, and why the \
             server is not /ready; nobody logs in for that.",
            |it: &mut It| &mut it.figures,
        ),
        bounded("logins", "Logins at a time.", |it: &mut It| &mut it.access.logins, 1, 10_000),
        bounded(
            "idle",
            "The time after which a login ends that is not used.",
            |it: &mut It| &mut it.access.idle,
            LEAST,
            MOST,
        ),
        bounded(
            "longest",
            "The time after which every login ends.",
            |it: &mut It| &mut it.access.longest,
            LEAST,
            MOST,
        ),
        bytes(
            "body-bytes",
            "The size of a request.",
            |it: &mut It| &mut it.access.body,
            1_024,
            1 << 20,
        ),
    ]
}

/// The console of the servers on a network.
pub(crate) fn service(
    config: &Config,
    network: &Arc<Network>,
    figures: &super::Figures,
) -> sestina::console::Router {
    let network = network.clone();
    let peers = |extensions: &sestina::console::Extensions| {
        let arrival = extensions.get::<Arrival>();
        arrival.map_or_else(Peer::default, |arrival| Peer {
            address: arrival.peer(),
            secure: arrival.is_secure(),
        })
    };
    let console = Console::over(move || network.servers());
    let console = console.access(config.console.access).peers(peers);
    #[cfg(feature = "metrics")]
    if let Some(measured) = figures.measured() {
        return console.figures(measured).into_router();
    }
    // Without its feature nothing is measured.
    let _ = figures;
    console.into_router()
}

/// Refuses to let other machines reach the console without TLS, unless that was asked for.
pub(crate) fn shield(config: &Config) -> Result<(), Failure> {
    let beyond = config.listen.console.iter().find(|address| !address.ip().is_loopback());
    match beyond {
        Some(address) if !config.console.access.clear => Err(Failure::Other(format!(
            "the console at {address} can be reached from other machines without TLS: let it listen on \
             this machine alone, use listen.console-tls, or, knowing what that means, set \
             console.without-tls"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_do_not_reach_it_without_tls_by_mistake() {
        let mut config = Config::default();
        shield(&config).unwrap();
        config.listen.console = vec!["127.0.0.1:0".parse().unwrap()];
        shield(&config).unwrap();
        config.listen.console.push("192.0.2.7:0".parse().unwrap());
        let told = shield(&config).unwrap_err().to_string();
        assert!(told.contains("192.0.2.7:0") && told.contains("console.without-tls"), "{told}");
        config.console.access.clear = true;
        shield(&config).unwrap();
    }
}
