//! The arrows between the crates, and what must not be found below them.
//!
//! `web → net → core ← plugins`, `core → stream → {sasl, stanza} → xml`, the store apart. Protocol crates
//! know no runtime, no socket, no clock and no randomness.

use std::fmt;
use std::path::Path;

use crate::flags::Flags;
use crate::metadata::{Dependency, Kind, Package, Workspace};
use crate::program::{Failure, Outcome, capture, cargo, exists, quietly};

/// The crates of the workspace that each crate may use; a crate that is not listed here, and is
/// no plugin, backend or example, may not be there.
const ARROWS: &[(&str, &[&str])] = &[
    ("sestina-archive", &["sestina-core", "sestina-stanza", "sestina-xml"]),
    ("sestina-chat", &[]),
    ("sestina-console", &["sestina-core", "sestina-sasl", "sestina-stanza", "sestina-stream"]),
    ("sestina-core", BELOW_CORE),
    ("sestina-foreign", &["sestina-sasl", "sestina-stanza", "sestina-xml"]),
    ("sestina-lists", &["sestina-core", "sestina-stanza", "sestina-store", "sestina-xml"]),
    ("sestina-metrics", &["sestina-core", "sestina-stanza", "sestina-store"]),
    (
        "sestina-net",
        &["sestina-core", "sestina-sasl", "sestina-stanza", "sestina-stream", "sestina-xml"],
    ),
    ("sestina-sasl", &[]),
    ("sestina-stanza", &["sestina-xml"]),
    ("sestina-store", &[]),
    ("sestina-stream", &["sestina-sasl", "sestina-stanza", "sestina-xml"]),
    (
        "sestina-web",
        &[
            "sestina-core",
            "sestina-net",
            "sestina-sasl",
            "sestina-stanza",
            "sestina-stream",
            "sestina-xml",
        ],
    ),
    ("sestina-xml", &[]),
    ("xtask", &[]),
];

/// What core stands on; a plugin may use core and the same.
const BELOW_CORE: &[&str] =
    &["sestina-sasl", "sestina-stanza", "sestina-store", "sestina-stream", "sestina-xml"];

/// What several plugins share a model in; it is a plugin's without being one.
const FOUNDATIONS: &[&str] = &["sestina-lists"];

/// These join everything else, so only each other is forbidden to them.
const ON_TOP: &[&str] = &["sestina", "sestina-testkit", "sestinad"];

/// State machines and codecs: bytes or events in, bytes or events out.
const PURE: &[&str] =
    &["sestina-foreign", "sestina-sasl", "sestina-stanza", "sestina-stream", "sestina-xml"];

/// No pure crate may reach one of these packages, however indirectly.
const IMPURE_PACKAGES: &[&str] = &[
    "async-io",
    "async-std",
    "chrono",
    "fastrand",
    "getrandom",
    "mio",
    "rand",
    "rand_core",
    "smol",
    "socket2",
    "time",
    "tokio",
];

/// No pure crate may name one of these in its source. A moment that was handed in is data, so the
/// types of time may be named; asking for the moment may not.
const IMPURE_NAMES: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixStream",
    "getrandom",
    "println!",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "tokio",
];

/// Who may open sockets through tokio: the drivers, and those who bind the addresses they serve.
const WITH_SOCKETS: &[&str] =
    &["embedded", "minimal", "sestina", "sestina-net", "sestina-web", "sestinad"];

pub(crate) fn run(flags: Flags) -> Outcome {
    flags.finish()?;
    let workspace = Workspace::load()?;
    let mut breaches = arrows(&workspace);
    for name in PURE {
        let Some(package) = workspace.package(name) else { continue };
        breaches.extend(reached(package)?);
        breaches.extend(named(package)?);
    }
    if exists("cargo-deny") {
        quietly(&mut cargo(["deny", "check", "bans", "licenses", "sources"]))?;
    }
    for breach in &breaches {
        eprintln!("{breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} breaches of the architecture"))),
    }
}

/// One thing that is where it must not be.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    package: String,
    fault: String,
}

impl Breach {
    fn new(package: &Package, fault: String) -> Self {
        Self { package: package.name.clone(), fault }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.package, self.fault)
    }
}

