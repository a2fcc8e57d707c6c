//! `cargo xtask bench`: what symbolon costs, beside what else would do the job. The measuring program is the workspace `benches/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::metadata::Metadata;
use crate::process::{cargo, run};

/// Builds the measuring program and runs it, and with it the core's own measurement of its trail and `symbolon protect`. It takes some minutes, the
/// first build a quarter of an hour; run it on a machine that does nothing else.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Few rounds: to see that it runs
    #[arg(long)]
    quick: bool,
    /// Rounds, each of one turn of every row
    #[arg(long, value_name = "N")]
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
    if arguments.only.is_empty() && !arguments.soft {
        bench.arg("--trail").arg(trail(root, flags)?).arg("--cli").arg(command_line(root)?);
    }
    run(&mut bench)
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
