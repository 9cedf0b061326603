//! Whether the machine can give what the bounds allow.

use std::fs;

use super::finding::{Finding, Findings};
use crate::config::Config;

/// What a connection with a session takes that has nothing to say, a little more than was measured.
const SESSION: u64 = 8 << 10;

/// Descriptors for files, listeners and the like.
const OTHERS: u64 = 128;

/// What there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    /// File descriptors that this process may have.
    pub(crate) descriptors: Option<u64>,
    /// Bytes of memory that it may have.
    pub(crate) memory: Option<u64>,
}

impl Machine {
    /// This one, as far as this process is let use it. Its service may have other limits.
    pub(crate) fn this() -> Self {
        #[cfg(unix)]
        let descriptors = {
            use rustix::process::{Resource, getrlimit};
            Some(getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX))
        };
        #[cfg(not(unix))]
        let descriptors = None;
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        let group = number("/sys/fs/cgroup/memory.max");
        let all = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
        let memory = [group, all.map(|kilobytes| kilobytes << 10)].into_iter().flatten().min();
        Self { descriptors, memory }
    }
}

pub(crate) fn look(config: &Config, machine: &Machine, found: &mut Findings) {
    let connections = u64::try_from(config.connection.connections).unwrap_or(u64::MAX);
    let needed = connections.saturating_add(OTHERS);
    match machine.descriptors {
        None => {}
        Some(most) if most < needed => found.add(
            Finding::warning(
                "connection.total",
                format!("{connections} connections want as many descriptors, and there are {most}"),
            )
            .mend(format!(
                "give the server {needed} (LimitNOFILE= of its service, ulimit -n), or lower \
                 connection.total"
            )),
        ),
        Some(most) => found.good("connection.total", format!("{most} descriptors are enough")),
    }
    let Some(memory) = machine.memory else { return };
    let cache = match config.store {
        #[cfg(feature = "redb")]
        crate::config::StoreKind::Redb => config.redb_cache,
        #[cfg(feature = "sled")]
        crate::config::StoreKind::Sled => config.sled_cache,
        #[allow(unreachable_patterns, reason = "with all features only one is left")]
        _ => 0,
    };
    let cache = u64::try_from(cache).unwrap_or(u64::MAX);
    let wanted = connections.saturating_mul(SESSION).saturating_add(cache);
    let (mine, all) = (wanted >> 20, memory >> 20);
    if wanted > memory {
        found.add(
            Finding::warning(
                "connection.total",
                format!("so many sessions and the cache take {mine} MiB, and there are {all}"),
            )
            .mend("lower connection.total or the cache of the store, or add memory"),
        );
    } else {
        found.good("connection.total", format!("{mine} of {all} MiB of memory, if all are there"));
    }
    let queue = u64::try_from(config.bounds.queue.bytes).unwrap_or(u64::MAX);
    if queue > memory / 16 {
        found.add(
            Finding::warning(
                "session.queue.bytes",
                format!("one client that does not read can take {} MiB", queue >> 20),
            )
            .mend("lower it: 1 MiB is the default"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Severity, tests::found},
        *,
    };

    fn told(config: &Config, descriptors: u64, memory: u64) -> Vec<(Severity, String)> {
        let machine = Machine { descriptors: Some(descriptors), memory: Some(memory) };
        found(|found| look(config, &machine, found))
    }

    #[test]
    fn bounds_are_held_against_the_machine() {
        let mut config = Config::default();
        let good = told(&config, 1 << 20, 16 << 30);
        assert!(good.iter().all(|it| it.0 == Severity::Good), "{good:?}");
        let few = told(&config, 1024, 16 << 30);
        assert!(few[0].0 == Severity::Warning && few[0].1.contains("100128"), "{few:?}");
        let little = told(&config, 1 << 20, 256 << 20);
        assert!(little[1].0 == Severity::Warning && little[1].1.contains("256"), "{little:?}");
        config.bounds.queue.bytes = 2 << 30;
        let long = told(&config, 1 << 20, 16 << 30);
        assert!(long[2].1.contains("session.queue.bytes"), "{long:?}");
        assert!(Machine::this().descriptors.is_some_and(|it| it > 0));
    }
}
