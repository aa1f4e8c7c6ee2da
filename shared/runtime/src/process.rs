//! What the process says about itself: name, build, memory, open files, tasks.

use ccm_config::section::AdminSection;
use ccm_telemetry::{KeyValue, Meter};

use crate::Tasks;
use crate::build::BUILD;

/// Bytes in one page of `/proc/self/statm` on the systems we build for.
const PAGE: u64 = 4096;

/// Returns what this process is called, for people: as configured, else `kind`, host and process id.
#[must_use]
pub fn process_name(admin: &AdminSection, kind: &str) -> String {
    admin.name.clone().unwrap_or_else(|| {
        // Absent where there is no `/proc`.
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let parts = [kind, host.trim(), &std::process::id().to_string()];
        parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("-")
    })
}

/// Adds the instruments of every process. They are read when somebody asks for `/metrics`.
pub(crate) fn observe(meter: &Meter, tasks: &Tasks) {
    meter
        .u64_observable_gauge("ccm_build_info")
        .with_description("1, with the version and commit of this process")
        .with_callback(|gauge| {
            let labels =
                [KeyValue::new("version", BUILD.version), KeyValue::new("commit", BUILD.commit)];
            gauge.observe(1, &labels);
        })
        .build();
    meter
        .u64_observable_gauge("process_resident_memory_bytes")
        .with_description("Memory in use")
        .with_callback(|gauge| {
            if let Some(bytes) = resident() {
                gauge.observe(bytes, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("process_open_fds")
        .with_description("Open files and sockets")
        .with_callback(|gauge| {
            if let Some(open) = open_files() {
                gauge.observe(open, &[]);
            }
        })
        .build();
    let tasks = tasks.clone();
    meter
        .u64_observable_gauge("ccm_tasks")
        .with_description("Running tasks by name")
        .with_callback(move |gauge| {
            for (name, count) in tasks.running() {
                gauge.observe(count, &[KeyValue::new("task", name)]);
            }
        })
        .build();
}

/// Absent where there is no `/proc`.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE)
}

fn open_files() -> Option<u64> {
    let listed = std::fs::read_dir("/proc/self/fd").ok()?;
    u64::try_from(listed.count()).ok()
}

#[cfg(test)]
mod tests {
    use ccm_telemetry::Metrics;

    use super::*;

    #[test]
    fn a_process_is_called_as_configured_or_by_what_and_where_it_is() {
        let mut admin = AdminSection::for_testing();

        let told = process_name(&admin, "api");
        admin.name = Some("api-7".to_owned());

        let end = format!("-{}", std::process::id());
        assert!(told.starts_with("api-") && told.ends_with(&end), "{told}");
        assert_eq!(process_name(&admin, "api"), "api-7");
    }

    #[tokio::test]
    async fn a_process_tells_its_build_its_size_and_its_tasks() {
        let (metrics, tasks) = (Metrics::new("test").unwrap(), Tasks::new());
        tasks.spawn("connection", std::future::pending());
        tasks.spawn("connection", std::future::pending());

        observe(&metrics.meter("ccm-runtime"), &tasks);
        let text = metrics.render().unwrap();

        for line in
            ["ccm_build_info{", "\nccm_tasks{task=\"connection\"} 2\n", "\nprocess_open_fds "]
        {
            assert!(text.contains(line), "{line}\nis missing in\n{text}");
        }
        let resident =
            text.lines().find_map(|it| it.strip_prefix("process_resident_memory_bytes "));
        assert!(resident.unwrap().parse::<f64>().unwrap() > 1e6, "{text}");
    }
}
