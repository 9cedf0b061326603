//! An XMPP server: what it is made of. `main.rs` runs it, and `tests/it.rs` logs in to it.

use std::{collections::BTreeMap, error::Error, fs, path::PathBuf};

use sestina::{
    Kind, Server, Tls,
    core::AccountError,
    net::Identity,
{{imports}}    store_redb,
};

/// What `server.toml` says.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The part of everybody's address after the `@`.
    pub domain: String,
    /// Where clients connect; port 0 has the system choose one.
    pub listen: String,
    /// The file in which everything is stored; without one, in memory.
    pub data: Option<PathBuf>,
    /// The certificate to show, a chain in PEM; without one, only clients on this machine log in.
    pub certificate: Option<PathBuf>,
    /// Its key, in PEM.
    pub key: Option<PathBuf>,
    /// Accounts to make, with their passwords.
    #[serde(default)]
    pub accounts: BTreeMap<String, String>,
}

/// Puts the server together and opens its listeners.
pub async fn start(config: &Config) -> Result<Server, Box<dyn Error>> {
    let mut server = Server::builder(&config.domain)
{{plugins}}        .listen(&config.listen, Kind::StartTls);
    if let Some(data) = &config.data {
        server = server.store(store_redb::open(data)?);
    }
    match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => {
            let identity = Identity::from_pem(&fs::read(certificate)?, &fs::read(key)?)?;
            server = server.tls(Tls::new(identity)?);
        }
        (None, None) => {}
        _ => return Err("a certificate and its key go together".into()),
    }
    let server = server.start().await?;
    for (name, password) in &config.accounts {
        let account = format!("{name}@{}", config.domain).parse()?;
        match server.accounts().create(&account, password).await {
            Ok(()) | Err(AccountError::Exists) => {}
            Err(error) => return Err(format!("{account}: {error}").into()),
        }
    }
    Ok(server)
}
