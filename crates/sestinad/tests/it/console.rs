//! The console of a server that was started from its binary.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::daemon::{Daemon, PATIENCE, add, complaint, run, sestinad};

/// Asks once, and reads all that comes.
fn ask(address: SocketAddr, request: &str, headers: &[&str]) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    write!(socket, "{request} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn nothing_is_there_unless_it_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path());
    let listed = run(sestinad(data.path()).arg("listeners"), "");
    assert!(!String::from_utf8_lossy(&listed.stdout).contains("console"));
    drop(daemon);
}

#[test]
fn one_key_has_it_served_and_administrators_use_it() {
    let data = tempfile::tempdir().unwrap();
    add(data.path(), "nurse@localhost", "angelica");
    let arguments = ["--console", "127.0.0.1:0", "--admin", "nurse@localhost"];
    let daemon = Daemon::start_with(data.path(), &arguments);
    let address = daemon.address("console");
    let page = ask(address, "GET /", &["host: localhost"]);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<title>sestina"), "{page}");
    assert!(page.contains("script-src 'self'"), "{page}");
    let unknown = ask(address, "GET /api/server", &["host: localhost"]);
    assert!(unknown.starts_with("HTTP/1.1 401"), "{unknown}");
    // nurse@localhost:angelica
    let known = "authorization: Basic bnVyc2VAbG9jYWxob3N0OmFuZ2VsaWNh";
    let server = ask(address, "GET /api/server", &["host: localhost", known]);
    assert!(server.starts_with("HTTP/1.1 200") && server.contains("\"localhost\""), "{server}");
    // A proxy says that somebody elsewhere asks, and nothing says that by TLS.
    let forwarded = "x-forwarded-for: 192.0.2.7";
    let away = ask(address, "GET /api/server", &["host: localhost", known, forwarded]);
    assert!(away.starts_with("HTTP/1.1 403"), "{away}");
    let straying = ask(address, "GET /console/../api/server", &["host: localhost", known]);
    assert!(straying.starts_with("HTTP/1.1 404"), "{straying}");
}

#[test]
fn whoever_sits_at_the_machine_is_trusted_if_it_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestina.toml");
    std::fs::write(&file, "[console]\nloopback = \"trusted\"\n").unwrap();
    let file = file.display().to_string();
    let daemon = Daemon::start_with(data.path(), &["--console", "127.0.0.1:0", "--config", &file]);
    let address = daemon.address("console");
    let here = ask(address, "GET /api/server", &["host: localhost"]);
    assert!(here.starts_with("HTTP/1.1 200"), "{here}");
    let rebound = ask(address, "GET /api/server", &["host: rebound.example"]);
    assert!(rebound.starts_with("HTTP/1.1 401"), "{rebound}");
    let forwarded = ask(address, "GET /api/server", &["host: localhost", "via: 1.1 proxy"]);
    assert!(forwarded.starts_with("HTTP/1.1 401"), "{forwarded}");
}

#[cfg(feature = "metrics")]
#[test]
fn figures_are_told_there_to_whoever_sits_at_the_machine() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_with(data.path(), &["--console", "127.0.0.1:0"]);
    let address = daemon.address("console");
    let ready = ask(address, "GET /ready", &["host: localhost"]);
    assert!(ready.starts_with("HTTP/1.1 200") && ready.ends_with("ready\n"), "{ready}");
    assert!(ask(address, "GET /health", &["host: localhost"]).starts_with("HTTP/1.1 200"));
    // It comes, and goes without a word.
    drop(TcpStream::connect(daemon.address("c2s")).unwrap());
    let gone = ["sestina_connections{over=\"starttls\"} 0", "sestina_sessions 0"];
    let figures = loop {
        let figures = ask(address, "GET /metrics", &["host: localhost"]);
        let says = |line: &str| figures.lines().any(|it| it == line);
        // It is counted out a moment before it is away.
        if figures.contains("why=\"lost\"") && gone.into_iter().all(says) {
            break figures;
        }
    };
    assert!(figures.contains("application/openmetrics-text"), "{figures}");
    let forwarded = ["host: localhost", "x-forwarded-for: 192.0.2.7"];
    let away = ask(address, "GET /metrics", &forwarded);
    assert!(away.starts_with("HTTP/1.1 403") && !away.contains("sestina_"), "{away}");
    let away = ask(address, "GET /ready", &forwarded);
    assert!(away.starts_with("HTTP/1.1 200") && !away.contains("ready"), "{away}");
    // Strangers are told nothing.
    let public = ask(daemon.address("web"), "GET /metrics", &["host: localhost"]);
    assert!(public.starts_with("HTTP/1.1 404"), "{public}");
}

#[test]
fn other_machines_do_not_reach_it_without_tls_by_mistake() {
    let data = tempfile::tempdir().unwrap();
    let started =
        run(sestinad(data.path()).args(["--store", "memory", "--console", "0.0.0.0:0"]), "");
    let told = complaint(&started);
    assert!(told.contains("console.without-tls") && told.contains("console-tls"), "{told}");
}
