//! Removed means gone: the server is built and tested without each plugin, and each part that speaks
//! HTTP, in turn.

use std::collections::BTreeSet;

use crate::flags::Flags;
use crate::metadata::{Package, Workspace};
use crate::program::{Failure, Outcome, Stopwatch, capture, cargo, line_by_line, quietly};
use crate::tally::Tally;

/// The packages that are put together from plugins.
const ASSEMBLIES: &[&str] = &["sestina", "sestinad"];

/// What is left out like a plugin, and is none.
const PARTS: &[&str] = &["sestina-chat", "sestina-console", "sestina-metrics", "sestina-web"];

/// The one of them whose tests need no process of their own, and so are quick.
const QUICK: &[&str] = &["sestina"];

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let only = flags.positional::<String>("plugin")?;
    flags.finish()?;
    check(only.as_deref(), &mut Tally::default())
}

/// Removes each plugin and part in turn, or `only` that one; and at last all plugins at once.
///
/// Where each has its turn, everything is compiled without it and the facade's tests are run; those
/// of the daemon, which start processes, are run without the one plugin that was named, and without
/// any. That each plugin takes along what it brings is a test of the daemon's own.
pub(crate) fn check(only: Option<&str>, tally: &mut Tally) -> Outcome {
    let workspace = Workspace::load()?;
    let plugins: Vec<_> = workspace.plugins().map(|plugin| plugin.name.as_str()).collect();
    let mut found = false;
    let mut failed = Vec::new();
    for plugin in plugins.iter().chain(PARTS) {
        let short = plugin.trim_start_matches("sestina-");
        if only.is_some_and(|only| only != short && only != *plugin) {
            continue;
        }
        found = true;
        let tested = if only.is_some() { ASSEMBLIES } else { QUICK };
        if !goes(&workspace, short, &[plugin], tested, tally) {
            failed.push(short);
        }
    }
    match only {
        Some(only) if !found => {
            return Err(Failure::new(format!("there is no plugin {only:?}")));
        }
        None if !goes(&workspace, "any plugin", &plugins, ASSEMBLIES, tally) => {
            failed.push("any plugin")
        }
        _ => {}
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("the server does not do without {}", failed.join(", "))))
    }
}

/// Whether the server does without the plugins, told to whoever waits.
fn goes(
    workspace: &Workspace,
    name: &str,
    plugins: &[&str],
    tested: &[&str],
    tally: &mut Tally,
) -> bool {
    let watch = Stopwatch::start();
    let outcome = without(workspace, plugins, tested, tally);
    let seconds = watch.elapsed().as_secs();
    match &outcome {
        Ok(()) => println!("without {name}: ok ({seconds} s)"),
        Err(failure) => println!("without {name}: FAILED ({seconds} s): {failure}"),
    }
    outcome.is_ok()
}

fn without(workspace: &Workspace, plugins: &[&str], tested: &[&str], tally: &mut Tally) -> Outcome {
    let all = selection(workspace, ASSEMBLIES, plugins)?;
    // What is not compiled cannot be in the binary.
    let tree =
        capture(cargo(["tree", "--edges=normal", "--prefix=none", "--format={p}"]).args(&all))?;
    let is_left = |line: &&str| line.split(' ').next().is_some_and(|name| plugins.contains(&name));
    if let Some(line) = tree.lines().find(is_left) {
        return Err(Failure::new(format!("{line} is still part of the server")));
    }
    quietly(
        cargo(["clippy", "--quiet", "--all-targets"]).args(&all).args(["--", "-D", "warnings"]),
    )?;
    // The samples in the documentation show a server as it comes, so they may use any plugin.
    let mut test = cargo(["test", "--quiet", "--lib", "--bins", "--tests"]);
    test.args(selection(workspace, tested, plugins)?);
    line_by_line(&mut test, |line| tally.see(line))
}

/// The flags that select these assemblies without the plugins.
fn selection(workspace: &Workspace, assemblies: &[&str], plugins: &[&str]) -> Outcome<Vec<String>> {
    let mut selection = vec!["--no-default-features".to_owned()];
    for name in assemblies {
        let Some(assembly) = workspace.package(name) else { continue };
        selection.push(format!("--package={name}"));
        for feature in remaining(workspace, assembly, plugins)? {
            selection.push(format!("--features={name}/{feature}"));
        }
    }
    Ok(selection)
}

