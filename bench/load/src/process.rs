//! What a process costs, from `/proc`.

use std::time::Duration;

use anyhow::Context;

/// Ticks of `/proc/PID/stat` in a second: `USER_HZ`, 100 on every Linux that we build for.
const TICKS: f64 = 100.0;

/// Fields of `/proc/PID/stat` behind the name of the program: user and system time.
const UTIME: usize = 11;

/// Memory of a process, in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    pub(crate) peak: f64,
}

/// Reads what `pid` holds now and held at most.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status = read(pid, "status")?;
    let field = |name| mebibytes(&status, name).with_context(|| format!("no {name} of {pid}"));
    Ok(Memory { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
}

/// Reads the time that all threads of `pid` ran, those that have ended too.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = read(pid, "stat")?;
    let ticks = ticks(&stat).with_context(|| format!("no CPU time of {pid}"))?;
    Ok(Duration::from_secs_f64(ticks / TICKS))
}

fn read(pid: u32, what: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{what}");
    std::fs::read_to_string(&path).with_context(|| format!("read {path}"))
}

fn mebibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

fn ticks(stat: &str) -> Option<f64> {
    // The name is in parentheses and may contain anything, parentheses too.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split(' ').skip(UTIME).take(2).map(|field| field.parse::<f64>().ok());
    times.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_mebibytes() {
        let status = "Name:\tx\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";

        assert_eq!(mebibytes(status, "VmRSS:"), Some(10.0));
        assert_eq!(mebibytes(status, "VmHWM:"), Some(20.0));
        assert_eq!(mebibytes(status, "VmSwap:"), None);
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 1 2 3";

        assert_eq!(ticks(stat), Some(300.0));
    }

    #[test]
    fn this_process_has_memory_and_time() {
        let own = memory(std::process::id()).unwrap();

        assert!(own.resident > 0.0 && own.peak >= own.resident, "{own:?}");
        assert!(cpu(std::process::id()).is_ok());
    }
}
