//! The certificate that the server makes itself, so that it starts with TLS and no configuration.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use sestina::net::{Identity, TlsError};

use crate::files::{make_private_directory, write_private, write_public};

/// How long a certificate is good for.
const VALID: Duration = Duration::from_secs(365 * 86_400);

/// How long before its end it is made anew.
const RENEW: Duration = Duration::from_secs(30 * 86_400);

/// A certificate and key that the server has made, and where they are kept.
#[derive(Debug)]
pub(crate) struct SelfMade {
    pub(crate) identity: Identity,
    pub(crate) certificate: PathBuf,
    /// It was made just now.
    pub(crate) fresh: bool,
}

/// Why there is no certificate.
#[derive(Debug)]
pub(crate) enum CertificateError {
    /// A domain's name cannot stand in a certificate.
    Domain(String),
    /// It could not be made.
    Make(rcgen::Error),
    /// It could not be kept.
    Keep(PathBuf, io::Error),
    /// It cannot be used.
    Use(TlsError),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => write!(f, "{name:?} cannot stand in a certificate"),
            Self::Make(error) => write!(f, "a certificate could not be made: {error}"),
            Self::Keep(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Use(error) => write!(f, "the certificate that was made cannot be used: {error}"),
        }
    }
}

impl std::error::Error for CertificateError {}

/// Takes the certificate kept in `directory`, or makes another where there is none, it is for
/// other domains, or its end is near.
pub(crate) fn take_or_make(
    directory: &Path,
    domains: &[&str],
    now: SystemTime,
) -> Result<SelfMade, CertificateError> {
    let (certificate, key) = (directory.join("self-made.crt"), directory.join("self-made.key"));
    let note = Note::of(domains, now)?;
    if let (Ok(chain), Ok(secret)) = (fs::read(&certificate), fs::read(&key))
        && Note::read(&chain).is_some_and(|held| held.domains == note.domains && held.is_good(now))
        && let Ok(identity) = Identity::from_pem(&chain, &secret)
    {
        return Ok(SelfMade { identity, certificate, fresh: false });
    }
    let (chain, secret) = make(&note, now).map_err(CertificateError::Make)?;
    let keep = |path: &Path, error| CertificateError::Keep(path.to_owned(), error);
    make_private_directory(directory).map_err(|error| keep(directory, error))?;
    write_private(&key, secret.as_bytes()).map_err(|error| keep(&key, error))?;
    write_public(&certificate, chain.as_bytes()).map_err(|error| keep(&certificate, error))?;
    let identity = Identity::from_pem(chain.as_bytes(), secret.as_bytes());
    Ok(SelfMade { identity: identity.map_err(CertificateError::Use)?, certificate, fresh: true })
}

/// A domain as TLS names it.
pub(crate) fn ascii(domain: &str) -> Result<String, CertificateError> {
    idna::domain_to_ascii(domain).map_err(|_| CertificateError::Domain(domain.to_owned()))
}

fn make(note: &Note, now: SystemTime) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(note.domains.clone())?;
    params.distinguished_name = DistinguishedName::new();
    let name = note.domains.first().map_or("sestina", String::as_str);
    params.distinguished_name.push(DnType::CommonName, name);
    // A client's clock may be late.
    params.not_before = (now - Duration::from_secs(86_400)).into();
    params.not_after = note.end().into();
    let certificate = params.self_signed(&key)?;
    Ok((format!("{note}{}", certificate.pem()), key.serialize_pem()))
}

/// What stands in words before the certificate (RFC 7468 §5.2), so that it need not be taken apart
/// to learn what it is for.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    domains: Vec<String>,
    /// In seconds since 1970.
    end: u64,
}

impl Note {
    fn of(domains: &[&str], now: SystemTime) -> Result<Self, CertificateError> {
        let domains = domains.iter().map(|domain| ascii(domain)).collect::<Result<_, _>>()?;
        let end = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + VALID;
        Ok(Self { domains, end: end.as_secs() })
    }

    fn read(chain: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(chain).ok()?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let domains = field("Domains: ")?.split(' ').map(str::to_owned).collect();
        Some(Self { domains, end: field("Until: ")?.parse().ok()? })
    }

    fn end(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.end)
    }

    fn is_good(&self, now: SystemTime) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + RENEW;
        now.as_secs() < self.end
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Made by sestinad for itself.")?;
        writeln!(f, "Domains: {}", self.domains.join(" "))?;
        writeln!(f, "Until: {}", self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn day(number: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + DAY * (20_000 + number)
    }

    #[test]
    fn a_certificate_is_kept_until_its_end_is_near() {
        let directory = tempfile::tempdir().unwrap();
        let take = |now| take_or_make(directory.path(), &["localhost"], now).unwrap();
        assert!(take(day(0)).fresh);
        assert!(!take(day(0)).fresh);
        assert!(!take(day(334)).fresh);
        assert!(take(day(336)).fresh);
        assert!(!take(day(337)).fresh);
    }

    #[test]
    fn other_domains_or_a_foreign_key_need_another() {
        let directory = tempfile::tempdir().unwrap();
        let take = |domains: &[&str]| take_or_make(directory.path(), domains, day(0)).unwrap();
        assert!(take(&["a.example"]).fresh);
        assert!(take(&["a.example", "münchen.example"]).fresh);
        let held = take(&["a.example", "münchen.example"]);
        assert!(!held.fresh);
        let text = fs::read_to_string(held.certificate).unwrap();
        assert!(text.contains("Domains: a.example xn--mnchen-3ya.example\n"), "{text}");
        let key = KeyPair::generate().unwrap();
        fs::write(directory.path().join("self-made.key"), key.serialize_pem()).unwrap();
        assert!(take(&["a.example", "münchen.example"]).fresh);
        fs::write(directory.path().join("self-made.crt"), "Domains: \nUntil: x").unwrap();
        assert!(take(&["a.example", "münchen.example"]).fresh);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("tls");
        take_or_make(&inner, &["localhost"], day(0)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("self-made.key"))), (0o700, 0o600));
    }
}
