//! `cargo xtask coverage`: which lines of the core its tests run, which the fuzz targets' corpora do, and which neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::files::files_below;
use crate::metadata::{CORE, Metadata};
use crate::process::{cargo, output, run};

/// Runs the core's tests, and the corpora through the fuzz targets, with counters in the code, and prints what was run of each file of the core.
/// The files' own tests are not counted.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print only the table, not the lines that nothing runs
    #[arg(long)]
    brief: bool,
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
    print_table(&reports);
    if !arguments.brief {
        print_uncovered(&reports[2]);
    }
    Ok(())
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

/// The files of modules that there are for tests only.
fn files_for_tests(folder: &Path) -> Outcome<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for path in files_below(folder)? {
        // What a file declares stands in the folder of its name; what lib.rs declares, beside it.
        let of_root = path.ends_with("src/lib.rs");
        let inside = if of_root { folder.into() } else { path.with_extension("") };
        found.extend(modules_for_tests(&fs::read_to_string(&path)?).map(|name| inside.join(format!("{name}.rs"))));
    }
    Ok(found)
}

/// `mod name;` behind `#[cfg(test)]`.
fn modules_for_tests(source: &str) -> impl Iterator<Item = &str> {
    let after = source.split("#[cfg(test)]\n").skip(1);
    after.filter_map(|rest| rest.lines().next()?.strip_prefix("mod ")?.strip_suffix(';'))
}

/// The line on which the file's own tests begin, or none that it has.
fn first_line_of_tests(source: &str) -> u64 {
    let lines: Vec<&str> = source.lines().collect();
    let begins = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests");
    let at = lines.windows(2).position(begins);
    at.and_then(|at| u64::try_from(at + 1).ok()).unwrap_or(u64::MAX)
}

fn print_table(reports: &[Report]) {
    println!("\n{:28} {:>18} {:>18} {:>18} {:>18}", "lines that ran, of", "tests", "corpora", "both", "regions, both");
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
        println!("{file:28} {}", cells.join(" "));
    }
    println!("{:28} {}", "all", total.map(|(ran, all)| share(ran, all)).join(" "));
}

fn share(ran: usize, all: usize) -> String {
    let percent = if all == 0 { 100.0 } else { ran as f64 * 100.0 / all as f64 };
    format!("{ran:>5}/{all:<5} {percent:>5.1}%")
}

/// `file:line`, and `file:first-last` for lines that follow each other.
fn print_uncovered(report: &Report) {
    println!("\nlines that neither runs:");
    for (file, lines) in &report.lines {
        let missed: BTreeSet<u64> = lines.iter().filter(|(_, ran)| !**ran).map(|(line, _)| *line).collect();
        for (first, last) in runs(&missed) {
            if first == last {
                println!("{file}:{first}");
            } else {
                println!("{file}:{first}-{last}");
            }
        }
    }
}

/// Numbers that follow each other, together.
fn runs(numbers: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

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

    /// Neighbours are one entry.
    #[test]
    fn neighbours_are_joined() {
        assert_eq!(runs(&BTreeSet::from([1, 2, 3, 7, 9, 10])), [(1, 3), (7, 7), (9, 10)]);
    }

    /// Modules for tests are told by theirs.
    #[test]
    fn modules_for_tests_are_told() {
        let source =
            "mod a;\n#[cfg(test)]\nmod cost;\n#[cfg(test)]\nmod tests {\n}\n#[cfg(test)]\npub(crate) fn f() {}\n";
        assert_eq!(modules_for_tests(source).collect::<Vec<_>>(), ["cost"]);
    }

    /// A file's own tests are not its code.
    #[test]
    fn tests_are_told_by_their_attribute() {
        assert_eq!(first_line_of_tests("fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n"), 3);
        assert_eq!(first_line_of_tests("#[cfg(test)]\nuse x;\nfn a() {}\n"), u64::MAX);
    }
}
