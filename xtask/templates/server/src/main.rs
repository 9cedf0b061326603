//! Runs the server until it is asked to end.

use std::{error::Error, fs};

use {{crate}}::{Config, start};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let path = std::env::args().nth(1).unwrap_or_else(|| "server.toml".to_owned());
    let config = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let config: Config = toml::from_str(&config).map_err(|error| format!("{path}: {error}"))?;
    let server = start(&config).await?;
    for (address, _) in server.listening() {
        println!("{} is served on {address}; Ctrl-C ends it", config.domain);
    }
    asked_to_end().await?;
    println!("saying goodbye");
    server.shut_down().await?;
    Ok(())
}

/// Waits for Ctrl-C, or for what service managers send.
async fn asked_to_end() -> Result<(), Box<dyn Error>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed?,
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
