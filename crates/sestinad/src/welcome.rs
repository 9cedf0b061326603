//! What the operator reads when the server has started.

use std::{fmt::Write, path::Path};

use crate::{
    config::{Config, Setting},
    control::{ListenerKind, Listening},
};

/// Where the server listens, and how to connect.
pub(crate) fn welcome(
    config: &Config,
    listening: &[Listening],
    plugins: &[&str],
    self_made: Option<&Path>,
) -> String {
    let domains = config.domains.iter().map(|domain| domain.0.as_str());
    let domains: Vec<_> = domains.chain(config.hosts.iter().map(Config::domain)).collect();
    let home = domains.first().copied().unwrap_or_default();
    let mut text = String::new();
    // Writing to a string does not fail.
    let mut line = |content: String| {
        let _always = writeln!(text, "{content}");
    };
    line(format!("sestinad {} serves {}", env!("CARGO_PKG_VERSION"), domains.join(", ")));
    for it in listening {
        let how = match it.kind {
            ListenerKind::C2s => "STARTTLS",
            ListenerKind::C2sTls => "TLS from the start",
            ListenerKind::Web => "HTTP",
            ListenerKind::WebTls => "HTTP over TLS",
            ListenerKind::Proxy65 => "bytestreams",
            ListenerKind::Console => "console",
            ListenerKind::ConsoleTls => "console over TLS",
        };
        line(format!("  {:<24} {how}", it.address.to_string()));
    }
    let plugins = if plugins.is_empty() { "none".to_owned() } else { plugins.join(", ") };
    let (data, store) = (config.data.display(), config.store.show());
    line(format!("Data: {data} ({}). Plugins: {plugins}.", store.trim_matches('"')));
    line(String::new());
    #[cfg(feature = "chat")]
    if let Some(page) = crate::web::chat_page(config, listening) {
        line("To chat, open this page in a browser:".to_owned());
        line(format!("  {page}"));
        line(String::new());
    }
    line("To connect with any XMPP client, make an account:".to_owned());
    line(format!("  {} user add juliet@{home}", program(config)));
    let port =
        listening.iter().find(|it| it.kind == ListenerKind::C2s).or_else(|| listening.first());
    let port = port.map_or(5222, |it| it.address.port());
    line(format!("and log in as juliet@{home}, port {port}."));
    if let Some(certificate) = self_made {
        let certificate = certificate.display();
        line(format!("The client has to trust the certificate in {certificate}."));
    }
    line("Ctrl-C stops the server.".to_owned());
    text
}

/// How this program was called, as far as another call must repeat it.
fn program(config: &Config) -> String {
    let name = std::env::args().next().unwrap_or_else(|| "sestinad".to_owned());
    if config.data == Config::default().data {
        name
    } else {
        format!("{name} --data {}", config.data.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_and_how() {
        let listening =
            [("127.0.0.1:5222", ListenerKind::C2s), ("[::1]:5223", ListenerKind::C2sTls)]
                .map(|(address, kind)| Listening { address: address.parse().unwrap(), kind });
        let config = Config { data: "/srv/x".into(), ..Config::default() };
        let text = welcome(&config, &listening, &["ping"], Some(Path::new("/srv/x/tls/a.crt")));
        for part in [
            "serves localhost",
            "127.0.0.1:5222           STARTTLS\n",
            "[::1]:5223               TLS from the start\n",
            "--data /srv/x user add juliet@localhost",
            "port 5222",
            "/srv/x/tls/a.crt",
            "Plugins: ping.",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[cfg(feature = "chat")]
    #[test]
    fn it_names_the_page_to_chat_on() {
        let told = |address: &str| {
            let listening =
                [Listening { address: address.parse().unwrap(), kind: ListenerKind::Web }];
            welcome(&Config::default(), &listening, &[], None)
        };
        let local = told("127.0.0.1:5280");
        assert!(local.contains("  http://localhost:5280/chat\n"), "{local}");
        let public = told("192.0.2.7:80");
        assert!(!public.contains("http://"), "{public}");
    }
}
