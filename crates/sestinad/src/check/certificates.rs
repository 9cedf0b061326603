//! Whether the certificates are good for the domains, and are kept as they should be.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use sestina::net::Identity;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use super::finding::{Finding, Findings};
use crate::{
    certificate::ascii,
    config::{Config, PemFiles},
};

/// How long before its end a certificate is worth a thought.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// The name of a service in a certificate (RFC 4985).
const SRV_NAME: &str = "1.3.6.1.5.5.7.8.7";

/// The address of an entity in a certificate (RFC 6120 §13.7.1.4).
const XMPP_ADDR: &str = "1.3.6.1.5.5.7.8.5";

pub(crate) fn look(config: &Config, now: SystemTime, found: &mut Findings) {
    for domain in config.domains.iter().map(|domain| domain.0.as_str()) {
        if let Some(files) = config.tls.domains.get(domain) {
            of_domain("tls.domains", domain, files, now, found);
        } else if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
            let files = PemFiles { certificate: certificate.clone(), key: key.clone() };
            of_domain("tls.certificate", domain, &files, now, found);
        } else {
            self_made(config, domain, found);
        }
    }
    if let Some(authorities) = &config.tls.client_authorities
        && let Err(error) = fs::read(authorities)
    {
        found.add(
            Finding::wrong("tls.client-authorities", format!("{}: {error}", authorities.display()))
                .mend("put the certificates there, or leave the key empty"),
        );
    }
}

fn self_made(config: &Config, domain: &str, found: &mut Findings) {
    let path = config.data.join("tls/self-made.crt");
    let path = path.display();
    if domain == "localhost" {
        return found.good("tls.certificate", format!("{domain} has one that the server makes"));
    }
    found.add(
        Finding::warning(
            "tls.certificate",
            format!("{domain} has one that the server makes, which clients do not trust"),
        )
        .mend(format!(
            "set tls.certificate and tls.key to one that an authority has signed, or have every \
             client trust {path}"
        )),
    );
}

pub(crate) fn of_domain(
    at: &str,
    domain: &str,
    files: &PemFiles,
    now: SystemTime,
    found: &mut Findings,
) {
    let (Some(chain), Some(key)) =
        (read(at, &files.certificate, found), read("tls.key", &files.key, found))
    else {
        return;
    };
    key_mode(&files.key, found);
    let (certificate, key_file) = (files.certificate.display(), files.key.display());
    if let Err(error) = Identity::from_pem(&chain, &key) {
        found.add(
            Finding::wrong(at, format!("{certificate} with {key_file}: {error}"))
                .mend("set tls.certificate to the chain and tls.key to the key it was signed for"),
        );
    }
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain).map_while(Result::ok).collect();
    let parsed: Vec<_> = chain
        .iter()
        .filter_map(|der| X509Certificate::from_der(der).ok().map(|(_, parsed)| parsed))
        .collect();
    let Some(own) = parsed.first() else { return };
    dates(at, domain, &files.certificate, own, now, found);
    let covered = ascii(domain).is_ok_and(|name| covers(own, &name, domain));
    if !covered {
        found.add(
            Finding::wrong(
                at,
                format!("{certificate} is not for {domain}: clients will refuse it"),
            )
            .mend(format!("have one signed with the DNS name {domain} in it, or set tls.domains")),
        );
    }
    order(at, &files.certificate, &parsed, found);
}

fn read(at: &str, path: &Path, found: &mut Findings) -> Option<Vec<u8>> {
    match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let mend = "put it there, where the user that the server runs as can read it";
            found.add(Finding::wrong(at, format!("{}: {error}", path.display())).mend(mend));
            None
        }
    }
}

#[cfg(unix)]
fn key_mode(path: &Path, found: &mut Findings) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(there) = fs::metadata(path) else { return };
    let mode = there.permissions().mode() & 0o777;
    // A group may read it: that is how servers share one.
    if mode & 0o027 != 0 {
        let path = path.display();
        found.add(
            Finding::warning("tls.key", format!("{path} is open to others (mode {mode:03o})"))
                .mend(format!("chmod 600 {path}")),
        );
    }
}

#[cfg(not(unix))]
fn key_mode(_: &Path, _: &mut Findings) {}

