//! One program for what a developer of symbolon runs: `cargo xtask --help`.

mod apt;
mod bare_metal;
mod bench;
mod constant_time;
mod coverage;
mod device;
mod disk;
mod files;
mod firmware;
mod fuzz;
mod metadata;
mod miri;
mod mutants;
mod own_tests;
mod page;
mod process;
mod program;
mod refusals;
mod samples;
mod steps;
mod suite;
mod supply;
mod test;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a developer of symbolon runs.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything that must pass, one step after another; stop at the first that fails
    Test(test::Arguments),
    /// Write the sample data of the demo, compare it, or write a large customers file
    Samples(samples::Arguments),
    /// Mutation testing of the core: which checks can be removed without a test noticing?
    Mutants(mutants::Arguments),
    /// Count what each cause of a refusal costs: none may stand out
    Refusals(refusals::Arguments),
    /// The core's own tests on an emulated Cortex-M3
    Suite,
    /// Build the firmware images, run them on an emulated board, and hold them to their limits
    Firmware(firmware::Arguments),
    /// Start an appliance in an emulator, and print what to type
    Device(device::Arguments),
    /// Look for inputs that break a promise: the fuzz targets under libFuzzer
    Fuzz(fuzz::Arguments),
    /// Measure what symbolon costs, beside what else would do the job
    Bench(bench::Arguments),
    /// Measure what the program `symbolon` does in a second, on large generated files
    Program(program::Arguments),
    /// Count which lines of the core the tests and the fuzz targets' corpora run
    Coverage(coverage::Arguments),
    /// Run the core's tests in Miri, which refuses undefined behaviour
    Miri(miri::Arguments),
    /// Find where the core's machine code branches on a secret: verdicts only, and each is listed with its reason
    ConstantTime(constant_time::Arguments),
}

fn main() -> ExitCode {
    let outcome = fuzz::compile().unwrap_or_else(obey);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line says.
fn obey() -> Outcome {
    match Arguments::parse().command {
        Command::Test(arguments) => test::run(&root(), &arguments),
        Command::Samples(arguments) => samples::run(&root(), &arguments),
        Command::Mutants(arguments) => mutants::run(&root(), &arguments),
        Command::Refusals(arguments) => refusals::run_command(&root(), &arguments),
        Command::Suite => suite::run(&root()),
        Command::Firmware(arguments) => firmware::run_command(&root(), &arguments),
        Command::Device(arguments) => device::run_command(&root(), &arguments),
        Command::Fuzz(arguments) => fuzz::run_command(&root(), &arguments),
        Command::Bench(arguments) => bench::run_command(&root(), &arguments),
        Command::Program(arguments) => program::run_command(&root(), &arguments),
        Command::Coverage(arguments) => coverage::run_command(&root(), &arguments),
        Command::Miri(arguments) => miri::run_command(&root(), &arguments),
        Command::ConstantTime(arguments) => constant_time::run_command(&root(), &arguments),
    }
}

/// The repository's root: the folder that holds this crate's folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The outcome of a task: its error is a message for the developer.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;
