//! The figures: what each crate's benches print and, where the load generator is, the server's.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::flags::Flags;
use crate::metadata::Workspace;
use crate::program::{Failure, Outcome, capture, cargo, line_by_line, root, target};
use crate::server::{self, Home, Server};

/// Where the load generator lies when nothing else is said. It is no part of this repository.
const XLOAD: &str = "../shared/xload";

/// How many accounts the loads use: the sessions that are held, and those that warm up.
const ACCOUNTS: u32 = 1100;

/// One load: its name, what it says to the load generator, and what to say for the floor, a bare
/// relay of frames that shows what the machine itself takes.
struct Load {
    name: &'static str,
    load: &'static [&'static str],
    floor: Option<&'static [&'static str]>,
    /// The figures worth a line: the server's, and the floor's where its name differs.
    figures: &'static [(&'static str, Option<&'static str>)],
}

const MESSAGE: &[(&str, Option<&str>)] = &[
    ("msg_server_cpu_us", Some("msg_server_cpu_us")),
    ("msgs_per_s", Some("msgs_per_s")),
    ("latency_p50_us", Some("latency_p50_us")),
    ("latency_p99_us", Some("latency_p99_us")),
];

const SESSION: &[(&str, Option<&str>)] = &[
    ("login_server_cpu_us", Some("connection_server_cpu_us")),
    ("logins_per_s", Some("connections_per_s")),
    ("rss_kib_per_session", Some("rss_kib_per_session")),
];

const LOADS: &[Load] = &[
    Load {
        name: "chat",
        load: &["chat", "-m", "2000"],
        floor: Some(&["floor", "--mode", "mailbox", "-m", "5000"]),
        figures: MESSAGE,
    },
    Load {
        name: "chat-w1",
        load: &["chat", "-m", "1000", "-w", "1"],
        floor: Some(&["floor", "--mode", "mailbox", "-m", "2000", "-w", "1"]),
        figures: MESSAGE,
    },
    Load {
        name: "paced",
        load: &["paced", "-m", "300", "-r", "2000"],
        floor: Some(&["floor", "--mode", "mailbox", "-m", "300", "-r", "2000"]),
        figures: MESSAGE,
    },
    Load {
        name: "chat-tls",
        load: &["--tls", "starttls", "chat", "-m", "2000"],
        floor: None,
        figures: MESSAGE,
    },
    Load {
        name: "ping",
        load: &["iq", "--pings", "6000", "--gets", "0"],
        floor: None,
        figures: &[("ping_server_cpu_us", None), ("pings_per_s", None)],
    },
    Load {
        name: "idle",
        load: &["idle", "-n", "1000", "--settle", "5"],
        floor: Some(&["floor", "--mode", "idle", "-n", "1000"]),
        figures: SESSION,
    },
    Load {
        name: "idle-tls",
        load: &["--tls", "starttls", "idle", "-n", "1000", "--settle", "5"],
        floor: Some(&["floor", "--mode", "idle-tls", "-n", "1000"]),
        figures: SESSION,
    },
];

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let xload = flags.option::<PathBuf>("--xload")?;
    let only = flags.option::<String>("--only")?;
    flags.finish()?;
    let results = target().join("bench");
    fs::create_dir_all(&results)?;
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    for package in Workspace::load()?.packages.iter().filter(|package| package.has_benches) {
        if wanted(&package.name) {
            crate_benches(&package.name, &results)?;
        }
    }
    let here = root().join(XLOAD);
    let xload = match xload {
        Some(path) => root().join(path),
        None if here.is_dir() => here,
        None => {
            println!("the load figures were left out: there is no {XLOAD}, and no --xload PATH");
            return Ok(());
        }
    };
    let chosen: Vec<_> = LOADS.iter().filter(|load| wanted(load.name)).collect();
    if chosen.is_empty() { Ok(()) } else { loads(&xload, &chosen, &results) }
}

/// Runs the benches of one crate and keeps what they print.
fn crate_benches(name: &str, results: &Path) -> Outcome {
    let mut text = String::new();
    line_by_line(&mut cargo(["bench", "--quiet", "--package", name, "--benches"]), |line| {
        text += line;
        text.push('\n');
    })?;
    Ok(fs::write(results.join(format!("{name}.txt")), text)?)
}

/// Runs the loads against the server and the floor in turn, so that both meet the same machine.
fn loads(xload: &Path, chosen: &[&Load], results: &Path) -> Outcome {
    let built = target().join("xload");
    let mut build = cargo(["build", "--quiet", "--release"]);
    capture(build.current_dir(xload).env("CARGO_TARGET_DIR", &built))?;
    let generator = Generator(built.join("release/xload"));
    let program = server::build("release")?;
    let home = Home::fresh("bench")?;
    let server = Server::start(&program, &home)?;
    for number in 0..ACCOUNTS {
        // The load generator's names, and its passwords.
        let user = format!("user{number}");
        server.add_user(&user, &user)?;
    }
    server.stop()?;
    let mut table = format!("{:<10} {:<22} {:>12} {:>12}\n", "load", "figure", "sestinad", "floor");
    let mut kept = String::new();
    for load in chosen {
        // A server that has just started, so that no load pays for the one before it.
        let server = Server::start(&program, &home)?;
        let ours = generator.call(&server, load.load)?;
        let floor = load.floor.map(|floor| generator.call(&server, floor)).transpose()?;
        server.stop()?;
        table += &rows(load, &ours, floor.as_ref());
        let line = serde_json::json!({ "load": load.name, "sestinad": ours, "floor": floor });
        let _ = writeln!(kept, "{line}");
    }
    fs::write(results.join("loads.jsonl"), kept)?;
    fs::write(results.join("loads.txt"), &table)?;
    print!("{table}");
    Ok(())
}

struct Generator(PathBuf);

impl Generator {
    fn call(&self, server: &Server, load: &[&str]) -> Outcome<Value> {
        let mut command = Command::new(&self.0);
        command
            .args(["--addr", &server.starttls.to_string(), "--json", "--mech", "scram-sha1"])
            // Whether a client's presence comes back to it is a plugin's to say.
            .arg("--no-echo")
            .env("RUST_BACKTRACE", "0")
            .args(["--server-pid", &server.pid().to_string()])
            .args(load);
        let text = capture(&mut command)?;
        let last = text.lines().rev().find(|line| line.starts_with('{')).unwrap_or("{}");
        serde_json::from_str(last).map_err(|e| Failure::new(format!("xload answered {last}: {e}")))
    }
}

fn rows(load: &Load, ours: &Value, floor: Option<&Value>) -> String {
    let mut text = String::new();
    for (figure, at_floor) in load.figures {
        let floor = at_floor.and_then(|name| floor?.get(name)?.as_f64());
        let (ours, floor) = (shown(ours[figure].as_f64()), shown(floor));
        let _ = writeln!(text, "{:<10} {figure:<22} {ours:>12} {floor:>12}", load.name);
    }
    text
}

fn shown(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_stands_beside_the_floors() {
        let load = LOADS.iter().find(|load| load.name == "idle").unwrap();
        let ours = serde_json::json!({ "login_server_cpu_us": 180.25, "logins_per_s": 4000 });
        let floor = serde_json::json!({ "connection_server_cpu_us": 40.0 });
        assert_eq!(
            rows(load, &ours, Some(&floor)),
            "idle       login_server_cpu_us          180.25        40.00\n\
             idle       logins_per_s                4000.00            -\n\
             idle       rss_kib_per_session               -            -\n"
        );
    }
}