fn dates(
    at: &str,
    domain: &str,
    path: &Path,
    own: &X509Certificate<'_>,
    now: SystemTime,
    found: &mut Findings,
) {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let (begins, ends) =
        (own.validity().not_before.timestamp(), own.validity().not_after.timestamp());
    let days = |seconds: i64| seconds / 86_400;
    let path = path.display();
    if now < begins {
        found.add(
            Finding::wrong(at, format!("{path} is good only in {} days", days(begins - now) + 1))
                .mend("look whether the clock is right, or take one that is good now"),
        );
    } else if now >= ends {
        found.add(
            Finding::wrong(at, format!("{path} has ended {} days ago", days(now - ends)))
                .mend("renew it, and run `sestinad reload`"),
        );
    } else if ends - now < i64::try_from(SOON.as_secs()).unwrap_or(i64::MAX) {
        found.add(
            Finding::warning(at, format!("{path} ends in {} days", days(ends - now)))
                .mend("renew it, and see why that did not happen by itself"),
        );
    } else {
        found.good(at, format!("that of {domain} is good for {} days", days(ends - now)));
    }
}

/// Whether a certificate is for a domain, by DNS name, service or address (RFC 6120 §13.7.1.2).
fn covers(certificate: &X509Certificate<'_>, name: &str, domain: &str) -> bool {
    let extensions = certificate.extensions().iter();
    let names = extensions.filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    names.flatten().any(|general| match general {
        GeneralName::DNSName(pattern) => matches(pattern, name),
        GeneralName::OtherName(oid, value) => {
            let text = text(value);
            match oid.to_id_string().as_str() {
                SRV_NAME => text
                    .strip_prefix("_xmpp-client.")
                    .is_some_and(|of| of.eq_ignore_ascii_case(name)),
                XMPP_ADDR => text == domain,
                _ => false,
            }
        }
        _ => false,
    })
}

/// The text in an explicitly tagged string of up to 127 bytes, which names of services are.
fn text(value: &[u8]) -> String {
    let inner = value.get(2..).and_then(|inner| inner.get(2..)).unwrap_or_default();
    String::from_utf8_lossy(inner).into_owned()
}

/// A wildcard stands for one label (RFC 6125 §6.4.3).
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        None => pattern.eq_ignore_ascii_case(name),
        Some(rest) => name.split_once('.').is_some_and(|(_, it)| it.eq_ignore_ascii_case(rest)),
    }
}

