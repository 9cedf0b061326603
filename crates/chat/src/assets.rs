//! What is served, and under which name. The files are written by hand and served as they are.

use std::fmt::Write;

use bytes::Bytes;
use http::HeaderValue;
use sha2::{Digest, Sha256};

/// A file, with what never changes about it.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) content: Bytes,
    pub(crate) kind: HeaderValue,
    /// RFC 9110 §8.8.3: the same for the same bytes, on every machine.
    pub(crate) tag: HeaderValue,
}

impl File {
    pub(crate) fn new(name: &'static str, content: Bytes) -> Self {
        let kind = match name.rsplit_once('.') {
            Some((_, "html")) => "text/html; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            Some((_, "json")) => "application/json",
            _ => "application/octet-stream",
        };
        let digest = Sha256::digest(&content);
        let mut tag = String::from("\"");
        for byte in &digest[..16] {
            // Writing to a string does not fail.
            let _always = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        let tag = HeaderValue::try_from(tag).expect("digits and quotes are a header value");
        Self { name, content, kind: HeaderValue::from_static(kind), tag }
    }
}

macro_rules! assets {
    ($($name:literal)*) => {
        /// Every file, the page itself first.
        pub(crate) fn all() -> impl Iterator<Item = File> {
            [$(($name, &include_bytes!(concat!("../assets/", $name))[..])),*]
                .into_iter()
                .map(|(name, content)| File::new(name, Bytes::from_static(content)))
        }
    };
}

assets! {
    "index.html"
    "style.css"
    "icon.svg"
    "address.js"
    "chat.js"
    "client.js"
    "dom.js"
    "door.js"
    "main.js"
    "message.js"
    "register.js"
    "roster.js"
    "scram.js"
    "session.js"
    "stream.js"
    "talk.js"
    "view.js"
    "words.js"
    "xml.js"
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn text(file: &File) -> &str {
        std::str::from_utf8(&file.content).unwrap()
    }

    #[test]
    fn every_file_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let there: BTreeSet<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let served: BTreeSet<_> = all().map(|file| file.name.to_owned()).collect();
        assert_eq!(there, served);
    }

    /// The policy would forbid it, so nobody may come to rely on it.
    #[test]
    fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
        for file in all() {
            let text = text(&file);
            let elsewhere = text.match_indices("//").filter(|(at, _)| {
                let before = &text[..*at];
                before.ends_with("https:") || before.ends_with("http:")
            });
            for (at, _) in elsewhere {
                let address = text[at + 2..].split(['"', '\'', ' ', '.']).next();
                assert!(
                    matches!(address, Some("www" | "etherx" | "localhost")),
                    "{}: {address:?} is neither a namespace nor this machine",
                    file.name
                );
            }
            if !file.name.ends_with("html") && !file.name.ends_with("svg") {
                continue;
            }
            assert!(!text.contains("<style") && !text.contains(" style="), "{}", file.name);
            assert!(!text.contains("javascript:"), "{}", file.name);
            for tag in text.split('<').skip(1).filter_map(|it| it.split('>').next()) {
                let handler =
                    tag.split_whitespace().find(|it| it.starts_with("on") && it.contains('='));
                assert_eq!(handler, None, "{}: <{tag}>", file.name);
                assert!(!tag.starts_with("script") || tag.contains(" src="), "{}", file.name);
            }
        }
    }

    /// What comes from others is text. These are the ways to make markup of it.
    #[test]
    fn no_module_makes_markup_of_strings() {
        for file in all().filter(|file| file.name.ends_with(".js")) {
            for way in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "setHTML",
                "createContextualFragment",
                "srcdoc",
            ] {
                assert!(!text(&file).contains(way), "{}: {way}", file.name);
            }
        }
    }

    #[test]
    fn nothing_is_stored() {
        for file in all().filter(|file| file.name.ends_with(".js")) {
            for place in
                ["localStorage", "sessionStorage", "indexedDB", "document.cookie", "caches."]
            {
                assert!(!text(&file).contains(place), "{}: {place}", file.name);
            }
        }
    }

    #[test]
    fn what_a_module_takes_from_another_is_there() {
        let names: BTreeSet<_> = all().map(|file| file.name).collect();
        for file in all().filter(|file| file.name.ends_with(".js")) {
            for line in text(&file).lines().filter(|line| line.starts_with("import ")) {
                let from = line.split("'./").nth(1).and_then(|it| it.split('\'').next());
                assert!(from.is_some_and(|name| names.contains(name)), "{}: {line}", file.name);
            }
        }
    }
}
