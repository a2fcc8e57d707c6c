//! `cargo xtask bench`: what symbolon costs, beside what else would do the job. The measuring program is the workspace `benches/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::metadata::Metadata;
use crate::process::{cargo, run, succeeds};
use crate::{Outcome, apt};

/// Builds the measuring program and runs it, and with it the core's own measurement of its trail and `symbolon protect`. It takes some minutes, the
/// first build a quarter of an hour; run it on a machine that does nothing else.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Few rounds: to see that it runs
    #[arg(long, conflicts_with = "write")]
    quick: bool,
    /// Rounds, each of one turn of every row; the page says how many those have that are written
    #[arg(long, value_name = "N", conflicts_with = "write")]
    rounds: Option<usize>,
    /// Only rows with this in their group, their name or by whom they are; given more than once, with all of them; nothing of the trail and of
    /// `protect`
    #[arg(long, value_name = "TEXT", conflicts_with = "write")]
    only: Vec<String>,
    /// Put tables and plots into docs/performance.md and the README
    #[arg(long)]
    write: bool,
    /// Build with the portable Poly1305, as a program can choose and `.cargo/config.toml` does: a run of its own, without the peers
    #[arg(long)]
    soft: bool,
}

/// Builds and runs.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    // `protect` and the trail are measured where all is, and with the default flags only.
    let whole = arguments.only.is_empty() && !arguments.soft;
    have_what_it_takes(!arguments.soft, whole)?;
    let flags = if arguments.soft { SOFT } else { PLAIN };
    let mut bench = cargo(&root.join("benches"));
    bench.args(["run", "--release"]).args(arguments.soft.then_some("--no-default-features")).arg("--");
    bench.env("RUSTFLAGS", flags);
    let switches = [("--quick", arguments.quick), ("--write", arguments.write)];
    bench.args(switches.into_iter().filter(|(_, on)| *on).map(|(name, _)| name));
    if let Some(rounds) = arguments.rounds {
        bench.args(["--rounds", &rounds.to_string()]);
    }
    arguments.only.iter().for_each(|only| _ = bench.args(["--only", only]));
    if whole {
        bench.arg("--trail").arg(trail(root, flags)?).arg("--cli").arg(command_line(root)?);
    }
    run(&mut bench)
}

/// What is missing shows now, not in a build script's message or behind the measurements; all of it, a line each.
fn have_what_it_takes(peers: bool, protect: bool) -> Outcome {
    let mut needed = vec![("cc", "build-essential", "compiles ring and AWS-LC")];
    needed.extend(peers.then_some(("make", "make", "builds libsodium, for one of the peers")));
    needed.extend(protect.then_some(("taskset", "util-linux", "holds `protect` to its processors")));
    let have = |(program, package, why)| apt::have(program, package).map_err(|error| format!("{error}; it {why}"));
    let mut missing: Vec<_> = needed.into_iter().filter_map(|needed| have(needed).err()).collect();
    let processor = |number: &str| succeeds(Command::new("taskset").args(["-c", number, "true"]));
    if protect && missing.is_empty() && !["0", "1"].iter().all(|number| processor(number)) {
        missing
            .push("`protect` is measured on processors 0 and 1, and one of them is not to be had: see --only".into());
    }
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n       ").into()) }
}

/// What the core's own measurement of its trail prints, of both builds; no caller of the core can open a token without an entry.
fn trail(root: &Path, flags: &str) -> Outcome<PathBuf> {
    let builds = [("default", &[][..]), ("ring", &["--features", "ring"][..])];
    let mut text = String::new();
    for (name, features) in builds {
        let mut test = cargo(root);
        test.args(["test", "--release", "--lib"]).args(features).env("RUSTFLAGS", flags);
        let printed = printed(test.args(["cost_of_the_trail", "--", "--ignored", "--nocapture"]))?;
        text.push_str(&format!("symbolon, {name}\n"));
        for line in printed.lines().filter(|line| line.contains(" ns") || line.contains("an entry has")) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    let file = Metadata::load(root)?.target_directory()?.join("cost_of_the_trail.txt");
    fs::write(&file, text)?;
    Ok(file)
}

/// Both outputs: a test prints on either.
fn printed(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    let both = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    if output.status.success() { Ok(both) } else { Err(format!("{command:?} failed:\n{both}").into()) }
}

/// The program `symbolon`, built as this repository builds it.
fn command_line(root: &Path) -> Outcome<PathBuf> {
    run(cargo(root).args(["build", "--release", "--package", "symbolon-cli"]))?;
    Ok(Metadata::load(root)?.target_directory()?.join("release/symbolon"))
}

/// These take the place of `.cargo/config.toml`'s, so that the libraries choose as they do for whoever adds symbolon to a program.
const PLAIN: &str = "-Cdebuginfo=0";
const SOFT: &str = "-Cdebuginfo=0 --cfg poly1305_backend=\"soft\"";

#[cfg(test)]
mod tests {
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        _arguments: super::Arguments,
    }

    /// What is written was measured in all rounds and all rows; what is printed, as one likes.
    #[test]
    fn a_short_run_is_not_written() {
        let taken = |line: &str| Line::try_parse_from(line.split(' ')).is_ok();
        for good in ["x --write", "x --soft --write", "x --quick", "x --rounds 5 --only name"] {
            assert!(taken(good), "{good}");
        }
        for bad in ["x --quick --write", "x --rounds 5 --write", "x --only name --write"] {
            assert!(!taken(bad), "{bad}");
        }
    }
}
