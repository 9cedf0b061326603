//! Everything a change has to pass, in the order in which a failure is the most telling.

use crate::flags::Flags;
use crate::program::{Failure, Outcome, Stopwatch, cargo, line_by_line, quietly};
use crate::tally::Tally;
use crate::{deps, docs, features, fuzz, interop, scaffold, transcripts};

/// How long each fuzz target runs when nothing else is said.
const FUZZ_SECONDS: u64 = 10;

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let seconds = flags.option("--fuzz-seconds")?.unwrap_or(FUZZ_SECONDS);
    flags.finish()?;
    let mut run = Run::default();
    run.step("tests", test);
    run.step("transcripts", |_| transcripts::check(None));
    run.step("interop", |_| interop::check(None, None));
    run.step("format", |_| quietly(&mut cargo(["fmt", "--all", "--check"])));
    run.step("clippy", |_| clippy());
    run.step("deps", |_| deps::run(Flags::default()));
    run.step("docs", |_| docs::check());
    run.step("features", |tally| features::check(None, tally));
    run.step("scaffolds", scaffold::check::check);
    run.step("fuzz", |_| fuzz::check(None, seconds));
    run.end()
}

/// The steps so far. A failed one does not keep the others from telling what they find.
#[derive(Default)]
struct Run {
    tally: Tally,
    failed: Vec<&'static str>,
}

impl Run {
    fn step(&mut self, name: &'static str, step: impl FnOnce(&mut Tally) -> Outcome) {
        println!("== {name}");
        let watch = Stopwatch::start();
        let outcome = step(&mut self.tally);
        let seconds = watch.elapsed().as_secs();
        match outcome {
            Ok(()) => println!("== {name}: ok ({seconds} s)"),
            Err(failure) => {
                println!("== {name}: FAILED ({seconds} s): {failure}");
                self.failed.push(name);
            }
        }
    }

    fn end(self) -> Outcome {
        let failed = self.failed.join(", ");
        if !failed.is_empty() {
            println!("failed: {failed}");
        }
        // The last line of all is the sum, for whoever reads no more than that.
        println!("{}", self.tally);
        if failed.is_empty() { Ok(()) } else { Err(Failure::told(failed)) }
    }
}

/// The README's own test command.
fn test(tally: &mut Tally) -> Outcome {
    line_by_line(&mut cargo(["test", "--workspace", "--no-fail-fast"]), |line| tally.see(line))
}

fn clippy() -> Outcome {
    let mut clippy = cargo(["clippy", "--quiet", "--workspace", "--all-targets", "--all-features"]);
    quietly(clippy.args(["--", "-D", "warnings"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_told_at_the_end_and_stops_no_other() {
        let mut run = Run::default();
        run.step("first", |_| Err(Failure::new("broken")));
        run.step("second", |tally| {
            tally.see("test result: ok. 2 passed; 0 failed; 0 ignored");
            Ok(())
        });
        assert_eq!(run.tally, Tally { passed: 2, failed: 0 });
        assert_eq!(run.end().unwrap_err().to_string(), "first");
    }
}
