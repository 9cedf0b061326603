#![doc = include_str!("../README.md")]

use std::{error::Error, fs, path::Path, time::Duration};

use sestina::{
    Jid, Server, Tls,
    core::{Assembly, AssemblyError},
    net::{Bounds, Identity},
    plugins, store_redb,
};

/// The domain of everybody's address.
pub const DOMAIN: &str = "localhost";

/// A server of this domain that keeps everything in a folder; what it listens on is still to be said.
///
/// # Errors
///
/// When the folder cannot be used.
pub fn server(folder: &Path) -> Result<sestina::Builder, Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let administrator: Jid = format!("juliet@{DOMAIN}").parse()?;
    Ok(Server::builder(DOMAIN)
        .store(store_redb::open(folder.join("data.redb"))?)
        .tls(Tls::new(identity(folder)?)?)
        .bounds(Bounds { authenticate: Duration::from_secs(20), ..Bounds::default() })
        .configure(|settings| settings.administrators = vec![administrator])
        .install(usual)
        .install(on_request)
        .install(legacy))
}

/// What users of a server expect.
fn usual(to: &mut Assembly) -> Result<(), AssemblyError> {
    to.plugin(plugins::disco::Discovery::default())?
        .plugin(plugins::software_info::SoftwareInfo::default())?
        .plugin(plugins::contact_info::ContactInfo {
            admin: vec![format!("xmpp:juliet@{DOMAIN}")],
            ..Default::default()
        })?
        .plugin(plugins::ping::Pings)?
        .plugin(plugins::time::EntityTime)?
        .plugin(plugins::version::SoftwareVersion::default())?
        .plugin(plugins::register::Registration::default())?
        .plugin(plugins::roster::Roster::default())?
        .plugin(plugins::last::LastActivity::default())?
        .plugin(plugins::vcard::Vcards::default())?
        .plugin(plugins::private::PrivateStorage::default())?
        .plugin(plugins::blocking::Blocking::default())?
        .plugin(plugins::privacy::Privacy::default())?
        .plugin(plugins::carbons::Carbons)?
        .plugin(plugins::offline::OfflineMessages::default())?
        .plugin(plugins::commands::Commands::default())?
        .plugin(plugins::administration::Administration::default())?;
    Ok(())
}

/// What somebody has to ask for.
fn on_request(to: &mut Assembly) -> Result<(), AssemblyError> {
    to.plugin(plugins::anonymous::Anonymous::default())?
        .plugin(plugins::proxy65::Proxy65::default())?;
    Ok(())
}

/// What old clients speak.
fn legacy(to: &mut Assembly) -> Result<(), AssemblyError> {
    to.plugin(plugins::address::ClientAddress)?
        .plugin(plugins::amp::Amp::default())?
        .plugin(plugins::announce::Announcements::default())?
        .plugin(plugins::browse::Browsing)?
        .plugin(plugins::compression::Compression::default())?
        .plugin(plugins::cram_md5::CramMd5)?
        .plugin(plugins::delay_legacy::LegacyDelay)?
        .plugin(plugins::digest_md5::DigestMd5::default())?
        .plugin(plugins::directory::Directory::default())?
        .plugin(plugins::draft_acks::DraftAcks)?
        .plugin(plugins::filter::Filter::default())?
        .plugin(plugins::iq_auth::IqAuth::default())?
        .plugin(plugins::multibind::Multibind::default())?
        .plugin(plugins::roster_dynamic::DynamicRoster::default())?
        .plugin(plugins::stats::Statistics)?
        .plugin(plugins::time_legacy::LegacyTime)?
        .plugin(plugins::vacation::Vacation::default())?;
    Ok(())
}

/// The certificate that is in the folder, or one that is made and signed by nobody else.
fn identity(folder: &Path) -> Result<Identity, Box<dyn Error>> {
    let [certificate, key] = ["server.crt", "server.key"].map(|name| folder.join(name));
    if !certificate.exists() || !key.exists() {
        let made = rcgen::generate_simple_self_signed([DOMAIN.to_owned()])?;
        write_private(&key, &made.signing_key.serialize_pem())?;
        fs::write(&certificate, made.cert.pem())?;
    }
    Ok(Identity::from_pem(&fs::read(certificate)?, &fs::read(key)?)?)
}

/// Writes what nobody else is to read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
