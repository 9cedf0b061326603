//! Every key in tables, for the book.

use sestina::core::Effect;

use super::{Config, Key, keys, sample::SECTIONS};

/// Every key with what it is, its default, when a change takes effect, and what it means.
pub(crate) fn reference() -> String {
    let mut config = Config::default();
    let mut text = String::from(
        "# Every setting\n\n\
         Written by `cargo xtask settings` from the server itself; `sestinad config default` prints the \
         same as a file.\n\n\
         A key is set in a file, by an environment variable of its name (`connection.idle` is \
         `SESTINA_CONNECTION_IDLE`), or by a flag where there is one; the later wins. A change takes \
         effect at a [reload](operating.md#reload): *at once*, for connections and sessions that begin \
         after it (*new*), or after a *restart*.\n",
    );
    let mut section = None;
    for key in &keys() {
        let within = key.path().rsplit_once('.').map_or("", |(within, _)| within);
        if section != Some(within.to_owned()) {
            section = Some(within.to_owned());
            heading(&mut text, within);
        }
        row(&mut text, key, &key.show(&mut config));
    }
    text
}

fn heading(text: &mut String, section: &str) {
    let title = if section.is_empty() { "At the top" } else { section };
    text.push_str(&format!("\n## {title}\n\n"));
    if let Some((_, about)) = SECTIONS.iter().find(|(name, _)| *name == section) {
        text.push_str(&format!("{about}\n\n"));
    }
    text.push_str("| key | is | default | effect | meaning |\n|---|---|---|---|---|\n");
}

fn row(text: &mut String, key: &Key<Config>, default: &str) {
    let effect = match key.effect() {
        Effect::AtOnce => "at once",
        Effect::ForNewSessions => "new",
        Effect::AfterRestart => "restart",
    };
    let cell = |words: &str| words.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;");
    let (is, about) = (cell(&key.expected()), cell(key.about()));
    let default = default.replace('|', "\\|");
    let path = key.path();
    text.push_str(&format!("| `{path}` | {is} | `{default}` | {effect} | {about} |\n"));
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn the_book_has_every_setting_as_it_is() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src/settings.md");
        let book = fs::read_to_string(file).unwrap();
        let now = reference();
        let stale =
            "docs/book/src/settings.md is not what the server says: run cargo xtask settings";
        for line in now.lines() {
            assert!(book.lines().any(|it| it == line), "{stale}: {line}");
        }
        // What this binary was built without may stand there too.
        let optional = ["console.", "listen.", "plugins.", "redb.", "sled.", "web."];
        for row in book.lines().filter_map(|line| line.strip_prefix("| `")) {
            let path = row.split('`').next().unwrap_or_default();
            let is_optional = optional.iter().any(|section| path.starts_with(section));
            let is_plugins = keys().iter().any(|key| {
                let section = |path: &str| path.split('.').take(2).collect::<Vec<_>>().join(".");
                path.starts_with("plugins.") && section(key.path()) == section(path)
            });
            let is_known = now.contains(&format!("| `{path}` |"));
            assert!(is_known || (is_optional && !is_plugins), "{stale}: {path}");
        }
    }
}
