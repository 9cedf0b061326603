//! The data directory, the store in it, and the clock.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::finding::{Finding, Findings};
use crate::{
    assemble::open_store,
    config::{Config, StoreKind},
    run,
};

/// Less than this is soon full.
const LITTLE: u64 = 1 << 30;

/// With less than this the store may fail at any time.
const NOTHING: u64 = 64 << 20;

/// When this program was not yet written: a clock before it is wrong.
const WRITTEN: Duration = Duration::from_secs(1_735_689_600);

/// Where the store keeps everything, if it keeps anything.
pub(crate) fn store_file(config: &Config) -> Option<PathBuf> {
    match config.store {
        StoreKind::Memory => None,
        StoreKind::Redb => Some(config.data.join("sestina.redb")),
        StoreKind::Sled => Some(config.data.join("sestina.sled")),
    }
}

pub(crate) fn data(config: &Config, is_running: bool, found: &mut Findings) {
    let (data, shown) = (&config.data, config.data.display());
    if config.store == StoreKind::Memory {
        found.add(
            Finding::warning(
                "store",
                "everything is in memory, and gone with the server".to_owned(),
            )
            .mend("set store to \"redb\""),
        );
    }
    if !data.exists() {
        return found.good("data", format!("{shown} will be made"));
    }
    rights(data, found);
    space(data, found);
    let file = store_file(config).filter(|file| file.exists());
    match file {
        _ if is_running => found.good("store", "the running server has it".to_owned()),
        None => found.good("store", "it will be made".to_owned()),
        Some(file) => match open(config) {
            Ok(()) => found.good("store", format!("{} can be opened", file.display())),
            Err(failure) => found.add(
                Finding::wrong("store", failure.to_string())
                    .mend("end what has it open, or put a copy in its place"),
            ),
        },
    }
}

fn open(config: &Config) -> Result<(), crate::failure::Failure> {
    run::runtime(1)?.block_on(async {
        let store = open_store(config)?;
        store.close().await.map_err(|error| crate::failure::Failure::because("store", error))
    })
}

#[cfg(unix)]
fn rights(data: &Path, found: &mut Findings) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let shown = data.display();
    let there = match fs::metadata(data) {
        Ok(there) => there,
        Err(error) => {
            let wrong = Finding::wrong("data", format!("{shown}: {error}"));
            return found.add(wrong.mend("choose a directory that this user can read"));
        }
    };
    let (owner, own) = (there.uid(), rustix::process::geteuid().as_raw());
    if !there.is_dir() {
        found.add(
            Finding::wrong("data", format!("{shown} is no directory"))
                .mend("choose another place, or remove what is there"),
        );
    } else if owner != own && own != 0 {
        found.add(
            Finding::wrong("data", format!("{shown} is another user's"))
                .mend("run this as the user that the server runs as, or give the directory to it"),
        );
    } else if there.permissions().mode() & 0o077 != 0 {
        let mode = there.permissions().mode() & 0o777;
        found.add(
            Finding::warning("data", format!("{shown} is open to others (mode {mode:03o})"))
                .mend(format!("chmod 700 {shown}")),
        );
    } else {
        found.good("data", format!("{shown} is this user's alone"));
    }
}

#[cfg(not(unix))]
fn rights(_: &Path, _: &mut Findings) {}

#[cfg(unix)]
fn space(data: &Path, found: &mut Findings) {
    match rustix::fs::statvfs(data) {
        Ok(disk) => room(disk.f_bavail.saturating_mul(disk.f_frsize), found),
        Err(error) => {
            found.add(Finding::unknown("data", format!("how much room there is: {error}")));
        }
    }
}

#[cfg(not(unix))]
fn space(_: &Path, _: &mut Findings) {}

