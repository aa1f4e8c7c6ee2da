//! Where it was measured. Figures of different machines are not comparable.

use std::fs::read_to_string;

use serde::Serialize;

/// A machine.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
}

impl Machine {
    /// Looks at the machine that this runs on.
    pub(crate) fn here() -> Self {
        let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
        let memory = field("/proc/meminfo", "MemTotal");
        let kibibytes = memory.and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
        Self {
            cpu,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gib: kibibytes.unwrap_or(0) >> 20,
            kernel: read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned()),
        }
    }

    /// Returns a name for files.
    pub(crate) fn slug(&self) -> String {
        let letters = self.cpu.to_lowercase();
        let words = letters.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).take(4).collect();
        format!("{}-{}cores", words.join("-"), self.cores)
    }
}

/// Returns how many threads wanted a core on average over the last minute.
pub(crate) fn load() -> f64 {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

/// Returns the value of the first line `name : value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_for_files_has_letters_digits_and_dashes_only() {
        let cpu = "Maker(R) Chip(TM) 9-9 CPU @ 2.00GHz".to_owned();
        let machine = Machine { cpu, cores: 2, memory_gib: 8, kernel: String::new() };

        assert_eq!(machine.slug(), "maker-r-chip-tm-2cores");
    }
}
