//! `cargo xtask images`: container images from built binaries, without a container engine.
//!
//! **Invariant:** the same binaries, libraries, certificates and commit give the same digests.

mod contents;
mod layout;
mod libraries;
mod tar;

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::repo;
use contents::{Entry, SERVICES, Service};
use layout::{Image, Labels};

/// Where the binaries are, and where the images go.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Folder with the built binaries
    #[arg(long)]
    binaries: PathBuf,
    /// Folder for the images: `NAME/` is an OCI layout, `NAME.tar` the same to load
    #[arg(long)]
    output: PathBuf,
    /// Write the root file systems as folders instead, for the Dockerfile
    #[arg(long)]
    roots: bool,
    /// Version that labels and tags tell
    #[arg(long, env = "CCM_VERSION", default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// Only this service; all unless given
    #[arg(long)]
    only: Vec<String>,
}

/// Makes the images and prints their sizes and digests.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if options.roots {
        return roots(options);
    }
    let labels = labels(&repo::root()?, &options.tag)?;
    repo::say(&format!("{:<16} {:>10} {:>10}  digest", "image", "MiB", "base MiB"));
    for service in wanted(options)? {
        let (base, own) = layers(service, &options.binaries)?;
        let image = Image::new(service, &labels, &[tar::pack(&base)?, tar::pack(&own)?]);
        image.write(&options.output)?;
        let sizes = image.layer_sizes();
        repo::say(&format!(
            "{:<16} {:>10} {:>10}  {}",
            service.name,
            mebibytes(sizes.iter().sum()),
            mebibytes(sizes[0]),
            image.digest()
        ));
    }
    repo::say(&format!("images: in {}", options.output.display()));
    Ok(())
}

fn roots(options: &Options) -> anyhow::Result<()> {
    for service in wanted(options)? {
        let (base, own) = layers(service, &options.binaries)?;
        let folder = options.output.join(service.name);
        // A folder keeps no owner; what is not root's is made where the image is.
        for entry in base.iter().chain(&own).filter(|entry| entry.owner == 0) {
            entry.write(&folder)?;
        }
        repo::say(&format!("images: {} is in {}", service.name, folder.display()));
    }
    Ok(())
}

fn wanted(options: &Options) -> anyhow::Result<Vec<&'static Service>> {
    if options.only.is_empty() {
        return Ok(SERVICES.iter().collect());
    }
    let find = |name: &String| {
        let service = SERVICES.iter().find(|service| service.name == name);
        service.with_context(|| format!("there is no image called {name}"))
    };
    options.only.iter().map(find).collect()
}

/// Returns the layer that images share, and the service's own.
fn layers(service: &Service, binaries: &Path) -> anyhow::Result<(Vec<Entry>, Vec<Entry>)> {
    let binary = binaries.join(service.name);
    let libraries = libraries::of(&binary)?;
    Ok((contents::base(&libraries)?, contents::own(service, &binary)?))
}

fn labels(root: &Path, version: &str) -> anyhow::Result<Labels> {
    let commit = repo::output(root, "git", &["rev-parse", "HEAD"])?;
    let changed = repo::output(root, "git", &["status", "--porcelain"])?;
    let dirty = if changed.is_empty() { "" } else { "-dirty" };
    // The time of the commit, not of the build: who builds it again gets the same digest.
    let created = repo::output(root, "git", &["log", "-1", "--format=%cI"])?;
    Ok(Labels {
        version: version.to_owned(),
        revision: format!("{}{dirty}", commit.trim()),
        created: created.trim().to_owned(),
    })
}

/// Whole tenths, rounded up.
fn mebibytes(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(1024 * 1024);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests;
