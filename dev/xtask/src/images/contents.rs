//! What is in an image, as files: a binary with its libraries, certificates, and a user that is not root.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The user and group that every image runs as; the number that other images without root use.
pub(super) const USER: u32 = 65532;

/// Where the authorities are that TLS clients trust.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// One image.
#[derive(Debug)]
pub(super) struct Service {
    /// Of the binary and of the image.
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Ports that it listens on.
    pub(super) ports: &'static [&'static str],
    pub(super) environment: &'static [&'static str],
    /// The folder that it writes to, if there is one.
    pub(super) state: Option<&'static str>,
}

/// All images.
pub(super) const SERVICES: [Service; 6] = [
    Service {
        name: "ccm-api",
        about: "CML Cloud Manager: REST, event streams and web UI",
        ports: &["8080/tcp", "9090/tcp"],
        environment: &[],
        state: None,
    },
    Service {
        name: "ccm-scheduler",
        about: "CML Cloud Manager: observes, decides and acts",
        ports: &["9090/tcp"],
        environment: &[],
        state: None,
    },
    Service {
        name: "ccm-relay",
        about: "CML Cloud Manager: tells what happened",
        ports: &["9090/tcp"],
        environment: &[],
        state: None,
    },
    Service {
        name: "ccm-standalone",
        about: "CML Cloud Manager: everything in one process",
        ports: &["8080/tcp", "9090/tcp"],
        environment: &["CCM_STORE__URL=embedded:/var/lib/ccm/ccm.db"],
        state: Some("/var/lib/ccm"),
    },
    // To try the product out where there is no cloud.
    Service {
        name: "sim-aws",
        about: "A simulated EC2, CloudWatch and STS",
        ports: &["4566/tcp"],
        environment: &[],
        state: None,
    },
    Service {
        name: "sim-cml",
        about: "Simulated controllers of Cisco Modeling Labs",
        ports: &["8443/tcp"],
        environment: &[],
        state: None,
    },
];

/// A file or folder in an image.
#[derive(Debug)]
pub(super) struct Entry {
    /// Absolute.
    pub(super) path: String,
    pub(super) mode: u32,
    /// User and group.
    pub(super) owner: u32,
    /// Absent for a folder.
    pub(super) content: Option<Vec<u8>>,
}

impl Entry {
    fn file(path: impl Into<String>, mode: u32, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode, owner: 0, content: Some(content.into()) }
    }

    fn folder(path: impl Into<String>, mode: u32, owner: u32) -> Self {
        Self { path: path.into(), mode, owner, content: None }
    }

    /// Writes it below `root`, as whoever runs this.
    pub(super) fn write(&self, root: &Path) -> anyhow::Result<()> {
        let path = root.join(self.path.trim_start_matches('/'));
        let written = match &self.content {
            Some(content) => std::fs::write(&path, content),
            None => std::fs::create_dir_all(&path),
        };
        written
            .and_then(|()| {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(self.mode))
            })
            .with_context(|| format!("write {}", path.display()))
    }
}

/// Returns what images share: libraries, certificates, users. No shell, no package manager.
pub(super) fn base(libraries: &[PathBuf]) -> anyhow::Result<Vec<Entry>> {
    let users = format!(
        "root:x:0:0:root:/:/sbin/nologin\nccm:x:{USER}:{USER}:ccm:/var/lib/ccm:/sbin/nologin\n"
    );
    let mut entries = vec![
        Entry::file("/etc/passwd", 0o644, users),
        Entry::file("/etc/group", 0o644, format!("root:x:0:\nccm:x:{USER}:\n")),
        // Without it, /etc/hosts would be asked after the name servers.
        Entry::file("/etc/nsswitch.conf", 0o644, "hosts: files dns\n"),
        Entry::file(AUTHORITIES, 0o644, read(Path::new(AUTHORITIES))?),
        Entry::folder("/tmp", 0o1777, 0),
    ];
    // Where runtimes mount what every process expects; with a read-only root they could not make them.
    entries.extend(["/dev", "/proc", "/sys"].map(|path| Entry::folder(path, 0o755, 0)));
    for library in libraries {
        let path = library.to_str().context("a library's path is no UTF-8")?;
        entries.push(Entry::file(path, 0o755, read(library)?));
    }
    Ok(with_folders(entries))
}

/// Returns what only this image has.
pub(super) fn own(service: &Service, binary: &Path) -> anyhow::Result<Vec<Entry>> {
    let mut entries = vec![Entry::file(format!("/usr/bin/{}", service.name), 0o755, read(binary)?)];
    entries.extend(service.state.map(|folder| Entry::folder(folder, 0o700, USER)));
    Ok(with_folders(entries))
}

/// Adds the folders above and sorts, so that the order says nothing about who asked.
fn with_folders(entries: Vec<Entry>) -> Vec<Entry> {
    let mut sorted = BTreeMap::new();
    for entry in &entries {
        for folder in Path::new(&entry.path).ancestors().skip(1) {
            let path = folder.to_string_lossy().into_owned();
            if path != "/" {
                sorted.insert(path.clone(), Entry::folder(path, 0o755, 0));
            }
        }
    }
    for entry in entries {
        sorted.insert(entry.path.clone(), entry);
    }
    sorted.into_values().collect()
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}
