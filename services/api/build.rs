//! Builds again when the web UI was built again: cargo does not see new files in an embedded folder.

fn main() {
    println!("cargo:rerun-if-changed=assets");
}
