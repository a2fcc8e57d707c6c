//! What can be told of tokens without any key.

use anyhow::Result;
use clap::Args;

/// symbolon inspect
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    input: Option<String>,
}

pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    anyhow::bail!("{:?}", args.input)
}