/// The default features of an assembly, less whatever brings one of the plugins in.
fn remaining(
    workspace: &Workspace,
    assembly: &Package,
    plugins: &[&str],
) -> Outcome<BTreeSet<String>> {
    for plugin in plugins {
        if !assembly.features.keys().any(|name| brings(workspace, assembly, name, &[plugin])) {
            let name = &assembly.name;
            let fault = format!("no feature of {name} brings {plugin}, so it cannot be left out");
            return Err(Failure::new(fault));
        }
    }
    let mut kept = BTreeSet::new();
    let mut open = vec!["default".to_owned()];
    while let Some(feature) = open.pop() {
        let Some(enables) = assembly.features.get(&feature) else { continue };
        if !brings(workspace, assembly, &feature, plugins) {
            if feature != "default" {
                kept.insert(feature);
                continue;
            }
        } else if !enables.iter().any(|other| assembly.features.contains_key(other)) {
            // A plugin's own feature.
            continue;
        }
        // A group: what it holds is looked at one by one.
        open.extend(enables.iter().cloned());
    }
    Ok(kept)
}

/// Whether switching on `feature` of `package` makes it depend on one of the plugins.
fn brings(workspace: &Workspace, package: &Package, feature: &str, plugins: &[&str]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![(package, feature.to_owned())];
    while let Some((package, feature)) = open.pop() {
        if !seen.insert((package.name.clone(), feature.clone())) {
            continue;
        }
        for enabled in package.features.get(&feature).into_iter().flatten() {
            let (dependency, feature) = match enabled.split_once('/') {
                Some((dependency, feature)) => (dependency.trim_end_matches('?'), feature),
                None => match enabled.strip_prefix("dep:") {
                    Some(dependency) => (dependency, "default"),
                    None => {
                        open.push((package, enabled.clone()));
                        continue;
                    }
                },
            };
            if plugins.contains(&dependency) {
                return true;
            }
            if let Some(dependency) = workspace.package(dependency) {
                open.push((dependency, feature.to_owned()));
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, features: &[(&str, &[&str])]) -> Package {
        let features = features.iter().map(|(name, enables)| {
            ((*name).to_owned(), enables.iter().map(|&enabled| enabled.to_owned()).collect())
        });
        Package { name: name.to_owned(), features: features.collect(), ..Package::default() }
    }

    fn workspace() -> Workspace {
        let facade = package(
            "sestina",
            &[
                ("default", &["redb", "chat"]),
                ("chat", &["last", "roster"]),
                ("last", &["dep:sestina-last"]),
                ("redb", &["dep:sestina-store-redb"]),
                ("roster", &["dep:sestina-roster"]),
                ("vcard", &["dep:sestina-vcard"]),
            ],
        );
        let daemon = package(
            "sestinad",
            &[
                ("default", &["last", "roster"]),
                ("last", &["sestina/last"]),
                ("roster", &["sestina/roster"]),
            ],
        );
        Workspace { packages: vec![facade, daemon, package("sestina-last", &[])] }
    }

    #[track_caller]
    fn check(assembly: &str, plugins: &[&str], kept: &[&str]) {
        let workspace = workspace();
        let assembly = workspace.package(assembly).unwrap();
        let found = remaining(&workspace, assembly, plugins).unwrap();
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), kept);
    }

    #[test]
    fn only_what_brings_the_plugin_is_left_out() {
        check("sestina", &["sestina-last"], &["redb", "roster"]);
        check("sestina", &["sestina-roster"], &["last", "redb"]);
        check("sestinad", &["sestina-last"], &["roster"]);
        check("sestina", &["sestina-last", "sestina-roster"], &["redb"]);
    }

    #[test]
    fn a_group_without_the_plugin_stays_a_group() {
        check("sestina", &["sestina-vcard"], &["chat", "redb"]);
    }

    #[test]
    fn a_plugin_that_no_feature_brings_is_an_error() {
        let workspace = workspace();
        let daemon = workspace.package("sestinad").unwrap();
        let failure = remaining(&workspace, daemon, &["sestina-vcard"]).unwrap_err();
        assert!(failure.to_string().contains("no feature of sestinad brings sestina-vcard"));
    }
}
