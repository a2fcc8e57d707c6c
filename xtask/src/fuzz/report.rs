//! What libFuzzer says at its end, and the table of it.

use std::path::Path;

/// What a target did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stats {
    executions: u64,
    per_second: u64,
    /// Places in the code that were reached.
    coverage: u64,
    /// Inputs that reached something new, in the run.
    new: u64,
}

impl Stats {
    /// Reads libFuzzer's words.
    pub(super) fn read(said: &str) -> Option<Self> {
        let stat = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
            line?.trim_start_matches(':').trim().parse().ok()
        };
        let coverage = said.lines().rev().find_map(|line| {
            let (_, rest) = line.split_once(" cov: ")?;
            rest.split_whitespace().next()?.parse().ok()
        });
        Some(Self {
            executions: stat("number_of_executed_units")?,
            per_second: stat("average_exec_per_sec")?,
            coverage: coverage?,
            new: stat("new_units_added")?,
        })
    }
}

/// Prints what all of them did.
pub(super) fn print_table(done: &[(String, Result<Stats, String>)]) {
    println!("\n    {:WIDTH$} {:>11} {:>8} {:>9} {:>11}", "target", "executions", "a second", "coverage", "new inputs");
    for (name, ran) in done {
        match ran {
            Ok(Stats { executions, per_second, coverage, new }) => {
                println!("    {name:WIDTH$} {executions:>11} {per_second:>8} {coverage:>9} {new:>11}");
            }
            Err(_) => println!("    {name:WIDTH$} BROKEN"),
        }
    }
    println!();
}

/// The shell's line that writes an input again, where that is small: of a machine that only tests, what it printed is all that stays.
pub(super) fn recipe(path: &Path, input: &[u8]) -> Option<String> {
    let folder = path.parent().filter(|_| input.len() <= MOST_PRINTED)?;
    // Other than letters and digits, `printf` or the shell may mean something by.
    let text: String = input
        .iter()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).into() } else { format!("\\{byte:03o}") })
        .collect();
    Some(format!("mkdir -p {} && printf '{text}' > {}", folder.display(), path.display()))
}

/// In bytes, each of which is up to four on the line.
const MOST_PRINTED: usize = 8 << 10;

/// The width of the column of names.
const WIDTH: usize = 16;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// The last line with a coverage counts, and where there is no such thing there is no answer.
    #[test]
    fn what_libfuzzer_says_is_read() {
        let said = "#2\tINITED cov: 5 ft: 6 corp: 1/1b\n#9\tDONE   cov: 1234 ft: 2000 corp: 77/9Kb lim: 4 exec/s: 3\n\
                    Done 9 runs in 2 second(s)\nstat::number_of_executed_units: 9\nstat::average_exec_per_sec:     4\n\
                    stat::new_units_added:          77\nstat::slowest_unit_time_sec:    0\n";
        let stats = Stats { executions: 9, per_second: 4, coverage: 1234, new: 77 };
        assert_eq!(Stats::read(said), Some(stats));
        assert_eq!(Stats::read("panicked"), None);
    }

    /// A shell that has the line has the input, whatever is in it; what is large isn't printed.
    #[test]
    fn an_input_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/crash");
        let input: Vec<u8> = (0..=255).chain(*b"%s\\n'0\\").collect();
        assert!(Command::new("sh").arg("-c").arg(recipe(&path, &input).unwrap()).status().unwrap().success());
        assert_eq!(fs::read(&path).unwrap(), input);
        assert!(recipe(&path, &[0; MOST_PRINTED]).is_some() && recipe(&path, &[0; MOST_PRINTED + 1]).is_none());
    }
}
