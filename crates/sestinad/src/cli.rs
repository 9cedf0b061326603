//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Environment, Flag, Sources};

/// An XMPP server, ready made.
///
/// Without a command it serves, and without anything else it serves localhost.
#[derive(Debug, Parser)]
#[command(name = "sestinad", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints or checks a configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Makes, changes, removes or lists accounts, whether the server runs or not.
    #[command(subcommand)]
    User(UserCommand),
    /// Lists or runs what plugins let administrators do.
    #[command(subcommand, name = "command")]
    Run(Administering),
    /// Writes accounts, with all that is kept for them, to a file (XEP-0227), whether the server runs
    /// or not.
    Export(Export),
    /// Takes accounts from such a file, each as a whole or not at all, whether the server runs or not.
    Import(Import),
    /// Says what is wrong with this deployment, and how to mend it.
    Check(Check),
    /// Has a running server read its configuration and certificates again, and prints what takes effect
    /// when.
    Reload,
    /// Prints the addresses a running server listens on, one a line, each behind its kind.
    Listeners,
}

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints a configuration file with every key, what it means and its default.
    Default,
    /// Prints every key in tables, in Markdown.
    Reference,
    /// Says what is wrong with a configuration file, line by line.
    Check {
        /// The file to check.
        file: PathBuf,
    },
}

/// How a deployment is looked at.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Tell it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Ask this DNS server, instead of those of this machine; can be repeated.
    #[arg(long, value_name = "ADDR")]
    pub(crate) resolver: Vec<std::net::SocketAddr>,
}

/// What to do with commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Administering {
    /// Prints the commands there are, and what they ask.
    List {
        /// The host whose commands they are, if not the first domain.
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
    },
    /// Runs a command; passwords are asked for.
    Run(RunCommand),
}

/// A command and what it is told.
#[derive(Debug, Args)]
pub(crate) struct RunCommand {
    /// The host at which it is run, if not the first domain.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// The command's node, or what follows the # in it.
    pub(crate) node: String,
    /// What it is told; a name that is repeated has several values.
    #[arg(value_name = "NAME=VALUE")]
    pub(crate) answers: Vec<String>,
    /// Read a password from the first line of standard input, instead of asking for it twice.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Makes an account; its password is asked for.
    Add(NewPassword),
    /// Gives an account another password.
    Passwd(NewPassword),
    /// Keeps an account from logging in, and ends its sessions; everything kept for it stays.
    Disable {
        /// The account, such as juliet@example.org, or juliet at the first domain.
        account: String,
    },
    /// Lets an account log in again.
    Enable {
        /// The account, such as juliet@example.org, or juliet at the first domain.
        account: String,
    },
    /// Removes an account and everything kept for it.
    Remove {
        /// The account, such as juliet@example.org, or juliet at the first domain.
        account: String,
    },
    /// Prints the accounts, one a line, and who of them cannot log in.
    List,
}

/// Which accounts are written where.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// An account, such as juliet@example.org, or juliet at the first domain; can be repeated. All of
    /// them unless told.
    #[arg(long, value_name = "JID")]
    pub(crate) account: Vec<String>,
    /// The file, which nobody else may read; standard output unless told.
    pub(crate) file: Option<PathBuf>,
}

/// Where accounts are taken from, and how.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file; - for standard input. With --from, what the other server keeps or has written.
    pub(crate) file: PathBuf,
    /// The server it comes from, if that is another: what it says is put as it should be.
    #[arg(long, value_name = "SERVER")]
    pub(crate) from: Option<Server>,
    /// Take files that are no UTF-8 for ISO 8859-1, as spools of the first years are.
    #[arg(long, requires = "from")]
    pub(crate) latin1: bool,
    /// Put accounts in place of those that are there, whose sessions end.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Servers whose accounts can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// jabberd 1.4: its spool folder, or that of one host.
    Jabberd14,
    /// ejabberd: the folder that export_piefxis has written to, or a file of it.
    Ejabberd,
    /// Prosody: its data folder, that of a host in it, or what its XEP-0227 storage has written.
    Prosody,
}

