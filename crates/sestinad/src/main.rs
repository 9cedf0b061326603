#![doc = include_str!("../README.md")]

mod assemble;
mod certificate;
mod check;
mod cli;
mod commands;
mod config;
mod control;
mod failure;
mod files;
mod hosts;
mod identities;
mod listeners;
mod logging;
mod moving;
mod notify;
mod password;
mod plugins;
mod reload;
mod run;
mod signals;
mod sources;
mod users;
#[cfg(feature = "web")]
mod web;
mod welcome;

#[cfg(not(panic = "unwind"))]
compile_error!("a panic of a plugin would end the server: build it with `panic = \"unwind\"`");

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    cli::{Cli, Command, ConfigCommand},
    config::{Environment, Sources},
    failure::Failure,
};

fn main() -> ExitCode {
    // Whatever is written here is this user's alone: the store holds verifiers of passwords.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let cli = Cli::parse();
    match carry_out(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to be done where standard error is closed.
            let _told = writeln!(io::stderr(), "sestinad: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(cli: Cli) -> Result<(), Failure> {
    let Cli { options, command } = cli;
    match command {
        None => run::run(options.sources(Environment::of_process())),
        Some(Command::Config(ConfigCommand::Default)) => print(&config::sample()),
        Some(Command::Config(ConfigCommand::Reference)) => print(&config::reference()),
        Some(Command::Config(ConfigCommand::Check { file })) => {
            // The file alone: what else would win over it is no fault of the file's.
            let sources = Sources { file: Some(file.clone()), ..Sources::default() };
            let config = sources.load().map_err(Failure::Config)?;
            run::runtime(1)?.block_on(reload::try_out(&sources, &config))?;
            print(&format!("{}: good\n", file.display()))
        }
        Some(Command::User(command)) => {
            let config = options.sources(Environment::of_process()).load();
            users::run(&config.map_err(Failure::Config)?, command)
        }
        Some(Command::Run(command)) => {
            let config = options.sources(Environment::of_process()).load();
            commands::run(&config.map_err(Failure::Config)?, command)
        }
        Some(Command::Export(what)) => {
            let config = options.sources(Environment::of_process()).load();
            moving::export(&config.map_err(Failure::Config)?, what)
        }
        Some(Command::Import(what)) => {
            let config = options.sources(Environment::of_process()).load();
            moving::import(&config.map_err(Failure::Config)?, what)
        }
        Some(Command::Check(asked)) => {
            check::check(&options.sources(Environment::of_process()), &asked, run::now())
        }
        Some(Command::Reload) => {
            let config = options.sources(Environment::of_process()).load();
            reload::ask(&config.map_err(Failure::Config)?)
        }
        Some(Command::Listeners) => {
            let config = options.sources(Environment::of_process()).load();
            listeners::print(&config.map_err(Failure::Config)?)
        }
    }
}

/// Prints what was asked for. Whoever closes the pipe has read enough.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::because("standard output cannot be written to", error))
        }
        _ => Ok(()),
    }
}
