//! The program `symbolon`: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    symbolon_cli::run_from_args()
}
