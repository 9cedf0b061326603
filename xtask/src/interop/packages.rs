//! Debian's packages: whether they are there, and getting them where nobody minds.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Outcome, capture, exists, within};

/// How long getting them may take; clients that are not there by then are skipped.
const LIMIT: Duration = Duration::from_secs(150);

/// Whether the package is installed.
pub(super) fn has(package: &str) -> bool {
    let mut ask = Command::new("dpkg-query");
    ask.args(["--show", "--showformat=${db:Status-Status}", package]).stderr(Stdio::null());
    ask.output().is_ok_and(|said| said.stdout == b"installed")
}

/// Installs those of the packages that are missing, in CI and as root and nowhere else: a person's
/// machine is theirs. Where that fails the clients are skipped, and say so.
pub(super) fn install<'a>(packages: impl Iterator<Item = &'a &'static str>) -> Outcome {
    let missing: Vec<_> = packages.copied().filter(|package| !has(package)).collect();
    if missing.is_empty() || std::env::var_os("CI").is_none() || !exists("apt-get") || !is_root()? {
        return Ok(());
    }
    let script = "apt-get -qq update && exec apt-get -qq -y install --no-install-recommends \"$@\"";
    let mut child = Command::new("timeout")
        .args(["--kill-after=5", &LIMIT.as_secs().to_string(), "sh", "-c", script, "sh"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    // `timeout` ends all that the script has started; this is for when it cannot.
    match within(&mut child, LIMIT + Duration::from_secs(10))? {
        Some(status) if status.success() => {}
        _ => println!("interop: apt-get could not install {}", missing.join(" ")),
    }
    Ok(())
}

fn is_root() -> Outcome<bool> {
    Ok(capture(Command::new("id").arg("-u"))?.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_none_is_not_there() {
        assert!(!has("no-such-package-anywhere"));
    }
}
