//! Command-line arguments that every server has, and those that one adds.

use std::path::PathBuf;

use ccm_config::Sources;

use crate::build::BUILD;

/// Arguments of every server.
#[derive(Debug, clap::Args)]
pub(crate) struct ProcessArgs {
    /// Read configuration from this TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print the effective configuration with the origin of each value, and exit
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Check the configuration and exit
    #[arg(long)]
    pub(crate) check: bool,
}

/// Arguments that one server adds.
pub trait ExtraArgs: clap::Args + Send + 'static {
    /// Adds the configuration that the arguments stand for; see [`Sources::argument`].
    #[must_use]
    fn configure(&self, sources: Sources) -> Sources {
        sources
    }
}

/// No further arguments.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct NoArgs {}

impl ExtraArgs for NoArgs {}

/// What to do before or instead of running.
pub(crate) enum Parsed<A> {
    Run(ProcessArgs, A),
    /// Help or version was asked for, or the arguments are wrong.
    Exit(clap::Error),
}

/// Reads the arguments of a server called `name`.
pub(crate) fn parse<A: ExtraArgs>(
    name: &'static str,
    about: &'static str,
    from: impl IntoIterator<Item = std::ffi::OsString>,
) -> Parsed<A> {
    let command = clap::Command::new(name).version(BUILD.describe()).about(about);
    let command = A::augment_args(<ProcessArgs as clap::Args>::augment_args(command));
    let read = command.try_get_matches_from(from).and_then(|matches| {
        Ok((
            <ProcessArgs as clap::FromArgMatches>::from_arg_matches(&matches)?,
            A::from_arg_matches(&matches)?,
        ))
    });
    match read {
        Ok((process, extra)) => Parsed::Run(process, extra),
        Err(err) => Parsed::Exit(err),
    }
}
