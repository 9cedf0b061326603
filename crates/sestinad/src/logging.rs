//! Log lines, on standard error.

use std::{
    io::{self, IsTerminal},
    panic,
};

use sestina::core::is_contained;

use tracing_subscriber::{
    EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use crate::{
    config::{Log, LogFormat},
    failure::Failure,
};

/// The log's level, to be changed while running.
#[derive(Debug)]
pub(crate) struct Level(reload::Handle<EnvFilter, Registry>);

/// Begins to write log lines.
pub(crate) fn begin(log: &Log) -> Result<Level, Failure> {
    let (filter, level) = reload::Layer::new(filter(log)?);
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let begun = match log.format {
        LogFormat::Human => registry.with(lines.with_ansi(io::stderr().is_terminal())).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    begun.map_err(|error| Failure::because("the log cannot be begun", error))?;
    log_panics();
    Ok(Level(level))
}

/// Leaves it to the server to log those panics that it survives: it knows whose they are.
fn log_panics() {
    let otherwise = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !is_contained(panic) {
            otherwise(panic);
        }
    }));
}

impl Level {
    /// Takes another level.
    pub(crate) fn change(&self, to: EnvFilter) -> Result<(), Failure> {
        let changed = self.0.reload(to);
        changed.map_err(|error| Failure::because("the log level cannot be changed", error))
    }
}

/// What a line must be worth: `RUST_LOG` if it is set, else what is configured.
pub(crate) fn filter(log: &Log) -> Result<EnvFilter, Failure> {
    let (name, directives) = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => ("RUST_LOG", directives),
        _ => ("log.level", log.level.clone()),
    };
    EnvFilter::try_new(&directives).map_err(|error| {
        Failure::because(
            format!("{name}: expected levels such as \"info\", not {directives:?}"),
            error,
        )
    })
}
