//! The table of plugins in the README, made of what the crates say of themselves, and of which servers
//! have them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::flags::Flags;
use crate::program::{Failure, Outcome, root};

const BEGIN: &str = "<!-- plugins -->\n";
const END: &str = "<!-- end of plugins -->";

pub(crate) fn run(flags: Flags) -> Outcome {
    flags.finish()?;
    let readme = root().join("README.md");
    let text = fs::read_to_string(&readme)?;
    fs::write(readme, renewed(&text, &table(root())?)?)?;
    Ok(())
}

/// Whether the README has the table that the crates ask for.
pub(crate) fn check() -> Outcome {
    let text = fs::read_to_string(root().join("README.md"))?;
    if renewed(&text, &table(root())?)? == text {
        Ok(())
    } else {
        Err(Failure::new(
            "the plugins in README.md are not those of plugins/: run cargo xtask plugins",
        ))
    }
}

fn renewed(text: &str, table: &str) -> Outcome<String> {
    let parts =
        text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let (before, (_, after)) =
        parts.ok_or_else(|| Failure::new("README.md has no place for the plugins"))?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn table(root: &Path) -> Outcome<String> {
    let plugins = root.join("plugins");
    let server = fs::read_to_string(root.join("crates/sestinad/src/plugins.rs"))?;
    let mut names = Vec::new();
    for entry in fs::read_dir(&plugins)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    let mut table = String::from("| plugin | specification | status | |\n|---|---|---|---|\n");
    for name in names {
        let manifest = fs::read_to_string(plugins.join(&name).join("Cargo.toml"))?;
        let source = fs::read_to_string(plugins.join(&name).join("src/lib.rs"))?;
        let lacks = |what| Failure::new(format!("plugins/{name} {what}"));
        let purpose = purpose(&manifest).ok_or_else(|| lacks("has no description"))?;
        let specs = specs(&source).or_else(|| protocol(&manifest).map(ToOwned::to_owned));
        let specs = specs.ok_or_else(|| lacks("names no specification it follows"))?;
        let status = status(&server, &name).ok_or_else(|| lacks("is no part of sestinad"))?;
        let _ = writeln!(table, "| [{name}](plugins/{name}) | {specs} | {status} | {purpose} |");
    }
    Ok(table)
}

/// Which servers have a plugin, after the table of them in `sestinad`.
fn status(server: &str, name: &str) -> Option<&'static str> {
    let feature = format!("\"{name}\"");
    server.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (family, named) = (words.next()?, words.next()?);
        match family {
            _ if named != feature => None,
            "Usual" => Some("usual"),
            "Legacy" => Some("legacy"),
            "Extra" => Some("on request"),
            _ => None,
        }
    })
}

/// The description of a crate, without the specification that it begins with.
fn purpose(manifest: &str) -> Option<&str> {
    let description = manifest.lines().find_map(|line| line.strip_prefix("description = \""))?;
    let description = description.strip_suffix('"')?;
    Some(description.split_once(": ").map_or(description, |(_, purpose)| purpose))
}

/// The protocol that a description begins with, of a plugin that follows no numbered specification.
fn protocol(manifest: &str) -> Option<&str> {
    let description = manifest.lines().find_map(|line| line.strip_prefix("description = \""))?;
    description.split_once(": ").map(|(protocol, _)| protocol)
}

/// The specifications that a plugin declares, such as `XEP-0199 (2.0.1)`.
fn specs(source: &str) -> Option<String> {
    let (_, declared) = source.split_once("const SPECS")?;
    let (declared, _) = declared.split_once(';')?;
    let specs = declared.split("Spec::").filter_map(|spec| {
        let (series, rest) = spec.split_once('(')?;
        let (arguments, _) = rest.split_once(')')?;
        match (series, arguments.split_once(',')) {
            ("rfc", None) => Some(format!("RFC {arguments}")),
            ("xep", Some((number, version))) => {
                let number: u16 = number.trim().parse().ok()?;
                Some(format!("XEP-{number:04} ({})", version.trim().trim_matches('"')))
            }
            _ => None,
        }
    });
    let specs: Vec<_> = specs.collect();
    (!specs.is_empty()).then(|| specs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_read_as_they_are_declared() {
        let source = "const SPECS: &'static [Spec] =\n    &[Spec::xep(30, \"2.5.0\"), Spec::rfc(6121)];\n\
                      Spec::xep(1, \"1\");";
        assert_eq!(specs(source).as_deref(), Some("XEP-0030 (2.5.0), RFC 6121"));
        assert_eq!(specs("const SPECS: &'static [Spec] = &[];"), None);
        assert_eq!(specs("fn main() {}"), None);
    }

    #[test]
    fn the_status_is_that_of_the_ready_made_server() {
        let server = "mod ping;\nplugins! {\n    Usual \"ping\" ping: Pings, \"Answers.\";\n    \
                      Legacy \"time-legacy\" time_legacy: Time,\n    Extra \"filter\" filter: F,\n}";
        let found = ["ping", "time-legacy", "filter", "time"].map(|name| status(server, name));
        assert_eq!(found, [Some("usual"), Some("legacy"), Some("on request"), None]);
    }

    #[test]
    fn a_purpose_is_what_follows_the_specification() {
        assert_eq!(purpose("description = \"XEP-0199: XMPP Ping.\"\n"), Some("XMPP Ping."));
        assert_eq!(purpose("description = \"Friendly.\"\n"), Some("Friendly."));
        let manifest = "description = \"jabber:iq:filter: Rules.\"\n";
        assert_eq!(
            (protocol(manifest), purpose(manifest)),
            (Some("jabber:iq:filter"), Some("Rules."))
        );
        assert_eq!(protocol("description = \"Friendly.\"\n"), None);
    }

    #[test]
    fn the_table_stands_where_it_stood() {
        let text = "a\n<!-- plugins -->\nold\n<!-- end of plugins -->\nb\n";
        assert_eq!(
            renewed(text, "new\n").unwrap(),
            "a\n<!-- plugins -->\nnew\n<!-- end of plugins -->\nb\n"
        );
        assert!(renewed("nowhere", "new\n").is_err());
    }
}
