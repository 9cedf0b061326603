//! The built-in client: who is shown it, and where it is.

use std::net::SocketAddr;

use sestina::{
    chat::{Chat, Page},
    web::Routes,
};

use crate::{
    config::{Config, choices},
    control::{ListenerKind, Listening},
};

/// Who is shown the built-in client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ShownTo {
    Nobody,
    #[default]
    Loopback,
    Everybody,
}

choices!(ShownTo { "nobody" => Nobody, "loopback" => Loopback, "everybody" => Everybody });

pub(super) const ABOUT: &str = "Who is shown the built-in client at /chat. With \"loopback\" it is \
    there while HTTP is listened for on this machine alone and no proxy is trusted: on a public \
    name a page that asks for passwords is the operator's to put there.";

/// Adds the page, where it is shown.
pub(super) fn mount(config: &Config, routes: Routes) -> Routes {
    match page(config) {
        Some(page) => routes.below(page.path().to_owned(), page),
        None => routes,
    }
}

fn page(config: &Config) -> Option<Page> {
    let shown = match config.web.chat {
        ShownTo::Nobody => false,
        ShownTo::Loopback => is_private(config),
        ShownTo::Everybody => true,
    };
    shown.then(|| Chat::new(config.domains.iter().map(|domain| domain.0.to_string())).page())
}

/// Whether nobody but this machine is served over HTTP, as far as one can know.
fn is_private(config: &Config) -> bool {
    let mut addresses = config.listen.web.value.iter().chain(&config.listen.web_tls);
    addresses.all(|address| address.ip().is_loopback()) && config.web.trusted_proxies.is_empty()
}

/// Where a browser finds the page: on this machine, or else over TLS, because elsewhere it would
/// take no password.
pub(crate) fn chat_page(config: &Config, listening: &[Listening]) -> Option<String> {
    let page = page(config)?;
    let on = |kind, fits: fn(SocketAddr) -> bool| {
        listening.iter().find(|it| it.kind == kind && fits(it.address)).map(|it| it.address.port())
    };
    let path = page.path();
    if let Some(port) = on(ListenerKind::Web, |address| address.ip().is_loopback()) {
        return Some(format!("http://localhost:{port}{path}"));
    }
    let (port, home) = (on(ListenerKind::WebTls, |_| true)?, config.domains.first()?);
    Some(format!("https://{}:{port}{path}", home.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Domain;

    fn config(web: &[&str], web_tls: &[&str]) -> Config {
        let parse = |all: &[&str]| all.iter().map(|it| it.parse().unwrap()).collect();
        let mut config = Config::default();
        config.listen.web.value = parse(web);
        config.listen.web_tls = parse(web_tls);
        config
    }

    #[test]
    fn it_is_there_by_default_and_on_this_machine_alone() {
        assert!(page(&Config::default()).is_some());
        assert!(page(&config(&["127.0.0.1:80", "[::1]:80"], &["127.0.0.1:443"])).is_some());
        assert!(page(&config(&["127.0.0.1:80", "192.0.2.7:80"], &[])).is_none());
        assert!(page(&config(&["127.0.0.1:80"], &["[::]:443"])).is_none());
        let mut proxied = Config::default();
        proxied.web.trusted_proxies.push("127.0.0.1".parse().unwrap());
        assert!(page(&proxied).is_none());
    }

    #[test]
    fn who_asks_for_it_has_it_and_who_does_not_want_it_has_none() {
        let mut open = config(&["0.0.0.0:80"], &[]);
        open.web.chat = ShownTo::Everybody;
        assert!(page(&open).is_some());
        let mut none = Config::default();
        none.web.chat = ShownTo::Nobody;
        assert!(page(&none).is_none());
    }

    #[test]
    fn it_is_found_where_it_takes_passwords() {
        let told = |listening: &[(&str, ListenerKind)]| {
            let mut config = Config::default();
            config.web.chat = ShownTo::Everybody;
            config.domains = vec![Domain("capulet.example".parse().unwrap())];
            let listening: Vec<_> = listening
                .iter()
                .map(|(address, kind)| Listening { address: address.parse().unwrap(), kind: *kind })
                .collect();
            chat_page(&config, &listening)
        };
        let (c2s, web, tls) = (ListenerKind::C2s, ListenerKind::Web, ListenerKind::WebTls);
        let local = told(&[("127.0.0.1:5222", c2s), ("192.0.2.7:80", web), ("[::1]:5280", web)]);
        assert_eq!(local.as_deref(), Some("http://localhost:5280/chat"));
        let public = told(&[("192.0.2.7:80", web), ("192.0.2.7:443", tls)]);
        assert_eq!(public.as_deref(), Some("https://capulet.example:443/chat"));
        assert_eq!(told(&[("192.0.2.7:80", web)]), None);
    }
}
