//! `cargo xtask test`: runs the steps in order, says which one failed, and where the time went.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;

use crate::steps::{Ended, STEPS, Step};
use crate::{Outcome, disk};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Run these steps only, in the order of the list; without a name, run all
    #[arg(value_name = "STEP", value_parser = PossibleValuesParser::new(STEPS.iter().map(|step| step.name)), hide_possible_values = true)]
    steps: Vec<String>,
    /// List the steps, run none
    #[arg(long)]
    list: bool,
}

/// Runs the steps that the arguments choose, or lists them.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    if arguments.list {
        list();
        return Ok(());
    }
    let chosen = |step: &&Step| arguments.steps.is_empty() || arguments.steps.iter().any(|name| name == step.name);
    let mut done = Vec::new();
    let outcome = STEPS.iter().filter(chosen).try_for_each(|step| run_step(root, step, &mut done));
    print_times(&done);
    outcome
}

fn list() {
    for step in STEPS {
        println!("{:WIDTH$} {}", step.name, step.what);
    }
}

/// What happened to one step.
#[derive(Debug)]
struct Done {
    name: &'static str,
    took: Duration,
    result: String,
}

fn run_step(root: &Path, step: &Step, done: &mut Vec<Done>) -> Outcome {
    println!("==> {}", step.name);
    let start = Instant::now();
    let outcome = (step.run)(root);
    let result = match &outcome {
        Ok(Ended::Passed) => "passed".to_owned(),
        Ok(Ended::Skipped(why)) => {
            println!("    SKIPPED: {why}");
            format!("SKIPPED: {why}")
        }
        Err(_) => "FAILED".to_owned(),
    };
    done.push(Done { name: step.name, took: start.elapsed(), result });
    match outcome {
        Ok(_) => Ok(()),
        Err(why) => {
            let name = step.name;
            let disk = disk::advice(root).map(|advice| format!("\n       {advice}")).unwrap_or_default();
            Err(format!("step `{name}` failed: {why}{disk}\n       run it alone with: cargo xtask test {name}").into())
        }
    }
}

fn print_times(done: &[Done]) {
    println!("\n{:WIDTH$} {:>8}", "step", "seconds");
    for Done { name, took, result } in done {
        println!("{name:WIDTH$} {:>8.1}  {result}", took.as_secs_f64());
    }
    let total: Duration = done.iter().map(|step| step.took).sum();
    println!("{:WIDTH$} {:>8.1}", "total", total.as_secs_f64());
}

/// The width of the column of names.
const WIDTH: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    /// A step is chosen by its name: two with one name could not be told apart, and a long name breaks the table.
    #[test]
    fn names_of_steps_are_unique_and_fit() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(step.name.len() <= WIDTH, "{}", step.name);
            assert!(STEPS.iter().skip(index + 1).all(|other| other.name != step.name), "{}", step.name);
        }
    }

    /// A failing step is recorded, and its message says how to run it alone.
    #[test]
    fn a_failure_names_the_step_and_the_command() {
        let step = Step { name: "broken", what: "fails", run: |_| Err("because".into()) };
        let mut done = Vec::new();
        let message = run_step(Path::new("."), &step, &mut done).unwrap_err().to_string();
        assert!(message.contains("because") && message.contains("cargo xtask test broken"), "{message}");
        assert_eq!(done[0].result, "FAILED");
    }

    /// A skip is not a failure, and the closing table says why.
    #[test]
    fn a_skip_is_shown_with_its_reason() {
        let step = Step { name: "absent", what: "skips", run: |_| Ok(Ended::Skipped("no network".into())) };
        let mut done = Vec::new();
        run_step(Path::new("."), &step, &mut done).unwrap();
        assert_eq!(done[0].result, "SKIPPED: no network");
    }
}
