//! An image as the OCI image layout has it: blobs by digest, and an index that names one of them.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::contents::{Entry, Service, USER};
use super::tar;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What is told about where an image comes from.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) version: String,
    pub(super) revision: String,
    pub(super) created: String,
}

/// A finished image.
#[derive(Debug)]
pub(super) struct Image {
    name: &'static str,
    /// Layers, configuration, manifest.
    blobs: Vec<Blob>,
    index: Vec<u8>,
    /// The list that `docker load` of older engines looks for.
    listing: Vec<u8>,
}

#[derive(Debug)]
struct Blob {
    kind: &'static str,
    sha256: String,
    bytes: Vec<u8>,
}

impl Blob {
    fn new(kind: &'static str, bytes: Vec<u8>) -> Self {
        let sha256 = Sha256::digest(&bytes).iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self { kind, sha256, bytes }
    }

    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.sha256)
    }

    fn digest(&self) -> String {
        format!("sha256:{}", self.sha256)
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.kind, "digest": self.digest(), "size": self.bytes.len()})
    }
}

impl Image {
    /// Makes the image of `service` from its layers, lowest first.
    pub(super) fn new(service: &Service, labels: &Labels, layers: &[Vec<u8>]) -> Self {
        let layers: Vec<_> = layers.iter().map(|bytes| Blob::new(LAYER, bytes.clone())).collect();
        let config = Blob::new(CONFIG, config(service, labels, &layers).to_string().into_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": layers.iter().map(Blob::descriptor).collect::<Vec<_>>(),
            "annotations": annotations(service, labels),
        });
        let manifest = Blob::new(MANIFEST, manifest.to_string().into_bytes());
        let mut named = manifest.descriptor();
        // What loads an archive takes all of it for the name, so it is more than the version.
        let name = format!("{}:{}", service.name, labels.version);
        named["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]});
        let listing = json!([{
            "Config": config.path(),
            "RepoTags": [name],
            "Layers": layers.iter().map(Blob::path).collect::<Vec<_>>(),
        }]);
        Self {
            name: service.name,
            blobs: layers.into_iter().chain([config, manifest]).collect(),
            index: index.to_string().into_bytes(),
            listing: listing.to_string().into_bytes(),
        }
    }

    /// Returns the digest of the manifest, by which an image is pulled.
    pub(super) fn digest(&self) -> String {
        self.blobs.last().map(Blob::digest).unwrap_or_default()
    }

    /// Returns the bytes of each layer, lowest first.
    pub(super) fn layer_sizes(&self) -> Vec<u64> {
        let layers = self.blobs.iter().filter(|blob| blob.kind == LAYER);
        layers.map(|blob| blob.bytes.len() as u64).collect()
    }

    /// Writes the layout as `output/NAME/` and as `output/NAME.tar`, in place of what was there.
    pub(super) fn write(&self, output: &Path) -> anyhow::Result<()> {
        let folder = output.join(self.name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("remove {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let mut files = self.files();
        for file in &files {
            file.write(&folder)?;
        }
        files.push(file("/manifest.json", self.listing.clone()));
        let archive = output.join(format!("{}.tar", self.name));
        std::fs::write(&archive, tar::pack(&files)?)
            .with_context(|| format!("write {}", archive.display()))
    }

    fn files(&self) -> Vec<Entry> {
        let version = json!({"imageLayoutVersion": "1.0.0"}).to_string();
        let mut files = vec![
            file("/oci-layout", version.into_bytes()),
            file("/index.json", self.index.clone()),
            Entry { path: "/blobs".to_owned(), mode: 0o755, owner: 0, content: None },
            Entry { path: "/blobs/sha256".to_owned(), mode: 0o755, owner: 0, content: None },
        ];
        files.extend(self.blobs.iter().map(|blob| file(&blob.path(), blob.bytes.clone())));
        files
    }
}

fn file(path: &str, content: Vec<u8>) -> Entry {
    Entry { path: path.to_owned(), mode: 0o644, owner: 0, content: Some(content) }
}

fn annotations(service: &Service, labels: &Labels) -> Value {
    json!({
        "org.opencontainers.image.title": service.name,
        "org.opencontainers.image.description": service.about,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": labels.version,
        "org.opencontainers.image.revision": labels.revision,
        "org.opencontainers.image.created": labels.created,
    })
}

fn config(service: &Service, labels: &Labels, layers: &[Blob]) -> Value {
    let set = |names: &[&str]| -> Value {
        names.iter().map(|name| ((*name).to_owned(), json!({}))).collect()
    };
    let mut run = json!({
        "User": format!("{USER}:{USER}"),
        "Entrypoint": [format!("/usr/bin/{}", service.name)],
        "Env": service.environment,
        "ExposedPorts": set(service.ports),
        "WorkingDir": "/",
        "StopSignal": "SIGTERM",
        "Labels": annotations(service, labels),
    });
    if let Some(folder) = service.state {
        run["Volumes"] = set(&[folder]);
    }
    json!({
        "created": labels.created,
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": run,
        "rootfs": {
            "type": "layers",
            "diff_ids": layers.iter().map(Blob::digest).collect::<Vec<_>>(),
        },
    })
}