/// Compares what the manifests declare with what the architecture allows.
fn arrows(workspace: &Workspace) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in &workspace.packages {
        for dependency in &package.dependencies {
            let inside = workspace.package(&dependency.name).is_some();
            if inside && !allowed(package, dependency) {
                let fault = format!("may not depend on {}", dependency.name);
                breaches.push(Breach::new(package, fault));
            }
            if opens_sockets(dependency) && !WITH_SOCKETS.contains(&package.name.as_str()) {
                let fault = "may not switch on tokio's sockets".to_owned();
                breaches.push(Breach::new(package, fault));
            }
        }
    }
    breaches
}

fn allowed(package: &Package, dependency: &Dependency) -> bool {
    let (from, to) = (package.name.as_str(), dependency.name.as_str());
    // Tests may stand on the store in memory, on the kit that plays the clients, on the whole
    // server, and on the crate itself with a feature that only they need. The store's benches
    // compare all backends.
    let for_tests = from == to
        || matches!(to, "sestina" | "sestina-store" | "sestina-testkit")
        || from == "sestina-store" && to.starts_with("sestina-store-");
    if dependency.kind == Kind::Dev && for_tests {
        return true;
    }
    if package.is_plugin() {
        return to == "sestina-core" || BELOW_CORE.contains(&to) || FOUNDATIONS.contains(&to);
    }
    if from.starts_with("sestina-store-") {
        return to == "sestina-store";
    }
    if ON_TOP.contains(&from)
        || package.folder.starts_with("examples")
        || package.folder.starts_with("docs")
    {
        return to != "sestinad" && (to != "sestina-testkit" || dependency.kind == Kind::Dev);
    }
    match ARROWS.iter().find(|(name, _)| *name == from) {
        Some((_, targets)) => targets.contains(&to),
        None => false,
    }
}

fn opens_sockets(dependency: &Dependency) -> bool {
    dependency.kind == Kind::Normal
        && dependency.name == "tokio"
        && dependency.features.iter().any(|feature| feature == "net" || feature == "full")
}

/// The packages that a pure crate reaches and should not, by cargo's own resolution.
fn reached(package: &Package) -> Outcome<Vec<Breach>> {
    let tree = capture(&mut cargo([
        "tree",
        "--package",
        &package.name,
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ]))?;
    Ok(impure_packages(&tree)
        .map(|name| Breach::new(package, format!("reaches {name}, which is no pure code")))
        .collect())
}

fn impure_packages(tree: &str) -> impl Iterator<Item = &str> {
    let mut names: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter(|name| IMPURE_PACKAGES.contains(name))
}

/// The clocks, sockets and the like that a pure crate's source names.
fn named(package: &Package) -> Outcome<Vec<Breach>> {
    let mut breaches = Vec::new();
    visit(&package.path().join("src"), &mut |path, source| {
        for (line, name) in impure_names(source) {
            let file = path.strip_prefix(package.path()).unwrap_or(path).display();
            breaches.push(Breach::new(package, format!("{file}:{line} names {name}")));
        }
    })?;
    Ok(breaches)
}