/// An account and where its password comes from.
#[derive(Debug, Args)]
pub(crate) struct NewPassword {
    /// The account, such as juliet@example.org, or juliet at the first domain.
    pub(crate) account: String,
    /// Read the password from the first line of standard input, instead of asking for it twice.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// What wins over the configuration file and the environment.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "SESTINA_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The starting point under it: default, legacy, minimal, or one for an old client.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// The directory where everything is kept.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// What keeps it: redb, sled or memory.
    #[arg(long, global = true, value_name = "KIND")]
    pub(crate) store: Option<String>,
    /// A domain to serve; can be repeated.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) domain: Vec<String>,
    /// An address for connections that take up TLS; can be repeated.
    #[arg(long, global = true, value_name = "ADDR")]
    pub(crate) c2s: Vec<String>,
    /// An address for connections with TLS from the start; can be repeated.
    #[arg(long, global = true, value_name = "ADDR")]
    pub(crate) c2s_tls: Vec<String>,
    /// An address for HTTP in the clear; can be repeated.
    #[cfg(feature = "web")]
    #[arg(long, global = true, value_name = "ADDR")]
    pub(crate) web: Vec<String>,
    /// An address for HTTP over TLS; can be repeated.
    #[cfg(feature = "web")]
    #[arg(long, global = true, value_name = "ADDR")]
    pub(crate) web_tls: Vec<String>,
    /// An address for the console; can be repeated.
    #[cfg(feature = "console")]
    #[arg(long, global = true, value_name = "ADDR")]
    pub(crate) console: Vec<String>,
    /// An address for the console over TLS; can be repeated.
    #[cfg(feature = "console")]
    #[arg(long, global = true, value_name = "ADDR")]
    pub(crate) console_tls: Vec<String>,
    /// An account that administers the server; can be repeated.
    #[arg(long, global = true, value_name = "JID")]
    pub(crate) admin: Vec<String>,
    /// What is worth a log line, such as debug or info,sestina_net=debug.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// How log lines look: human or json.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
}

impl Options {
    /// Where settings are read from, these flags last.
    pub(crate) fn sources(self, environment: Environment) -> Sources {
        let one = |name, key, value: Option<String>| {
            value.map(|value| Flag { name, key, values: vec![value] })
        };
        let many = |name, key, values: Vec<String>| {
            (!values.is_empty()).then_some(Flag { name, key, values })
        };
        let flags = [
            one("--preset", "preset", self.preset),
            one("--data", "data", self.data),
            one("--store", "store", self.store),
            many("--domain", "domains", self.domain),
            many("--c2s", "listen.c2s", self.c2s),
            many("--c2s-tls", "listen.c2s-tls", self.c2s_tls),
            #[cfg(feature = "web")]
            many("--web", "listen.web", self.web),
            #[cfg(feature = "web")]
            many("--web-tls", "listen.web-tls", self.web_tls),
            #[cfg(feature = "console")]
            many("--console", "listen.console", self.console),
            #[cfg(feature = "console")]
            many("--console-tls", "listen.console-tls", self.console_tls),
            many("--admin", "admins", self.admin),
            one("--log-level", "log.level", self.log_level),
            one("--log-format", "log.format", self.log_format),
        ];
        let flags = flags.into_iter().flatten().collect();
        Sources { file: self.config, environment, flags }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::keys;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_sets_a_key_that_there_is() {
        let text = || "x".to_owned();
        let options = Options {
            config: None,
            preset: Some(text()),
            data: Some(text()),
            store: Some(text()),
            domain: vec![text()],
            c2s: vec![text()],
            c2s_tls: vec![text()],
            #[cfg(feature = "web")]
            web: vec![text()],
            #[cfg(feature = "web")]
            web_tls: vec![text()],
            #[cfg(feature = "console")]
            console: vec![text()],
            #[cfg(feature = "console")]
            console_tls: vec![text()],
            admin: vec![text()],
            log_level: Some(text()),
            log_format: Some(text()),
        };
        let sources = options.sources(Environment::default());
        let of_http =
            2 * (usize::from(cfg!(feature = "web")) + usize::from(cfg!(feature = "console")));
        assert_eq!(sources.flags.len(), 9 + of_http);
        for flag in sources.flags {
            assert!(keys().iter().any(|key| key.path() == flag.key), "{}", flag.key);
        }
    }

    #[test]
    fn flags_stand_before_and_behind_a_command() {
        let cli =
            ["sestinad", "--data", "d", "user", "add", "a@b", "--password-stdin", "--domain", "b"];
        let cli = Cli::try_parse_from(cli).unwrap();
        assert_eq!((cli.options.data.as_deref(), cli.options.domain.len()), (Some("d"), 1));
        assert!(matches!(cli.command, Some(Command::User(UserCommand::Add(_)))));
    }

    #[test]
    fn a_password_is_no_argument() {
        assert!(Cli::try_parse_from(["sestinad", "user", "add", "a@b", "secret"]).is_err());
    }
}
