//! Tasks of this repository: `cargo xtask …`.

mod arch;
mod docs;
mod images;
mod log_fields;
mod repo;
mod suite;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// Tasks of this repository
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Check the arrows between crates, and who may use which driver
    Arch,
    /// Check file sizes, names, links and machine paths
    Tidy,
    /// Check or write the generated documents
    Docs(docs::Mode),
    /// Make container images from built binaries
    Images(images::Options),
    /// Run everything that CI runs, and print the sum
    Test(suite::Selection),
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Arch => arch::run(),
        Task::Tidy => tidy::run(),
        Task::Docs(mode) => docs::run(&mode),
        Task::Images(options) => images::run(&options),
        Task::Test(selection) => suite::run(&selection),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            repo::say(&format!("error: {err:#}"));
            ExitCode::FAILURE
        }
    }
}
