//! Whether a request comes from the console's own pages, or from no page at all.

use axum::http::{HeaderMap, Uri, header::ORIGIN};

use crate::access::host;

/// Whether no page of somebody else's has sent a request.
///
/// Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin` where it
/// changes something; whatever says neither is no browser.
pub(crate) fn is_own(headers: &HeaderMap, uri: &Uri) -> bool {
    let site = headers.get_all("sec-fetch-site").iter();
    let mut site = site.map(|value| value.to_str().unwrap_or_default());
    if !site.all(|site| matches!(site, "same-origin" | "none")) {
        return false;
    }
    let mut origin = headers.get_all(ORIGIN).iter();
    origin.all(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        let named = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        named.is_some_and(|named| {
            host(headers, uri).is_some_and(|host| named.eq_ignore_ascii_case(host))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], own: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        assert_eq!(is_own(&map, &Uri::from_static("/api/login")), own, "{headers:?}");
    }

    #[test]
    fn pages_from_elsewhere_are_told_apart() {
        let host = ("host", "console.example:5281");
        check(&[host], true);
        check(&[host, ("sec-fetch-site", "same-origin")], true);
        check(&[host, ("sec-fetch-site", "none")], true);
        check(&[host, ("origin", "https://console.example:5281")], true);
        check(&[host, ("origin", "http://Console.example:5281")], true);
        for site in ["cross-site", "same-site", "", "same-origin, cross-site"] {
            check(&[host, ("sec-fetch-site", site)], false);
        }
        for origin in [
            "null",
            "https://console.example",
            "https://console.example:5281.evil.example",
            "https://evil.example",
            "ftp://console.example:5281",
            "",
        ] {
            check(&[host, ("sec-fetch-site", "same-origin"), ("origin", origin)], false);
        }
        check(&[("origin", "https://console.example")], false);
    }
}
