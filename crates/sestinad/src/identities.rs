//! The certificates that the server shows, as configured or self-made.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sestina::net::{Identity, Tls};

use crate::{
    certificate::{ascii, take_or_make},
    config::{Config, PemFiles},
    failure::Failure,
};

/// The identity for everybody, and those for single domains.
#[derive(Debug)]
pub(crate) struct Identities {
    otherwise: Identity,
    by_name: Vec<(String, Identity)>,
    /// The certificate that clients have to be told to trust, if the server made it itself.
    self_made: Option<PathBuf>,
}

impl Identities {
    /// Reads those that are configured; makes what is not.
    pub(crate) fn load(config: &Config, now: SystemTime) -> Result<Self, Failure> {
        let mut by_name = Vec::new();
        for (domain, files) in &config.tls.domains {
            let name = ascii(domain).map_err(|error| Failure::because("TLS", error))?;
            by_name.push((name, read(files)?));
        }
        if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
            let files = PemFiles { certificate: certificate.clone(), key: key.clone() };
            return Ok(Self { otherwise: read(&files)?, by_name, self_made: None });
        }
        let domains: Vec<_> = config.domains.iter().map(|domain| domain.0.as_str()).collect();
        let made = take_or_make(&config.data.join("tls"), &domains, now)
            .map_err(|error| Failure::because("TLS", error))?;
        if made.fresh {
            tracing::info!(certificate = %made.certificate.display(), "a certificate was made");
        }
        Ok(Self { otherwise: made.identity, by_name, self_made: Some(made.certificate) })
    }

    /// Shows these from now on.
    pub(crate) fn replace_those_of(self, tls: &Tls) {
        tls.replace(self.otherwise, self.by_name);
    }
}

/// What listeners need, and the certificate that the server made itself if it did.
pub(crate) fn tls(config: &Config, now: SystemTime) -> Result<(Tls, Option<PathBuf>), Failure> {
    let first = Identities::load(config, now)?;
    let tls = match &config.tls.client_authorities {
        None => Tls::new(first.otherwise),
        Some(path) => Tls::with_client_authorities(first.otherwise, &read_file(path)?),
    };
    let tls = tls.map_err(|error| Failure::because("TLS", error))?;
    // Those of single domains are set as they are when they are replaced.
    Identities::load(config, now)?.replace_those_of(&tls);
    Ok((tls, first.self_made))
}

fn read(files: &PemFiles) -> Result<Identity, Failure> {
    let (chain, key) = (read_file(&files.certificate)?, read_file(&files.key)?);
    Identity::from_pem(&chain, &key).map_err(|error| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        Failure::because(format!("{certificate} with {key}"), error)
    })
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::because(path.display(), error))
}
