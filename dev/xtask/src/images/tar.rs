//! Writes `tar` archives (ustar) that depend on nothing but their entries.

use anyhow::ensure;

use super::contents::Entry;

/// Archives are made of blocks of this size.
const BLOCK: usize = 512;

/// Packs entries, in their order, with no times and no names of users.
pub(super) fn pack(entries: &[Entry]) -> anyhow::Result<Vec<u8>> {
    let mut archive = Vec::new();
    for entry in entries {
        let content = entry.content.as_deref().unwrap_or_default();
        archive.extend(header(entry, content.len())?);
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    Ok(archive)
}

fn header(entry: &Entry, size: usize) -> anyhow::Result<[u8; BLOCK]> {
    let is_folder = entry.content.is_none();
    let name =
        format!("{}{}", entry.path.trim_start_matches('/'), if is_folder { "/" } else { "" });
    ensure!(name.len() <= 100, "{name} is too long for an archive");
    ensure!(size < 8 << 30, "{name} is too large for an archive");
    let mut header = [0; BLOCK];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &name);
    put(100, &format!("{:07o}", entry.mode));
    put(108, &format!("{:07o}", entry.owner));
    put(116, &format!("{:07o}", entry.owner));
    put(124, &format!("{size:011o}"));
    put(136, &format!("{:011o}", 0));
    // The sum counts its own field as spaces.
    put(148, "        ");
    put(156, if is_folder { "5" } else { "0" });
    put(257, "ustar\u{0}00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\u{0} ").as_bytes());
    Ok(header)
}
