//! The configuration file with every key in it.

use sestina::core::Effect;

use super::{Config, Key, keys};

/// What stands above a section.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("storage", "The threads of stores on disk."),
    ("listen", "Where clients are waited for. An IPv6 address takes IPv6 only: name both kinds."),
    (
        "tls",
        "Certificates, in PEM. Without any the server makes its own and keeps it in the data \
         directory, which clients have to be told to trust.",
    ),
    ("log", "What is told of what happens. It goes to standard error."),
    ("authentication", "How clients prove who they are."),
    ("authentication.address", "What slows down whoever guesses passwords from one address."),
    ("authentication.account", "What slows down whoever guesses the password of one account."),
    ("session", "Sessions: resources that clients have bound."),
    ("connection", "Connections: how long, and how many."),
    ("console", "The console: who may use it."),
    ("web", "Who is served over HTTP, within which bounds."),
    ("stanza", "What a client may send once it has logged in."),
    ("stranger", "What a client may send before it has logged in."),
];

/// The defaults as a configuration file that documents every key.
pub(crate) fn sample() -> String {
    let mut config = Config::default();
    let mut text = String::from(
        "# The configuration of sestinad, with its defaults: what is left out is as it is here.\n\
         #\n\
         # Flags win over environment variables, those over this file, and this file over the\n\
         # preset. A key's variable is its name in capitals, with _ for the dots and hyphens:\n\
         # connection.idle is SESTINA_CONNECTION_IDLE; a list is written there with commas.\n\
         # Durations and sizes carry their unit: \"500ms\", \"30s\", \"5m\", \"1h\"; \"256 KiB\", \"4 MiB\".\n\
         #\n\
         # A reload (`sestinad reload`, SIGHUP) reads all of it again. What is marked takes effect\n\
         # then, at once or for connections and sessions that begin after it; the rest after a restart.\n",
    );
    let mut section = "";
    let keys = keys();
    for key in &keys {
        let (within, name) = key.path().rsplit_once('.').unwrap_or_else(|| ("", key.path()));
        if within != section {
            section = within;
            text.push('\n');
            if let Some((_, about)) = SECTIONS.iter().find(|(name, _)| *name == within) {
                comment(&mut text, about);
            }
            text.push_str(&format!("[{within}]\n"));
        }
        text.push('\n');
        comment(&mut text, &about(key));
        text.push_str(&format!("{name} = {}\n", key.show(&mut config)));
    }
    text.push('\n');
    comment(&mut text, HOSTS);
    for line in HOST {
        text.push_str(&format!("# {line}\n"));
    }
    text
}

/// What stands at the end, about hosts.
const HOSTS: &str = "Domains that are to have plugins, accounts and certificates of their own are hosts: \
     as many tables as there are domains, named in quotes. What one leaves out is as above, but for \
     its administrators; with a preset, its plugins and bounds begin there. It keeps everything in \
     hosts/ in the data directory. Hosts are added and removed on SIGHUP. They can set preset, \
     admins, store, storage, tls.certificate, tls.key, tls.client-authorities, authentication, \
     session, connection (but for authenticate), stanza and plugins.";

const HOST: &[&str] = &[
    "",
    "[host.\"rabbit.example\"]",
    "preset = \"rabbit\"",
    "admins = [\"juliet@rabbit.example\"]",
    "plugins.offline.enabled = false",
];

fn about(key: &Key<Config>) -> String {
    let mut about = key.about().to_owned();
    if let Some(options) = key.options() {
        about.push_str(&format!(" One of {options}."));
    }
    about.push_str(match key.effect() {
        Effect::AtOnce => " (at once)",
        Effect::ForNewSessions => " (for new sessions)",
        Effect::AfterRestart => "",
    });
    about
}

/// Writes words as comment lines.
fn comment(text: &mut String, words: &str) {
    const WIDTH: usize = 96;
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}
