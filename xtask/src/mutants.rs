//! `cargo xtask mutants`: mutation testing of the core.

use std::path::Path;

use crate::metadata::{CORE, Metadata};
use crate::{Outcome, process};

/// Changes the core in many small ways, one at a time, and runs its tests on each change. A change that no test notices
/// is a check that could be removed unseen. The results are in `target/mutants/mutants.out`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// More arguments for `cargo mutants`, such as `--file src/token.rs` or `--list`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    more: Vec<String>,
}

/// Runs `cargo mutants` on the core.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    if !process::succeeds(process::cargo(root).args(["mutants", "--version"])) {
        return Err("cargo-mutants is not installed; install it with: cargo install cargo-mutants".into());
    }
    let results = Metadata::load(root)?.target_directory()?.join("mutants");
    std::fs::create_dir_all(&results)?;
    let mut command = process::cargo(root);
    command.args(["mutants", "--package", CORE, "--features", "appliance", "-j", "2", "--output"]).arg(results);
    process::run(command.args(&arguments.more).args(["--", "--lib", "--tests"]))
}
