//! The workspace's own automation: `cargo xtask COMMAND`.

mod api;
mod bench;
mod ci;
mod deps;
mod docs;
mod features;
mod flags;
mod fuzz;
mod interop;
mod links;
mod metadata;
mod plugins;
mod program;
mod publish;
mod scaffold;
mod server;
mod settings;
mod tally;
mod transcripts;

use std::process::ExitCode;

use crate::flags::Flags;
use crate::program::Outcome;

/// One command: its name, its arguments and purpose as `help` prints them, and what runs it.
struct Command {
    name: &'static str,
    usage: &'static str,
    purpose: &'static str,
    run: fn(Flags) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "api",
        usage: "[CRATE] [--check]",
        purpose: "write down what each library offers, or compare",
        run: api::run,
    },
    Command {
        name: "bench",
        usage: "[--xload PATH] [--only NAME]",
        purpose: "run the benches and, where xload is, the load figures",
        run: bench::run,
    },
    Command {
        name: "ci",
        usage: "[--fuzz-seconds N]",
        purpose: "everything a change has to pass",
        run: ci::run,
    },
    Command {
        name: "deps",
        usage: "",
        purpose: "check the arrows between the crates",
        run: deps::run,
    },
    Command {
        name: "docs",
        usage: "[--no-samples]",
        purpose: "build the docs, run their samples, follow their links",
        run: docs::run,
    },
    Command {
        name: "features",
        usage: "[PLUGIN]",
        purpose: "build and test the server without each plugin in turn",
        run: features::run,
    },
    Command {
        name: "fuzz",
        usage: "[TARGET] [SECONDS]",
        purpose: "fuzz one target, or each",
        run: fuzz::run,
    },
    Command {
        name: "interop",
        usage: "[CLIENT] [--server PATH]",
        purpose: "install clients written by others and run them against sestinad",
        run: interop::run,
    },
    Command {
        name: "new-plugin",
        usage: "NAME [--path PATH]",
        purpose: "begin a plugin, in this tree or elsewhere",
        run: scaffold::plugin::run,
    },
    Command {
        name: "new-server",
        usage: "PATH [--plugins NAME,…]",
        purpose: "begin a server of one's own",
        run: scaffold::server::run,
    },
    Command {
        name: "plugins",
        usage: "",
        purpose: "write the table of plugins into the README",
        run: plugins::run,
    },
    Command {
        name: "publish",
        usage: "[--no-verify] [--for-real]",
        purpose: "rehearse the publishing of every crate, or publish",
        run: publish::run,
    },
    Command {
        name: "scaffolds",
        usage: "",
        purpose: "begin a server and a plugin, and test them",
        run: scaffold::check::run,
    },
    Command {
        name: "settings",
        usage: "",
        purpose: "write the book's chapter of every setting",
        run: settings::run,
    },
    Command {
        name: "transcripts",
        usage: "[NAME]",
        purpose: "replay sessions of long ago, cut in every way, and show them",
        run: transcripts::run,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next();
    let Some(command) = COMMANDS.iter().find(|command| Some(command.name) == name.as_deref())
    else {
        print!("{}", help());
        return if name.is_none_or(|name| name.contains("help")) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    };
    match (command.run)(Flags::new(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.told {
                eprintln!("xtask {}: {failure}", command.name);
            }
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n\n");
    for Command { name, usage, purpose, .. } in COMMANDS {
        let call = format!("{name} {usage}");
        text += &format!("  {call:<38}{purpose}\n");
    }
    text
}
