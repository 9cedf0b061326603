//! Tests as transcripts: who says what, and what who hears.

mod pattern;
mod player;
mod pretty;
mod script;
mod venue;

use std::{fmt, path::Path};

pub use self::{
    player::{PATIENCE, perform},
    venue::Venue,
};
use crate::Scene;

/// Why a transcript did not come true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line of the statement, the first being 1.
    pub line: usize,
    /// What was to be, what was, and the difference.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for Failure {}

/// Plays a transcript on a stage of its own, in virtual time. See the crate's documentation for
/// what a transcript can say.
///
/// ```
/// use sestina_testkit::{Scene, play};
///
/// play(
///     Scene::new("capulet.example"),
///     "
/// [client] romeo: romeo@capulet.example/orchard
/// [client] juliet: juliet@capulet.example/balcony
///
/// romeo sends:
///     <message to='juliet@capulet.example/balcony' id='1'><body>Call me but love</body></message>
/// juliet receives:
///     <message from='romeo@capulet.example/orchard' id='{any}'><body>Call me {any}</body></message>
/// romeo receives nothing
/// ",
/// );
/// ```
///
/// # Panics
///
/// When the scene cannot be built, the transcript makes no sense, or it does not come true.
#[track_caller]
pub fn play(scene: Scene, transcript: &str) {
    if let Err(failure) = try_play(scene, transcript) {
        panic!("transcript, {failure}");
    }
}

/// Plays the transcript in a file.
///
/// # Panics
///
/// When the file cannot be read, and as [`play`] does.
#[track_caller]
pub fn play_file(scene: Scene, path: impl AsRef<Path>) {
    let path = path.as_ref();
    let transcript = match std::fs::read_to_string(path) {
        Ok(transcript) => transcript,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    if let Err(failure) = try_play(scene, &transcript) {
        panic!("{}, {failure}", path.display());
    }
}

fn try_play(scene: Scene, transcript: &str) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| Failure { line: 0, reason: error.to_string() })?;
    runtime.block_on(async {
        let stage = scene
            .build()
            .await
            .map_err(|error| Failure { line: 0, reason: format!("no stage: {error}") })?;
        perform(&stage, transcript).await
    })
}

/// The transcripts of a folder, sorted: names of files that end in `.scs`, without that end.
///
/// # Panics
///
/// When the folder cannot be read.
#[track_caller]
pub fn scripts_of(folder: impl AsRef<Path>) -> Vec<String> {
    let folder = folder.as_ref();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => panic!("{}: {error}", folder.display()),
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut scripts: Vec<_> =
        names.filter_map(|name| name.strip_suffix(".scs").map(str::to_owned)).collect();
    scripts.sort_unstable();
    scripts
}

/// Makes a test of each transcript in `tests/it`, and one that fails if a file is not named.
///
/// The first argument makes the [`Scene`] that each of them begins with. Where not all begin with the
/// same one, those of another are in a folder below: `transcripts! { crowd in "crowded": … }`.
///
/// ```
/// use sestina_testkit::{Scene, transcripts};
///
/// fn scene() -> Scene {
///     Scene::new("capulet.example")
/// }
///
/// transcripts! { scene: answers_pings, refuses_the_forged }
/// ```
#[macro_export]
macro_rules! transcripts {
    ($scene:ident: $($name:ident),* $(,)?) => {
        $crate::transcripts! { $scene in "": $($name),* }
    };
    ($scene:ident in $folder:literal: $($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                const PATH: &str = concat!(
                    env!("CARGO_MANIFEST_DIR"), "/tests/it/", $folder, "/", stringify!($name), ".scs"
                );
                $crate::play_file($scene(), PATH);
            }
        )*

        #[test]
        fn every_transcript_is_played() {
            let mut named = vec![$(stringify!($name)),*];
            named.sort_unstable();
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/", $folder);
            assert_eq!($crate::scripts_of(folder), named);
        }
    };
}
