//! Placeholder.

/// Placeholder.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Placeholder.
pub(crate) fn run(_: &Args) -> anyhow::Result<()> {
    anyhow::bail!("not there yet")
}
