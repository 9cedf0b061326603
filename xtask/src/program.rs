//! Running other programs, quietly while they succeed.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a command ends with.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command stopped, in words for whoever called it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    reason: String,
    /// Whether whoever waits has read the reason already.
    pub(crate) told: bool,
}

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), told: false }
    }

    /// A failure that has been printed and needs no further word.
    pub(crate) fn told(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), told: true }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in a folder of the workspace")
}

/// Where cargo builds, and where everything else lies that may be thrown away.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(path) => root().join(path),
        None => root().join("target"),
    }
}

/// The `cargo` that runs this program, at the root of the workspace.
pub(crate) fn cargo(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Whether the program can be started at all.
pub(crate) fn exists(program: impl AsRef<OsStr>) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// Runs to the end, showing what the program prints only when it fails.
pub(crate) fn quietly(command: &mut Command) -> Outcome {
    capture(command).map(|_| ())
}

/// Runs to the end and returns what the program wrote to its standard output.
pub(crate) fn capture(command: &mut Command) -> Outcome<String> {
    capture_both(command).map(|(stdout, _)| stdout)
}

/// Runs to the end and returns what the program wrote to its standard output and error.
pub(crate) fn capture_both(command: &mut Command) -> Outcome<(String, String)> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| unstartable(command, &e))?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if output.status.success() {
        return Ok((stdout, stderr));
    }
    print!("{stdout}");
    eprint!("{stderr}");
    Err(ended(command, output.status))
}

/// Runs to the end with the program's output going where ours goes.
pub(crate) fn openly(command: &mut Command) -> Outcome {
    let status = command.stdin(Stdio::null()).status().map_err(|e| unstartable(command, &e))?;
    if status.success() { Ok(()) } else { Err(ended(command, status)) }
}

/// Runs to the end, passing on each line of the program's output as it comes and handing it to `see`.
pub(crate) fn line_by_line(command: &mut Command, mut see: impl FnMut(&str)) -> Outcome {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| unstartable(command, &e))?;
    let stdout = child.stdout.take().expect("the output was asked for as a pipe");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        see(&line);
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(ended(command, status)) }
}

/// Waits for a child that must end by itself, and kills it when it has not in time.
pub(crate) fn within(child: &mut Child, limit: Duration) -> Outcome<Option<ExitStatus>> {
    let watch = Stopwatch::start();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if watch.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Time as the person who waits sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "automation has no clock but the machine's")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

fn ended(command: &Command, status: ExitStatus) -> Failure {
    Failure::new(format!("`{}` ended with {status}", shown(command)))
}

fn unstartable(command: &Command, error: &io::Error) -> Failure {
    Failure::new(format!("`{}` could not be started: {error}", shown(command)))
}

/// The command as a person would type it: the program without its folder.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_how_it_ended() {
        let failure = quietly(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(failure.to_string(), "`sh -c exit 3` ended with exit status: 3");
        let failure = quietly(&mut Command::new("/nowhere/cargo-none")).unwrap_err();
        assert!(failure.to_string().starts_with("`cargo-none` could not be started"));
    }

    #[test]
    fn lines_are_seen_even_where_they_are_not_utf_8() {
        let mut seen = Vec::new();
        let mut command = Command::new("printf");
        line_by_line(command.arg(r"one\n\377\nlast"), |line| seen.push(line.to_owned())).unwrap();
        assert_eq!(seen, ["one", "\u{fffd}", "last"]);
    }

    #[test]
    fn whoever_does_not_end_in_time_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(within(&mut child, Duration::from_millis(50)).unwrap(), None);
        let mut child = Command::new("true").spawn().unwrap();
        assert!(within(&mut child, Duration::from_secs(30)).unwrap().unwrap().success());
    }
}
