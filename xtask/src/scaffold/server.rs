//! `new-server`: a project with a server of its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::{package_name, snake, write};
use crate::flags::Flags;
use crate::program::{Failure, Outcome, root};

/// One plugin as a builder takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// The feature that brings it, which is its name.
    pub(super) feature: String,
    /// The module that it is in.
    module: String,
    /// Its type.
    plugin: String,
    /// How one is made.
    made: String,
    /// Whether servers have it unless they say otherwise.
    usual: bool,
}

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let wished = flags.option::<String>("--plugins")?;
    let path = flags.positional::<PathBuf>("path")?;
    flags.finish()?;
    let path = path.ok_or_else(|| Failure::new("where? `cargo xtask new-server ../my-server`"))?;
    let folder = std::env::current_dir()?.join(&path);
    let known = choices()?;
    let chosen = match wished.as_deref() {
        Some(wished) => chosen(&known, wished)?,
        None => known.into_iter().filter(|choice| choice.usual).collect(),
    };
    make(&folder, &chosen)?;
    println!(
        "a server is in {path}; sestina is taken from {sestina}, where it lies\n\n  \
         cd {path}\n  cargo test   # logs in and sends a message\n  \
         cargo run    # serves localhost until Ctrl-C; server.toml says what else it may be told",
        path = path.display(),
        sestina = root().display(),
    );
    Ok(())
}

/// Writes the project.
///
/// # Errors
/// The folder is not empty, has a name that is no package's, or cannot be written to.
pub(super) fn make(folder: &Path, chosen: &[Choice]) -> Outcome {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = package_name(&name)?;
    let quoted = |name: &str| format!("{name:?}");
    let features: Vec<_> =
        std::iter::once("redb").chain(chosen.iter().map(|it| &*it.feature)).map(quoted).collect();
    let uses: Vec<_> = chosen.iter().map(|it| format!("{}::{}", it.module, it.plugin)).collect();
    let imports = match &*uses {
        [] => String::new(),
        uses => format!("    plugins::{{{}}},\n", uses.join(", ")),
    };
    let plugins = chosen.iter().map(|it| format!("        .plugin({})\n", it.made)).collect();
    let words: Vec<_> = chosen.iter().map(|it| &*it.feature).collect();
    let words = if words.is_empty() { "no plugin yet".to_owned() } else { words.join(", ") };
    let values = [
        ("crate", snake(&name)),
        ("name", name),
        ("sestina", root().display().to_string()),
        ("features", features.join(", ")),
        ("imports", imports),
        ("plugins", plugins),
        ("plugins-in-words", words),
    ];
    write("server", folder, &values)?;
    // The versions that are tested here.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

/// The plugins of the ready-made server.
///
/// # Errors
/// Its table cannot be read.
pub(super) fn choices() -> Outcome<Vec<Choice>> {
    let table = fs::read_to_string(root().join("crates/sestinad/src/plugins.rs"))?;
    let mut choices = Vec::new();
    for line in table.lines() {
        let Some(row) = Choice::row(line) else { continue };
        let (usual, feature, module, plugin) = row;
        let source = root().join("plugins").join(feature).join("src/lib.rs");
        let source = fs::read_to_string(source)?;
        let unit = source.contains(&format!("pub struct {plugin};"));
        choices.push(Choice {
            made: if unit { plugin.to_owned() } else { format!("{plugin}::default()") },
            feature: feature.to_owned(),
            module: module.to_owned(),
            plugin: plugin.to_owned(),
            usual,
        });
    }
    if choices.is_empty() { Err(Failure::new("sestinad has no plugins")) } else { Ok(choices) }
}

impl Choice {
    /// `Usual "ping" ping: sestina::plugins::ping::Pings, …`
    fn row(line: &str) -> Option<(bool, &str, &str, &str)> {
        let mut words = line.split_whitespace();
        let (family, feature, _) = (words.next()?, words.next()?, words.next()?);
        let usual = match family {
            "Usual" => true,
            "Legacy" | "Extra" => false,
            _ => return None,
        };
        let feature = feature.strip_prefix('"')?.strip_suffix('"')?;
        let path = words.next()?.strip_prefix("sestina::plugins::")?;
        let (module, plugin) = path.trim_end_matches(',').split_once("::")?;
        Some((usual, feature, module, plugin))
    }
}

/// Those that were named, in the order of the names.
fn chosen(known: &[Choice], wished: &str) -> Outcome<Vec<Choice>> {
    let mut chosen: Vec<Choice> = Vec::new();
    for name in wished.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let Some(choice) = known.iter().find(|choice| choice.feature == name) else {
            return Err(Failure::new(unknown(known, name)));
        };
        if !chosen.contains(choice) {
            chosen.push(choice.clone());
        }
    }
    chosen.sort_by(|a, b| a.feature.cmp(&b.feature));
    Ok(chosen)
}

/// Plugins that a new server cannot simply be given: they have a port of their own.
const BY_HAND: &[&str] = &["proxy65"];

fn unknown(known: &[Choice], name: &str) -> String {
    if BY_HAND.contains(&name) {
        return format!(
            "{name:?} needs a port of its own: plugins/{name}/README.md adds it by hand"
        );
    }
    let near = known
        .iter()
        .map(|choice| (strsim::jaro_winkler(&choice.feature, name), &choice.feature))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.7);
    match near {
        Some((_, near)) => format!("there is no plugin {name:?}; {near:?} is the nearest"),
        None => {
            let names: Vec<_> = known.iter().map(|choice| &*choice.feature).collect();
            format!("there is no plugin {name:?}, but: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_of_the_tree_can_be_chosen() {
        let known = choices().unwrap();
        let folders = fs::read_dir(root().join("plugins")).unwrap().map(Result::unwrap);
        for folder in folders.filter(|folder| folder.path().join("Cargo.toml").exists()) {
            let name = folder.file_name().into_string().unwrap();
            let by_hand = BY_HAND.contains(&&*name);
            assert!(by_hand != known.iter().any(|choice| choice.feature == name), "{name}");
        }
        let made = |name| known.iter().find(|it| it.feature == name).unwrap().made.clone();
        assert_eq!((&*made("ping"), &*made("roster")), ("Pings", "Roster::default()"));
    }

    #[test]
    fn who_names_nothing_known_is_told_what_is_near() {
        let known = choices().unwrap();
        let refused = |wished| chosen(&known, wished).unwrap_err().to_string();
        assert_eq!(
            refused("ping,rooster"),
            "there is no plugin \"rooster\"; \"roster\" is the nearest"
        );
        assert_eq!(refused("vcards"), "there is no plugin \"vcards\"; \"vcard\" is the nearest");
        assert!(refused("proxy65").contains("a port of its own"));
        assert!(refused("zzz").starts_with("there is no plugin \"zzz\", but: address, "));
        let two = chosen(&known, " roster, ping,roster,").unwrap();
        assert_eq!(two.iter().map(|it| &*it.feature).collect::<Vec<_>>(), ["ping", "roster"]);
    }
}