fn room(bytes: u64, found: &mut Findings) {
    let mebibytes = bytes >> 20;
    let told = format!("{mebibytes} MiB are free");
    let mend = "make room, or move the directory to a larger disk";
    match bytes {
        ..NOTHING => found.add(Finding::wrong("data", told).mend(mend)),
        NOTHING..LITTLE => found.add(Finding::warning("data", told).mend(mend)),
        _ => found.good("data", told),
    }
}

/// Whether the clock can be right: certificates, and the times of messages, go by it.
pub(crate) fn clock(data: &Path, now: SystemTime, found: &mut Findings) {
    let mend = "set the clock, and keep it right (NTP)";
    let written = SystemTime::UNIX_EPOCH + WRITTEN;
    let files = fs::read_dir(data).into_iter().flatten().flatten();
    let newest = files.filter_map(|file| file.metadata().ok()?.modified().ok()).max();
    if now < written {
        found.add(
            Finding::wrong(
                "clock",
                "it is set to a time before this program was written".to_owned(),
            )
            .mend(mend),
        );
    } else if newest.is_some_and(|newest| newest > now + Duration::from_secs(60)) {
        found.add(
            Finding::warning("clock", "files in the data directory are from the future".to_owned())
                .mend(mend),
        );
    } else {
        found.good("clock", "nothing speaks against it".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Severity, tests::found},
        *,
    };

    #[test]
    fn a_clock_is_believed_unless_something_speaks_against_it() {
        let data = tempfile::tempdir().unwrap();
        let at = |now| found(|found| clock(data.path(), now, found)).remove(0).0;
        let now = SystemTime::UNIX_EPOCH + WRITTEN + Duration::from_secs(1_000_000);
        assert_eq!(at(now), Severity::Good);
        assert_eq!(at(SystemTime::UNIX_EPOCH), Severity::Wrong);
        let file = fs::File::create(data.path().join("a")).unwrap();
        file.set_modified(now + Duration::from_secs(3_600)).unwrap();
        assert_eq!(at(now), Severity::Warning);
        assert_eq!(at(now + Duration::from_secs(3_600)), Severity::Good);
    }

    #[test]
    fn room_is_told_before_it_is_gone() {
        for (bytes, severity) in
            [(0, Severity::Wrong), (100 << 20, Severity::Warning), (2 << 30, Severity::Good)]
        {
            assert_eq!(found(|found| room(bytes, found))[0].0, severity, "{bytes}");
        }
    }

    #[cfg(all(unix, feature = "redb"))]
    #[test]
    fn a_directory_is_one_users_and_its_store_can_be_opened() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config { data: directory.path().join("data"), ..Config::default() };
        let told = |config: &Config, is_running| found(|found| data(config, is_running, found));
        assert!(told(&config, false)[0].1.contains("will be made"));
        fs::create_dir(&config.data).unwrap();
        let set = |mode| {
            fs::set_permissions(&config.data, fs::Permissions::from_mode(mode)).unwrap();
        };
        set(0o755);
        let open = told(&config, false);
        assert!(open[0].0 == Severity::Warning && open[0].1.contains("chmod 700"), "{open:?}");
        set(0o700);
        assert_eq!(told(&config, false)[0].0, Severity::Good);
        fs::write(config.data.join("sestina.redb"), "no store").unwrap();
        let broken = told(&config, false);
        assert_eq!(broken.last().unwrap().0, Severity::Wrong, "{broken:?}");
        assert_eq!(told(&config, true).last().unwrap().0, Severity::Good);
        fs::remove_file(config.data.join("sestina.redb")).unwrap();
        open_and_close(&config);
        let good = told(&config, false);
        assert!(good.last().unwrap().1.contains("can be opened"), "{good:?}");
        config.store = StoreKind::Memory;
        assert_eq!(told(&config, false)[0].0, Severity::Warning);
        config.data = config.data.join("sestina.redb");
        let file = told(&config, false);
        assert!(file.iter().any(|it| it.1.contains("no directory")), "{file:?}");
    }

    #[cfg(all(unix, feature = "redb"))]
    fn open_and_close(config: &Config) {
        open(config).unwrap();
    }
}
