//! The built-in client: who is shown it, and where it is.

use std::net::IpAddr;

use sestina::{
    chat::{Chat, Page},
    sasl::Protection,
    web::{Arrival, Routes},
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

pub(super) const ABOUT: &str = "Who is shown the built-in client at /chat: with \"loopback\", \
    browsers on this machine, over listen.web and through no proxy. On a public name a page that \
    asks for passwords is the operator's to put there.";

/// Adds the page, for those who are shown it.
pub(super) fn mount(config: &Config, routes: Routes) -> Routes {
    let Some(page) = page(config) else { return routes };
    routes.below(page.path().to_owned(), page)
}

fn page(config: &Config) -> Option<Page> {
    let domains = config.domains.iter().map(|domain| domain.0.to_string());
    let page = Chat::new(domains).page();
    match config.web.chat {
        ShownTo::Nobody => None,
        // Asked of each request: where the server listens may change while it runs.
        ShownTo::Loopback => Some(page.where_true(|extensions| {
            let arrival = extensions.get::<Arrival>();
            arrival.is_some_and(|it| it.connection().protection() == Protection::Loopback)
        })),
        ShownTo::Everybody => Some(page),
    }
}

/// Where a browser finds the page: on this machine, or else over TLS, because elsewhere it would
/// take no password.
pub(crate) fn chat_page(config: &Config, listening: &[Listening]) -> Option<String> {
    let page = page(config)?;
    let path = page.path();
    let on = |kind, fits: fn(IpAddr) -> bool| {
        let found = listening.iter().find(|it| it.kind == kind && fits(it.address.ip()));
        found.map(|it| it.address.port())
    };
    if let Some(port) = on(ListenerKind::Web, |ip| ip.is_loopback() || ip.is_unspecified()) {
        return Some(format!("http://localhost:{port}{path}"));
    }
    if config.web.chat == ShownTo::Loopback {
        return None;
    }
    let (port, home) = (on(ListenerKind::WebTls, |_| true)?, config.domains.first()?);
    Some(format!("https://{}:{port}{path}", home.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Domain;

    #[test]
    fn it_is_found_where_it_takes_passwords() {
        let told = |shown, listening: &[(&str, ListenerKind)]| {
            let mut config = Config::default();
            config.web.chat = shown;
            config.domains = vec![Domain("capulet.example".parse().unwrap())];
            let listening: Vec<_> = listening
                .iter()
                .map(|(address, kind)| Listening { address: address.parse().unwrap(), kind: *kind })
                .collect();
            chat_page(&config, &listening)
        };
        use ShownTo::{Everybody, Loopback, Nobody};
        let (c2s, web, tls) = (ListenerKind::C2s, ListenerKind::Web, ListenerKind::WebTls);
        let local = [("127.0.0.1:5222", c2s), ("192.0.2.7:80", web), ("[::1]:5280", web)];
        let public = [("192.0.2.7:80", web), ("192.0.2.7:443", tls)];
        for shown in [Loopback, Everybody] {
            assert_eq!(told(shown, &local).as_deref(), Some("http://localhost:5280/chat"));
            let any = told(shown, &[("0.0.0.0:80", web)]);
            assert_eq!(any.as_deref(), Some("http://localhost:80/chat"));
        }
        assert_eq!(told(Nobody, &local), None);
        assert_eq!(told(Loopback, &public), None);
        let over_tls = told(Everybody, &public);
        assert_eq!(over_tls.as_deref(), Some("https://capulet.example:443/chat"));
        assert_eq!(told(Everybody, &public[..1]), None);
    }
}
