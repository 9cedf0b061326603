//! Whose pages may speak to the server.

use std::fmt;

use http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN},
};

/// Whose pages may reach what is served: a browser says by `Origin` which site a script is of, and
/// anything that is no browser says nothing.
///
/// By default the pages of the very site that is asked may, and whoever is no browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// Those of the site itself.
    #[default]
    Own,
    /// Those of the site itself, and these.
    These(Vec<Origin>),
    /// Everybody's.
    All,
}

/// A scheme, a host and a port, such as `https://chat.capulet.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text names no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginError;

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an origin is a scheme, a host and perhaps a port: https://chat.example.org")
    }
}

impl std::error::Error for OriginError {}

impl Origin {
    /// Reads an origin as browsers write it.
    ///
    /// # Errors
    ///
    /// When it has a path, or is none at all.
    pub fn new(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let uri: Uri = text.parse().map_err(|_| OriginError)?;
        let authority = uri.authority().filter(|it| it.as_str() == rest).ok_or(OriginError)?;
        if authority.as_str().contains('@') {
            return Err(OriginError);
        }
        let scheme = scheme.to_ascii_lowercase();
        let host = canonical(authority.as_str(), &scheme).ok_or(OriginError)?;
        Ok(Self(format!("{scheme}://{host}")))
    }

    /// The origin as browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Host and port, without a port that goes without saying.
fn canonical(authority: &str, scheme: &str) -> Option<String> {
    let usual = match scheme {
        "https" | "wss" => ":443",
        _ => ":80",
    };
    let authority = authority.to_ascii_lowercase();
    let host = authority.strip_suffix(usual).unwrap_or(&authority);
    (!host.is_empty()).then(|| host.to_owned())
}

/// What is to be made of a request's `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It names none, as programs do.
    Unnamed,
    /// A page that may see the answer.
    Welcome(http::HeaderValue),
    /// A page that may not.
    Foreign,
}

impl Origins {
    pub(crate) fn judge(&self, headers: &HeaderMap) -> Verdict {
        let mut named = headers.get_all(ORIGIN).iter();
        let Some(value) = named.next() else { return Verdict::Unnamed };
        if named.next().is_some() {
            return Verdict::Foreign;
        }
        if *self == Self::All {
            return Verdict::Welcome(value.clone());
        }
        let Some(origin) = value.to_str().ok().and_then(|it| Origin::new(it).ok()) else {
            return Verdict::Foreign;
        };
        let listed = matches!(self, Self::These(these) if these.contains(&origin));
        if listed || is_own(&origin, headers) {
            Verdict::Welcome(value.clone())
        } else {
            Verdict::Foreign
        }
    }
}

/// Whether a page came from the host that is asked. Of the scheme a server behind a proxy knows
/// nothing for sure; a page of the same host is believed by either.
fn is_own(origin: &Origin, headers: &HeaderMap) -> bool {
    let Some((scheme, host)) = origin.0.split_once("://") else { return false };
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
    matches!(scheme, "http" | "https")
        && asked.and_then(|asked| canonical(asked, scheme)).is_some_and(|asked| asked == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(origins: &Origins, origin: &[&str], host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        for origin in origin {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        origins.judge(&headers) != Verdict::Foreign
    }

    #[test]
    fn a_page_of_the_site_itself_may() {
        let own = Origins::Own;
        assert!(judge(&own, &[], "capulet.example"));
        assert!(judge(&own, &["http://localhost:5280"], "localhost:5280"));
        assert!(judge(&own, &["https://capulet.example"], "Capulet.example:443"));
        assert!(judge(&own, &["https://[2001:db8::1]:5281"], "[2001:db8::1]:5281"));
        for foreign in [
            "https://montague.example",
            "https://capulet.example.montague.example",
            "https://capulet.example:8443",
            "null",
            "",
            "capulet.example",
            "https://capulet.example/",
            "https://x@capulet.example",
            "file://",
            "chrome-extension://capulet.example",
        ] {
            assert!(!judge(&own, &[foreign], "capulet.example"), "{foreign}");
        }
        let twice = ["https://capulet.example", "https://montague.example"];
        assert!(!judge(&own, &twice, "capulet.example"));
    }

    #[test]
    fn others_may_where_they_are_named() {
        let these = Origins::These(vec![Origin::new("https://Chat.example:443").unwrap()]);
        assert!(judge(&these, &["https://chat.example"], "capulet.example"));
        assert!(judge(&these, &["https://capulet.example"], "capulet.example"));
        assert!(!judge(&these, &["http://chat.example"], "capulet.example"));
        assert!(judge(&Origins::All, &["null"], "capulet.example"));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in
            ["", "*", "chat.example", "https://", "https://a/b", "https://a?b", "https://u@a"]
        {
            assert_eq!(Origin::new(text), Err(OriginError), "{text}");
        }
    }
}
