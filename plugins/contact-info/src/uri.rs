//! What is a URI, as far as a typing error shows.

use sestina_stanza::Jid;

/// Whether a text is a URI (RFC 3986 §3), or an IRI (RFC 3987), which `xs:anyURI` takes as well.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.bytes();
    let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || b"+-.".contains(&letter));
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    is_scheme
        && !rest.is_empty()
        && is_spelled(rest)
        && match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => path
                .strip_prefix("//")
                .is_some_and(|authority| !authority.is_empty() && !authority.starts_with('/')),
            "mailto" => matches!(path.split_once('@'), Some((local, domain))
                if !local.is_empty() && !domain.is_empty()),
            // What is escaped or names an account to send from (RFC 5122 §2.2) is taken on trust.
            "xmpp" => path.contains('%') || path.starts_with("//") || Jid::new(path).is_ok(),
            _ => true,
        }
}

/// Whether only such letters are used as a URI may have, and a percent sign only as an escape.
fn is_spelled(rest: &str) -> bool {
    let mut letters = rest.chars();
    let mut fragments = 0;
    while let Some(letter) = letters.next() {
        let fine = match letter {
            '%' => (0..2).all(|_| letters.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            '#' => {
                fragments += 1;
                fragments == 1
            }
            letter if letter.is_ascii() => {
                letter.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=".contains(letter)
            }
            letter => !letter.is_control() && !letter.is_whitespace(),
        };
        if !fine {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_typing_errors() {
        for uri in [
            "mailto:abuse@capulet.example",
            "mailto:abuse@capulet.example?subject=A%20brawl",
            "xmpp:nurse@capulet.example",
            "xmpp:capulet.example?message",
            "xmpp:fri%61r@capulet.example",
            "xmpp://romeo@montague.example/nurse@capulet.example",
            "https://capulet.example/status#today",
            "HTTPS://[2001:db8::1]:8443/",
            "tel:+39-45-1597",
            "https://capulet.example/\u{e4}rger",
        ] {
            assert!(is_uri(uri), "{uri}");
        }
        for wrong in [
            "",
            "abuse@capulet.example",
            "mailto:",
            "mailto:abuse",
            "mailto:@capulet.example",
            ":nothing",
            "1http://capulet.example",
            "ht tp://capulet.example",
            "https:capulet.example",
            "https://",
            "https:///status",
            "https://capulet.example/a b",
            "https://capulet.example/100%",
            "https://capulet.example/#a#b",
            "https://capulet.example/<b>",
            "xmpp:",
            "xmpp:@capulet.example",
            "https://capulet.example/\u{a0}",
        ] {
            assert!(!is_uri(wrong), "{wrong}");
        }
    }
}