/// Each certificate is followed by the one that vouches for it (RFC 5246 §7.4.2).
fn order(at: &str, path: &Path, chain: &[X509Certificate<'_>], found: &mut Findings) {
    let path = path.display();
    let in_order =
        chain.iter().zip(chain.iter().skip(1)).all(|(one, next)| one.issuer() == next.subject());
    match chain {
        _ if !in_order => found.add(
            Finding::wrong(at, format!("the certificates in {path} are not in their order"))
                .mend("put the server's own first, and behind each the one that vouches for it"),
        ),
        [own] if own.issuer() == own.subject() => found.add(
            Finding::warning(at, format!("{path} vouches for itself: clients do not trust it"))
                .mend("have it signed by an authority, or have every client trust it"),
        ),
        [_] => found.add(
            Finding::warning(at, format!("{path} stands alone: many clients want those between"))
                .mend("add the certificates of the authority behind it (\"full chain\")"),
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

    use super::{
        super::finding::{Severity, tests::found},
        *,
    };

    const DAY: Duration = Duration::from_secs(86_400);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + 20_000 * DAY
    }

    struct Made {
        chain: Vec<String>,
        key: String,
    }

    /// A certificate for a name, signed by an authority, good from and to so many days from now.
    fn made(names: &[SanType], from: i32, to: i32) -> Made {
        let at = |days: i32| {
            let days = DAY * days.unsigned_abs();
            if from < 0 && days == DAY * from.unsigned_abs() { now() - days } else { now() + days }
        };
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(DnType::CommonName, "Friar Laurence");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let authority_certificate = authority.self_signed(&authority_key).unwrap();
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.distinguished_name.push(DnType::CommonName, "own");
        own.subject_alt_names = names.to_vec();
        own.not_before = at(from).into();
        own.not_after =
            if to < 0 { now() - DAY * to.unsigned_abs() } else { now() + DAY * to.unsigned_abs() }
                .into();
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let certificate = own.signed_by(&key, &issuer).unwrap();
        Made {
            chain: vec![certificate.pem(), authority_certificate.pem()],
            key: key.serialize_pem(),
        }
    }

    fn dns(name: &str) -> SanType {
        SanType::DnsName(name.try_into().unwrap())
    }

    #[track_caller]
    fn check(made: &Made, mode: u32, expected: &[(Severity, &str)]) {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = (directory.path().join("a.crt"), directory.path().join("a.key"));
        fs::write(&certificate, made.chain.concat()).unwrap();
        fs::write(&key, &made.key).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        }
        let _ = mode;
        let files = PemFiles { certificate, key };
        let found =
            found(|found| of_domain("tls.certificate", "capulet.example", &files, now(), found));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((severity, told), (as_bad, part)) in found.iter().zip(expected) {
            assert!(severity == as_bad && told.contains(part), "{found:?}");
        }
    }

    const GOOD: (Severity, &str) = (Severity::Good, "good for 99 days");

    #[test]
    fn a_whole_chain_for_the_domain_is_good() {
        check(&made(&[dns("Capulet.example")], -1, 99), 0o640, &[GOOD]);
        check(&made(&[dns("a.example"), dns("*.example")], -1, 99), 0o600, &[GOOD]);
        let service = SanType::OtherName((
            vec![1, 3, 6, 1, 5, 5, 7, 8, 7],
            rcgen::OtherNameValue::Utf8String("_xmpp-client.capulet.example".to_owned()),
        ));
        check(&made(&[service], -1, 99), 0o600, &[GOOD]);
    }

    #[test]
    fn names_and_dates_are_looked_at() {
        let other = made(&[dns("montague.example"), dns("*.capulet.example")], -1, 99);
        check(&other, 0o600, &[GOOD, (Severity::Wrong, "not for capulet.example")]);
        let own = [dns("capulet.example")];
        check(&made(&own, -9, -3), 0o600, &[(Severity::Wrong, "ended 3 days ago")]);
        check(&made(&own, -9, 5), 0o600, &[(Severity::Warning, "ends in 5 days")]);
        check(&made(&own, 2, 99), 0o600, &[(Severity::Wrong, "good only in 3 days")]);
    }

    #[test]
    fn chains_and_keys_are_looked_at() {
        let mut made = made(&[dns("capulet.example")], -1, 99);
        check(&made, 0o644, &[(Severity::Warning, "chmod 600"), GOOD]);
        let authority = made.chain.pop().unwrap();
        check(&made, 0o600, &[GOOD, (Severity::Warning, "stands alone")]);
        made.chain.extend([made.chain[0].clone(), authority]);
        check(&made, 0o600, &[GOOD, (Severity::Wrong, "not in their order")]);
        made.key = KeyPair::generate().unwrap().serialize_pem();
        made.chain.remove(1);
        check(&made, 0o600, &[(Severity::Wrong, "the key it was signed for"), GOOD]);
        made.chain.clear();
        check(&made, 0o600, &[(Severity::Wrong, "a.crt")]);
    }

    #[test]
    fn what_is_not_there_or_vouches_for_itself_is_told() {
        let files = PemFiles { certificate: "/nonexistent/a".into(), key: "/nonexistent/b".into() };
        let missing =
            found(|found| of_domain("tls.certificate", "capulet.example", &files, now(), found));
        assert_eq!(missing.len(), 2, "{missing:?}");
        let mut own = CertificateParams::new(vec!["capulet.example".to_owned()]).unwrap();
        own.not_before = (now() - DAY).into();
        own.not_after = (now() + 99 * DAY).into();
        let key = KeyPair::generate().unwrap();
        let made =
            Made { chain: vec![own.self_signed(&key).unwrap().pem()], key: key.serialize_pem() };
        check(&made, 0o600, &[GOOD, (Severity::Warning, "vouches for itself")]);
        let mut config = Config::default();
        assert!(matches!(&*found(|found| look(&config, now(), found)), [(Severity::Good, _)]));
        config.domains = vec![crate::config::Domain("capulet.example".parse().unwrap())];
        assert!(matches!(&*found(|found| look(&config, now(), found)), [(Severity::Warning, _)]));
    }
}
