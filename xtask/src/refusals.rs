//! `cargo xtask refusals`: counts what each cause of a refusal costs, and fails where one differs from the others.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::metadata::Metadata;
use crate::process::{cargo, output, run};

/// Counts, with valgrind, the instructions of every cause of a refusal in `examples/refusals`, with either cipher, and compares them function
/// by function: from the cheapest to the dearest it may be 2 % of the median (2.5 with ring, where the same difference is more of less), or
/// time would tell the caller what the answer doesn't.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {
    /// Print every cause, not only each function's cheapest and dearest
    #[arg(long)]
    all: bool,
}

/// Runs the example under valgrind and compares.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    have_valgrind()?;
    for (cipher, features, most) in [("RustCrypto's cipher", &[][..], 2.0), ("ring's", &["--features", "ring"], 2.5)] {
        println!("With {cipher}");
        compare(count(root, features)?, most, arguments.all)?;
    }
    Ok(())
}

/// The costs of each function's causes, in the build with these features.
fn count(root: &Path, features: &[&str]) -> Outcome<BTreeMap<String, Vec<Cost>>> {
    run(cargo(root).args(["build", "--release", "--example", EXAMPLE]).args(features))?;
    let target = Metadata::load(root)?.target_directory()?;
    let counts = target.join("refusals");
    // Dumps are numbered, so those of an earlier run have to go.
    if counts.exists() {
        std::fs::remove_dir_all(&counts)?;
    }
    std::fs::create_dir_all(&counts)?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--tool=callgrind", "--dump-after=refusals::mark"]);
    valgrind.arg(format!("--callgrind-out-file={}", counts.join("out").display()));
    let cases = output(valgrind.arg(target.join("release/examples").join(EXAMPLE)))?;
    let mut functions = BTreeMap::<String, Vec<Cost>>::new();
    for (index, case) in cases.lines().enumerate() {
        let (function, cause) = case.split_once(" | ").ok_or("the example printed something else than cases")?;
        // Two dumps a case: behind the first mark is what led to it, behind the second the call alone.
        let dump = std::fs::read_to_string(counts.join(format!("out.{}", 2 * (index + 1))))?;
        let count = count_of(&dump).ok_or("valgrind wrote no sum")?;
        functions.entry(function.to_owned()).or_default().push(Cost { count, cause: cause.to_owned() });
    }
    Ok(functions)
}

/// What one cause costs.
#[derive(Debug)]
struct Cost {
    count: u64,
    cause: String,
}

fn compare(functions: BTreeMap<String, Vec<Cost>>, most: f64, all: bool) -> Outcome {
    if functions.values().map(Vec::len).sum::<usize>() < LEAST_CASES {
        return Err("there are fewer causes than there were".into());
    }
    println!("{:34} {:>6} {:>12} {:>8}", "function", "causes", "instructions", "spread");
    let mut too_wide = Vec::new();
    for (function, mut costs) in functions {
        costs.sort_by_key(|cost| cost.count);
        let [cheapest, .., dearest] = &*costs else { return Err(format!("{function} has one cause only").into()) };
        let median = costs.get(costs.len() / 2).map_or(1, |cost| cost.count);
        let spread = (dearest.count - cheapest.count) as f64 * 100.0 / median as f64;
        println!("{function:34} {:>6} {median:>12} {spread:>6.1} %", costs.len());
        if all {
            costs.iter().for_each(|Cost { count, cause }| println!("    {count:>8}  {cause}"));
        }
        if spread > most {
            let [cheapest, dearest] = [cheapest, dearest].map(|cost| format!("{} ({})", cost.cause, cost.count));
            too_wide.push(format!("{function}: {spread:.1} % from {cheapest} to {dearest}"));
        }
    }
    if too_wide.is_empty() { Ok(()) } else { Err(too_wide.join("; ").into()) }
}

/// The number behind `summary:` or `totals:`.
fn count_of(dump: &str) -> Option<u64> {
    let sum = |line: &str| line.strip_prefix("summary:").or(line.strip_prefix("totals:"))?.trim().parse().ok();
    dump.lines().find_map(sum)
}

/// Valgrind: found, or installed where that asks no question; the error says what to install.
pub(crate) fn have_valgrind() -> Outcome {
    crate::apt::have("valgrind", "valgrind")
}

const EXAMPLE: &str = "refusals";
const LEAST_CASES: usize = 190;

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(dearest: u64) -> BTreeMap<String, Vec<Cost>> {
        let cost = |count| Cost { count, cause: "some cause".into() };
        let costs = (0..LEAST_CASES as u64 - 1).map(|_| cost(10_000)).chain([cost(dearest)]).collect();
        BTreeMap::from([("open".into(), costs)])
    }

    /// 2 % is allowed, more is not, and a run that counted too little is no run.
    #[test]
    fn a_cause_that_stands_out_is_found() {
        assert!(compare(functions(10_200), 2.0, false).is_ok());
        let error = compare(functions(10_201), 2.0, false).unwrap_err().to_string();
        assert!(error.contains("open") && error.contains("some cause"), "{error}");
        assert!(compare(BTreeMap::new(), 2.0, false).is_err());
    }

    #[test]
    fn the_sum_is_found() {
        assert_eq!(count_of("version: 1\nsummary: 1234\n"), Some(1234));
        assert_eq!(count_of("fn=x\ntotals: 77\n"), Some(77));
        assert_eq!(count_of("fn=x\n"), None);
    }
}
