//! Fuzzing: each target for a while, from the seeds in the tree.
//!
//! What a run discovers is kept in the target folder, so the tree stays as it was.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::flags::Flags;
use crate::program::{
    Failure, Outcome, Stopwatch, capture, capture_both, cargo, exists, quietly, root, target,
};

/// How long a target runs when nothing else is said.
const DEFAULT_SECONDS: u64 = 60;

/// Above this a target is taken to have no bound on its memory.
const MEMORY_LIMIT_MIB: u32 = 1024;

/// One input may take so long before it counts as a hang.
const INPUT_LIMIT_SECONDS: u32 = 10;

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let first = flags.positional::<String>("target")?;
    let second = flags.positional::<u64>("seconds")?;
    flags.finish()?;
    // `fuzz 20` means every target, twenty seconds each.
    let (only, seconds) = match first.as_deref().map(str::parse::<u64>) {
        Some(Ok(seconds)) if second.is_none() => (None, Some(seconds)),
        _ => (first, second),
    };
    check(only.as_deref(), seconds.unwrap_or(DEFAULT_SECONDS))
}

/// Runs each target, or `only` that one, for so many seconds.
pub(crate) fn check(only: Option<&str>, seconds: u64) -> Outcome {
    let targets = targets(&fs::read_to_string(root().join("fuzz/Cargo.toml"))?);
    let chosen: Vec<_> =
        targets.iter().filter(|target| only.is_none_or(|only| only == *target)).collect();
    if chosen.is_empty() {
        let known = targets.join(", ");
        return Err(Failure::new(format!("no such target; there are {known}")));
    }
    install()?;
    // All at once, so that what they share is built once and the seconds are spent on fuzzing.
    let mut build = cargo_fuzz("build");
    build.extend(only.map(str::to_owned));
    quietly(&mut command(&build))?;
    let mut failed = Vec::new();
    for target in chosen {
        let watch = Stopwatch::start();
        match one(target, seconds) {
            Ok(inputs) => {
                println!("fuzz {target}: ok ({inputs} inputs, {} s)", watch.elapsed().as_secs());
            }
            Err(failure) => {
                eprintln!("fuzz {target}: {failure}");
                failed.push(target.as_str());
            }
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        let failed = failed.join(", ");
        Err(Failure::new(format!("{failed} failed; the inputs are in fuzz/artifacts")))
    }
}

/// Runs one target and returns how many inputs it met.
fn one(name: &str, seconds: u64) -> Outcome<u64> {
    let found = target().join("fuzz-corpus").join(name);
    fs::create_dir_all(&found)?;
    let seeds = root().join("fuzz/corpus").join(name);
    if !seeds.is_dir() {
        return Err(Failure::new(format!("there are no seeds in {}", seeds.display())));
    }
    let mut arguments = cargo_fuzz("run");
    arguments.push(name.to_owned());
    // The first corpus is the one that grows.
    arguments.extend([found, seeds].map(|folder| folder.display().to_string()));
    arguments.extend([
        "--".to_owned(),
        format!("-max_total_time={seconds}"),
        format!("-rss_limit_mb={MEMORY_LIMIT_MIB}"),
        format!("-timeout={INPUT_LIMIT_SECONDS}"),
        "-print_final_stats=1".to_owned(),
    ]);
    let (_, said) = capture_both(&mut command(&arguments))?;
    executed(&said).ok_or_else(|| Failure::new("the fuzzer did not say how many inputs it tried"))
}

/// The number of inputs, from the fuzzer's closing lines.
fn executed(said: &str) -> Option<u64> {
    let (_, rest) = said.split_once("stat::number_of_executed_units:")?;
    rest.lines().next()?.trim().parse().ok()
}

/// The names of the targets in the fuzz crate's manifest.
fn targets(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut in_target = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_target = line == "[[bin]]";
        } else if let Some(name) = line.strip_prefix("name = ").filter(|_| in_target) {
            names.push(name.trim_matches('"').to_owned());
        }
    }
    names
}

/// Puts cargo-fuzz into the target folder where the machine has none.
fn install() -> Outcome {
    if exists("cargo-fuzz") || own().exists() {
        return Ok(());
    }
    println!("installing cargo-fuzz");
    let tools = tools().display().to_string();
    quietly(&mut cargo(["install", "cargo-fuzz", "--quiet", "--locked", "--root", &tools]))
}

fn tools() -> PathBuf {
    target().join("tools")
}

fn own() -> PathBuf {
    tools().join("bin/cargo-fuzz")
}

/// The workspace has no unsafe code, so what a sanitizer would find is not ours; without one the
/// targets build in half the time and run several times as fast, assertions on.
fn cargo_fuzz(command: &str) -> Vec<String> {
    ["fuzz", command, "--sanitizer=none"].map(str::to_owned).to_vec()
}

fn command(arguments: &[String]) -> Command {
    let program = if own().exists() { own() } else { "cargo-fuzz".into() };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).env("CARGO_TARGET_DIR", target().join("fuzz"));
    // The compiler's instrumentation is not stable: nightly has it, and so has stable when told to.
    // A toolchain is taken where there is one and never downloaded.
    if has_nightly() {
        command.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC");
    } else {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    command
}

fn has_nightly() -> bool {
    capture(Command::new("rustup").args(["toolchain", "list"]))
        .is_ok_and(|list| list.lines().any(|toolchain| toolchain.starts_with("nightly")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_from_the_manifest() {
        let manifest = "[package]\nname = \"fuzz\"\n\n[[bin]]\nname = \"jid\"\npath = \"x\"\n\n\
                        [[bin]]\nname = \"xml_stream\"\n[dependencies]\nname = \"no\"\n";
        assert_eq!(targets(manifest), ["jid", "xml_stream"]);
    }

    #[test]
    fn the_fuzzer_says_how_much_it_tried() {
        let said = "Done 7 runs\nstat::number_of_executed_units: 1974\nstat::peak_rss_mb:  40\n";
        assert_eq!(executed(said), Some(1974));
        assert_eq!(executed("nothing of the kind"), None);
    }

    #[test]
    fn every_target_has_a_file_of_its_name() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        for name in targets(&manifest) {
            assert!(root().join(format!("fuzz/fuzz_targets/{name}.rs")).exists(), "{name}");
        }
    }
}
