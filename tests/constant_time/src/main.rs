//! Runs one operation of the core with every secret marked, under valgrind: `cargo xtask constant-time` starts it and judges the reports.

mod appliance;
mod controls;
mod memcheck;
mod operations;
mod world;

use std::process::ExitCode;

use memcheck::unreported;
use world::World;

/// An operation: what leads to it is not reported, and what it does is.
type Operation = fn(&mut World);

fn main() -> ExitCode {
    let operations = || operations::ALL.iter().chain(appliance::ALL).chain(controls::ALL);
    let Some(asked) = std::env::args().nth(1) else {
        operations().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let Some((_, operation)) = operations().find(|(name, _)| *name == asked) else {
        eprintln!("there is no operation {asked}");
        return ExitCode::FAILURE;
    };
    if !memcheck::is_running() {
        eprintln!(
            "valgrind doesn't run this, so nothing is checked: `cargo xtask constant-time` runs it as it is meant"
        );
        return ExitCode::FAILURE;
    }
    let mut world = unreported(World::new);
    operation(&mut world);
    // To whoever reads the reports: it came to its end.
    println!("done");
    ExitCode::SUCCESS
}
