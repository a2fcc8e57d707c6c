//! `cargo xtask coverage`: which lines of the core its tests run, which the fuzz targets' corpora do, and which neither.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::metadata::{CORE, Metadata};
use crate::own_tests::{files_for_tests, first_line_of_tests};
use crate::page::{self, Marks, Reasons};
use crate::process::{cargo, output, run};

/// Runs the core's tests, and the corpora through the fuzz targets, with counters in the code, and prints what was run of each file of the core.
/// The files' own tests are not counted. A line that neither runs fails, unless `docs/coverage.md` explains it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write the table to docs/coverage.md
    #[arg(long)]
    write: bool,
}

/// Builds, runs, counts and prints.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    let tools = Tools::find()?;
    let work = Metadata::load(root)?.target_directory()?.join("coverage");
    let tests = ["--package", CORE, "--all-features", "--lib", "--tests"];
    let corpora = ["--package", "symbolon-fuzz-targets", "--test", "replay"];
    let by_tests = counted(root, &work, "tests", &tests)?;
    let by_corpora = counted(root, &work, "corpora", &corpora)?;
    let sides = [vec![&by_tests], vec![&by_corpora], vec![&by_tests, &by_corpora]];
    let mut reports = Vec::new();
    for side in sides {
        reports.push(tools.report(root, &work, &side)?);
    }
    let table = table(&reports);
    println!("\n{table}");
    let page = root.join(EXPLAINED);
    if arguments.write {
        page::put(&page, &MARKS, &format!("```text\n{table}```\n"))?;
    }
    explain(&reports[2].not_run(root)?, Reasons::read(&page::read(&page)?))
}

/// Programs that ran, and where they wrote their counters.
struct Counted {
    programs: Vec<PathBuf>,
    counters: PathBuf,
}

/// Builds tests with counters, and runs them. Tests that only look into the generated code are left out by what they are: examples.
fn counted(root: &Path, work: &Path, name: &str, scope: &[&str]) -> Outcome<Counted> {
    let counters = work.join(name);
    if counters.exists() {
        fs::remove_dir_all(&counters)?;
    }
    fs::create_dir_all(&counters)?;
    let test = || {
        let mut command = cargo(root);
        command.arg("test").args(scope).arg("--target-dir").arg(work);
        // Otherwise the compiler makes short functions anew where they are called, in the tests' crates, and what runs there isn't counted.
        command.env("CARGO_INCREMENTAL", "1");
        command.env("RUSTFLAGS", FLAGS).env("LLVM_PROFILE_FILE", counters.join("%p-%m.profraw"));
        command
    };
    let built = output(test().args(["--no-run", "--message-format", "json"]))?;
    let programs = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let programs = programs.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect();
    run(test().arg("--quiet"))?;
    Ok(Counted { programs, counters })
}

/// The last is that of `.cargo/config.toml`, which these take the place of.
const FLAGS: &str = "-Cinstrument-coverage --cfg poly1305_backend=\"soft\"";

/// What a file has, and what of it ran.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Report {
    /// By file: each line that has code, and whether it ran.
    lines: BTreeMap<String, BTreeMap<u64, bool>>,
    /// By file: regions, and those that ran.
    regions: BTreeMap<String, (u64, u64)>,
}

/// LLVM's own, as the compiler brings them.
struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Tools {
    fn find() -> Outcome<Self> {
        let libraries = output(Command::new("rustc").args(["--print", "target-libdir"]))?;
        let folder = Path::new(libraries.trim()).parent().ok_or("rustc has no folder")?.join("bin");
        let tools = Self { profdata: folder.join("llvm-profdata"), cov: folder.join("llvm-cov") };
        if tools.profdata.exists() && tools.cov.exists() {
            return Ok(tools);
        }
        Err("llvm-cov is missing: install it with `rustup component add llvm-tools`".into())
    }

    /// What ran of the core, in these runs together.
    fn report(&self, root: &Path, work: &Path, sides: &[&Counted]) -> Outcome<Report> {
        let merged = work.join("merged.profdata");
        let mut command = Command::new(&self.profdata);
        command.args(["merge", "--sparse", "-o"]).arg(&merged);
        for side in sides {
            for entry in fs::read_dir(&side.counters)? {
                command.arg(entry?.path());
            }
        }
        output(&mut command)?;
        let mut command = Command::new(&self.cov);
        command.args(["export", "--format", "text", "--skip-functions"]);
        command.arg("--instr-profile").arg(&merged);
        let mut programs = sides.iter().flat_map(|side| &side.programs);
        command.arg(programs.next().ok_or("nothing was built")?);
        for program in programs {
            command.arg("--object").arg(program);
        }
        let exported: Value = serde_json::from_str(&output(command.arg("--sources").arg(root.join("src")))?)?;
        Report::of(&exported, root)
    }
}

