//! What symbolon costs, beside what else would do the job: one run, all rows interleaved. `cargo xtask bench` builds and starts this.

mod frame;
mod machine;
mod peers;
mod plot;
mod protect;
mod raw;
mod report;
mod table;
mod text;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use frame::{Results, Row};
use report::Report;
use table::put_between;

/// The core as `cargo add symbolon` gives it.
#[path = "."]
mod with_default {
    pub(crate) use symbolon_default as symbolon;
    pub(crate) const BUILD: &str = super::DEFAULT;
    #[path = "ours.rs"]
    pub(crate) mod ours;
}

/// The same source with the feature `ring`.
#[expect(clippy::duplicate_mod, reason = "the rows are written once, and measured of both builds")]
#[expect(dead_code, reason = "the texts of one build open in both")]
#[path = "."]
mod with_ring {
    pub(crate) use symbolon_ring as symbolon;
    pub(crate) const BUILD: &str = super::RING;
    #[path = "ours.rs"]
    pub(crate) mod ours;
}

pub(crate) const DEFAULT: &str = "symbolon, default";
pub(crate) const RING: &str = "symbolon, ring";

/// Bytes of the values.
pub(crate) const SIZES: [usize; 5] = [16, 32, 100, 300, 1000];
/// Of the main rows: a name.
pub(crate) const NAME: usize = 32;

/// A value of so many bytes.
pub(crate) fn value(size: usize) -> Vec<u8> {
    b"Yamada Taro, of the third house. ".iter().copied().cycle().take(size).collect()
}

/// Measures symbolon and its peers, and prints tables.
#[derive(Debug, Parser)]
struct Arguments {
    /// Few rounds, and fewer tokens: to see that it runs
    #[arg(long)]
    quick: bool,
    /// Rounds, each of one turn of every row
    #[arg(long, default_value_t = 201)]
    rounds: usize,
    /// Only rows with this in their group, their name or by whom they are; given more than once, with all of them
    #[arg(long, value_name = "TEXT", conflicts_with = "write")]
    only: Vec<String>,
    /// Put tables and plots into docs/performance.md and the README
    #[arg(long)]
    write: bool,
    /// The program whose `protect` is measured, too
    #[arg(long, value_name = "PROGRAM")]
    cli: Option<PathBuf>,
    /// What the core's own measurement of its trail printed, by build
    #[arg(long, value_name = "FILE")]
    trail: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let peers = peers::all();
    let mut rows = rows(&peers, if arguments.quick { 10_000 } else { 1_000_000 });
    let has =
        |Row { key, .. }: &Row, only: &str| [key.group, &key.name, &key.by].iter().any(|part| part.contains(only));
    rows.retain(|row| arguments.only.iter().all(|only| has(row, only)));
    frame::measure(&mut rows, if arguments.quick { 11 } else { arguments.rounds });
    let results = Results::of(rows);
    let cli_rounds = if arguments.quick { 1 } else { 9 };
    let protected = arguments.cli.as_ref().map(|cli| protect::measure(cli, cli_rounds)).transpose()?;
    let trail = arguments.trail.as_ref().map(std::fs::read_to_string).transpose()?;
    let trail = trail.as_deref();
    let report = Report { results: &results, peers: &peers, protected: protected.as_ref(), trail };
    print(&report);
    if arguments.write { write(&report) } else { Ok(()) }
}

fn rows(peers: &[peers::Peer], tokens: usize) -> Vec<Row> {
    let texts = with_default::ours::texts(tokens);
    let mut rows = with_default::ours::rows(&SIZES, &texts);
    rows.extend(with_ring::ours::rows(&SIZES, &texts));
    rows.extend(peers::rows(peers, &SIZES));
    rows.extend(raw::rows(&SIZES));
    rows
}

fn print(report: &Report<'_>) {
    println!("{}", machine::describe());
    for (name, table) in report.tables() {
        println!("{name}\n\n{}", table.markdown());
    }
    if let Some(trail) = report.trail {
        println!("trail\n\n{trail}");
    }
}

/// Tables and plots into the documents. A run with the portable backend has a table of its own there, and nothing else.
fn write(report: &Report<'_>) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = root.join("docs/performance.md");
    if cfg!(poly1305_backend = "soft") {
        return put_between(&page, "bench:soft", &report.soft().markdown());
    }
    put_between(&page, "bench:machine", &machine::describe())?;
    for (name, table) in report.tables() {
        put_between(&page, &format!("bench:{name}"), &table.markdown())?;
    }
    if let Some(trail) = report.trail {
        put_between(&page, "bench:trail", &format!("```text\n{}\n```", trail.trim_end()))?;
    }
    for plot in &plot::PLOTS {
        plot.draw(report.results, &root.join("docs").join(plot.file_name()))?;
    }
    put_between(&root.join("README.md"), "bench", &report.readme().markdown())
}