/// Calls `see` with each Rust file below `folder`, in the order of their names.
fn visit(folder: &Path, see: &mut impl FnMut(&Path, &str)) -> Outcome {
    let mut entries =
        std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?.into_iter().collect::<Vec<_>>();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, see)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("tests.rs") {
            see(&path, &std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// The lines, counted from one, that name something impure: comments do not count, nor do the unit
/// tests at the end of a file.
fn impure_names(source: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let code = source.find("\n#[cfg(test)]\nmod ").map_or(source, |tests| &source[..tests]);
    code.lines().enumerate().flat_map(|(index, line)| {
        let code = line.split_once("//").map_or(line, |(code, _)| code);
        IMPURE_NAMES.iter().filter(|name| has_word(code, name)).map(move |name| (index + 1, *name))
    })
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn dependency(name: &str, kind: Kind, features: &[&str]) -> Dependency {
        let features = features.iter().map(|&feature| feature.to_owned()).collect();
        Dependency { name: name.to_owned(), kind, features, bare: false }
    }

    /// A workspace with all crates, in which only `from` depends on something.
    fn workspace(from: &str, folder: &str, dependency: Dependency) -> Workspace {
        let mut packages: Vec<_> = ARROWS
            .iter()
            .map(|(name, _)| *name)
            .chain(ON_TOP.iter().copied())
            .chain(["sestina-store-redb", "sestina-last", "sestina-roster", "minimal"])
            .map(|name| Package { name: name.to_owned(), ..Package::default() })
            .collect();
        let package = packages.iter_mut().find(|package| package.name == from).unwrap();
        package.folder = PathBuf::from(folder);
        package.dependencies.push(dependency);
        Workspace { packages }
    }

    #[track_caller]
    fn check(from: &str, folder: &str, to: &str, kind: Kind, may: bool) {
        let breaches = arrows(&workspace(from, folder, dependency(to, kind, &[])));
        assert_eq!(breaches.is_empty(), may, "{from} → {to} ({kind:?}): {breaches:?}");
    }

    #[test]
    fn arrows_point_one_way() {
        for (from, folder, to, may) in [
            ("sestina-stanza", "crates/stanza", "sestina-xml", true),
            ("sestina-xml", "crates/xml", "sestina-stanza", false),
            ("sestina-core", "crates/core", "sestina-stream", true),
            ("sestina-core", "crates/core", "sestina-net", false),
            ("sestina-core", "crates/core", "sestina-last", false),
            ("sestina-core", "crates/core", "sestina-store-redb", false),
            ("sestina-net", "crates/net", "sestina-core", true),
            ("sestina-net", "crates/net", "sestina-store-redb", false),
            ("sestina-store", "crates/store", "sestina-xml", false),
            ("sestina-store-redb", "crates/store-redb", "sestina-store", true),
            ("sestina-store-redb", "crates/store-redb", "sestina-core", false),
            ("sestina-last", "plugins/last", "sestina-core", true),
            ("sestina-last", "plugins/last", "sestina-roster", false),
            ("sestina-last", "plugins/last", "sestina-net", false),
            ("sestina-last", "plugins/last", "sestina-store-redb", false),
            ("sestina-last", "plugins/last", "sestina-testkit", false),
            ("sestina", "crates/sestina", "sestina-last", true),
            ("sestina", "crates/sestina", "sestinad", false),
            ("sestinad", "crates/sestinad", "sestina", true),
            ("sestinad", "crates/sestinad", "sestina-testkit", false),
            ("minimal", "examples/minimal", "sestina", true),
        ] {
            check(from, folder, to, Kind::Normal, may);
        }
    }

    #[test]
    fn tests_may_stand_on_the_kit_but_on_no_other_plugin() {
        check("sestina-last", "plugins/last", "sestina-testkit", Kind::Dev, true);
        check("sestina-last", "plugins/last", "sestina-roster", Kind::Dev, false);
        check("sestina-core", "crates/core", "sestina-testkit", Kind::Dev, true);
        check("sestina-net", "crates/net", "sestina-store", Kind::Dev, true);
    }

    #[test]
    fn a_crate_the_architecture_does_not_know_is_a_breach() {
        check("sestina-roster", "crates/roster", "sestina-core", Kind::Normal, false);
    }

    #[test]
    fn sockets_are_opened_by_the_drivers_alone() {
        let sockets = |from, kind| {
            arrows(&workspace(from, "crates/x", dependency("tokio", kind, &["net", "rt"])))
        };
        assert_eq!(sockets("sestina-net", Kind::Normal), []);
        assert_eq!(sockets("sestina-core", Kind::Dev), []);
        let breaches = sockets("sestina-core", Kind::Normal);
        assert_eq!(breaches[0].to_string(), "sestina-core: may not switch on tokio's sockets");
    }

    #[test]
    fn runtimes_are_found_however_deep() {
        let tree =
            "sestina-xml v0.1.0 (/x)\nbytes v1.0.0\nrxml v0.14.0\ntokio v1.2.3\ntokio v1.2.3 (*)";
        assert_eq!(impure_packages(tree).collect::<Vec<_>>(), ["tokio"]);
        assert_eq!(impure_packages("bytes v1.0.0\ntokio-none v1.0.0").count(), 0);
    }

    #[test]
    fn clocks_are_found_in_code_and_not_in_comments_or_tests() {
        let source = "//! No Instant::now here.\nlet start = Instant::now();\nlet at: Instant; // tokio\n\
                      fn f() { getrandom::fill(b) }\n#[cfg(test)]\nmod tests { use tokio; }";
        let found: Vec<_> = impure_names(source).collect();
        assert_eq!(found, [(2, "Instant::now"), (4, "getrandom")]);
    }
}