impl Report {
    fn of(exported: &Value, root: &Path) -> Outcome<Self> {
        let mut report = Self::default();
        let files = exported["data"][0]["files"].as_array().ok_or("llvm-cov lists no files")?;
        let for_tests = files_for_tests(&root.join("src"))?;
        for file in files {
            let path = Path::new(file["filename"].as_str().unwrap_or_default());
            let Ok(name) = path.strip_prefix(root) else { continue };
            if for_tests.contains(path) {
                continue;
            }
            let tests = first_line_of_tests(&fs::read_to_string(path)?);
            let segments: Vec<Segment> = file["segments"].as_array().into_iter().flatten().map(Segment::of).collect();
            let name = name.display().to_string();
            let entries = segments.iter().filter(|segment| segment.is_entry && segment.line < tests);
            let ran = entries.clone().filter(|segment| segment.count > 0).count();
            report.regions.insert(name.clone(), (entries.count().try_into()?, ran.try_into()?));
            let mut lines = lines(&segments);
            lines.retain(|line, _| *line < tests);
            report.lines.insert(name, lines);
        }
        Ok(report)
    }

    /// The lines that did not run. A bracket that stands alone belongs to what is before it.
    fn not_run(&self, root: &Path) -> Outcome<Vec<NotRun>> {
        let mut found = Vec::new();
        for (file, lines) in &self.lines {
            let source = page::read(&root.join(file))?;
            for (line, text) in (1..).zip(source.lines()) {
                if lines.get(&line) == Some(&false) && text.contains(char::is_alphanumeric) {
                    // A page quotes it between backticks.
                    found.push(NotRun { file: file.clone(), line, text: text.trim().replace('`', "'") });
                }
            }
        }
        Ok(found)
    }
}

/// A line that did not run: known by its text, which stays when others are put before it.
#[derive(Debug, PartialEq, Eq)]
struct NotRun {
    file: String,
    line: u64,
    text: String,
}

/// Where the count changes.
struct Segment {
    line: u64,
    column: u64,
    count: u64,
    has_count: bool,
    is_entry: bool,
    is_gap: bool,
}

impl Segment {
    fn of(value: &Value) -> Self {
        let number = |at: usize| value[at].as_u64().unwrap_or_default();
        let is = |at: usize| value[at].as_bool().unwrap_or_default();
        Self { line: number(0), column: number(1), count: number(2), has_count: is(3), is_entry: is(4), is_gap: is(5) }
    }
}

/// The lines that have code, and whether any part of them that begins there, or reaches into them, ran: as `llvm-cov show` counts lines.
fn lines(segments: &[Segment]) -> BTreeMap<u64, bool> {
    let mut lines = BTreeMap::new();
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return lines };
    let mut wrapped: Option<&Segment> = None;
    for line in first.line..=last.line {
        let on_it: Vec<&Segment> = segments.iter().filter(|segment| segment.line == line).collect();
        let starts = || on_it.iter().filter(|segment| segment.has_count && segment.is_entry && !segment.is_gap);
        let skipped = on_it.first().is_some_and(|segment| !segment.has_count && segment.is_entry);
        let wraps = wrapped.is_some_and(|segment| segment.has_count && !segment.is_gap);
        let mapped = !skipped && (wraps || starts().count() > 0);
        if mapped {
            let count = starts().map(|segment| segment.count).max();
            let around = wrapped.filter(|segment| segment.has_count).map_or(0, |segment| segment.count);
            lines.insert(line, count.unwrap_or(0).max(around) > 0);
        }
        wrapped = on_it.iter().copied().max_by_key(|segment| segment.column).or(wrapped);
    }
    lines
}

fn table(reports: &[Report]) -> String {
    let (what, columns) = ("lines that ran, of", ["tests", "corpora", "both", "regions, both"]);
    let mut table = format!("{what:28} {}\n", columns.map(|column| format!("{column:>18}")).join(" "));
    let mut total = [(0, 0); 4];
    for file in reports[2].lines.keys() {
        let mut cells = Vec::new();
        for (report, total) in reports.iter().zip(&mut total) {
            let lines = report.lines.get(file);
            let ran = lines.map_or(0, |lines| lines.values().filter(|ran| **ran).count());
            // The code that there is, is the same in all three: a run that does not link a file runs nothing of it.
            let all = reports[2].lines[file].len();
            *total = (total.0 + ran, total.1 + all);
            cells.push(share(ran, all));
        }
        let (all, ran) = reports[2].regions.get(file).copied().unwrap_or_default();
        let (all, ran) = (usize::try_from(all).unwrap_or_default(), usize::try_from(ran).unwrap_or_default());
        total[3] = (total[3].0 + ran, total[3].1 + all);
        cells.push(share(ran, all));
        table.push_str(&format!("{file:28} {}\n", cells.join(" ")));
    }
    let total = total.map(|(ran, all)| share(ran, all)).join(" ");
    format!("{table}{:28} {total}\n", "all")
}

fn share(ran: usize, all: usize) -> String {
    let percent = if all == 0 { 100.0 } else { ran as f64 * 100.0 / all as f64 };
    format!("{ran:>5}/{all:<5} {percent:>5.1}%")
}

/// Names what nothing runs without a reason, and reasons for what runs; fails for the former.
fn explain(not_run: &[NotRun], mut reasons: Reasons) -> Outcome {
    let open = not_run.iter().filter(|line| !reasons.take(&format!("{}: {}", line.file, line.text)));
    let open: Vec<_> = open.collect();
    for NotRun { file, line, text } in &open {
        println!("not explained: {file}:{line}: {text}");
    }
    for (name, left) in reasons.left() {
        println!("explained, but run or gone now ({left}): {name}");
    }
    match open.len() {
        0 => Ok(()),
        count => Err(format!("nothing runs {count} lines, and {EXPLAINED} does not say why").into()),
    }
}

/// Where the table is, and the lines that nothing runs, with the reason.
const EXPLAINED: &str = "docs/coverage.md";
const MARKS: Marks = ["<!-- what ran -->", "<!-- end of what ran -->"];

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(line: u64, column: u64, count: u64, has_count: bool, is_entry: bool) -> Segment {
        Segment { line, column, count, has_count, is_entry, is_gap: false }
    }

    /// A region that ran, one inside it that didn't, and nothing behind them.
    #[test]
    fn lines_are_counted_by_what_reaches_into_them() {
        let segments = [
            segment(1, 1, 5, true, true),
            segment(3, 9, 0, true, true),
            segment(4, 2, 5, true, false),
            segment(6, 2, 0, false, false),
        ];
        let expected = BTreeMap::from([(1, true), (2, true), (3, true), (4, false), (5, true), (6, true)]);
        assert_eq!(lines(&segments), expected);
        assert_eq!(lines(&[]), BTreeMap::new());
    }

    /// A line without a reason fails, as does one that is there more often than it is explained; a reason that is left over does not.
    #[test]
    fn what_is_not_run_needs_a_reason() {
        let line = |line, text: &str| NotRun { file: "src/a.rs".into(), line, text: text.into() };
        let lines = [line(1, "a();"), line(5, "b();"), line(9, "a();")];
        let told = |reasons: &str| explain(&lines, Reasons::read(reasons)).is_ok();
        assert!(told("- `src/a.rs: a();` (2)\n- `src/a.rs: b();`\n- `src/a.rs: c();`\n"));
        assert!(!told("- `src/a.rs: a();`\n- `src/a.rs: b();`\n"));
        assert!(!told(""));
    }

    /// A closing bracket belongs to what stands before it, and the place of a line doesn't matter.
    #[test]
    fn lines_that_are_not_run_are_told_by_their_text() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.rs"), "fn f() {\n    g();\n}\n").unwrap();
        let lines = BTreeMap::from([("a.rs".to_owned(), BTreeMap::from([(1, true), (2, false), (3, false)]))]);
        let report = Report { lines, regions: BTreeMap::new() };
        assert_eq!(
            report.not_run(folder.path()).unwrap(),
            [NotRun { file: "a.rs".into(), line: 2, text: "g();".into() }]
        );
    }
}
