//! What the firmware may take of a small device, and the table of the README that says what it takes.

use std::fmt::Write;
use std::path::Path;

use crate::Outcome;
use crate::page::{self, Marks, grouped};

/// Something that was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) value: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Instructions,
}

/// What is asked of a figure.
#[derive(Debug)]
struct Budget {
    what: &'static str,
    /// What we would like it to be.
    aim: Option<u64>,
    /// What it must not exceed. Where the aim was missed this is what was reached, and 3 %.
    limit: u64,
}

/// The limits. To raise one is a decision, so it is a change of this table.
#[rustfmt::skip]
const BUDGETS: &[Budget] = &[
    Budget { what: "core: flash", aim: Some(14 * 1024), limit: 52_650 },
    Budget { what: "core: static RAM, with 64 entries of the trail", aim: None, limit: 13_612 },
    Budget { what: "appliance: flash", aim: Some(40 * 1024), limit: 124_980 },
    Budget { what: "appliance: static RAM, with 64 entries of the trail in its flash", aim: Some(8 * 1024), limit: 8 * 1024 },
    Budget { what: "start, with the trail's making: stack", aim: Some(4096), limit: 4096 },
    Budget { what: "tokenize 20 B: stack", aim: Some(4096), limit: 4096 },
    Budget { what: "authenticate, 4 B of context: stack", aim: Some(4096), limit: 4096 },
    Budget { what: "detokenize 20 B: stack", aim: Some(4096), limit: 4096 },
    Budget { what: "log out: stack", aim: Some(4096), limit: 4096 },
    Budget { what: "tokenize 20 B: instructions", aim: None, limit: 39_115 },
    Budget { what: "authenticate, 4 B of context: instructions", aim: None, limit: 79_976 },
    Budget { what: "detokenize 20 B: instructions", aim: Some(12_000), limit: 41_185 },
];

/// Compares all figures with their limits; the error names all that exceed theirs.
pub(crate) fn check(figures: &[Figure]) -> Outcome {
    let mut wrong = Vec::new();
    for budget in BUDGETS {
        match figures.iter().find(|figure| figure.what == budget.what) {
            None => wrong.push(format!("{} was not measured", budget.what)),
            Some(figure) if figure.value > budget.limit => {
                wrong.push(format!("{} is {}, and may be {}", budget.what, figure.value, budget.limit));
            }
            Some(_) => {}
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("over budget: {}", wrong.join("; ")).into()) }
}

/// The table as the README has it.
fn table(figures: &[Figure]) -> String {
    let mut table = String::from("| | measured | aim | limit | |\n|---|---|---|---|---|\n");
    for figure in figures {
        let budget = BUDGETS.iter().find(|budget| budget.what == figure.what);
        let aim = budget.and_then(|budget| budget.aim);
        let note = match aim {
            Some(aim) if figure.value > aim => "**missed**",
            Some(_) => "met",
            None => "",
        };
        let measured = match figure.unit {
            Unit::Bytes => format!("{} B", grouped(figure.value)),
            Unit::Instructions => format!("{} ({:.2} ms)", grouped(figure.value), figure.value as f64 / PER_MS),
        };
        let [aim, limit] = [aim, budget.map(|budget| budget.limit)].map(|value| value.map(grouped).unwrap_or_default());
        // Writing to a string can't fail.
        let _written = writeln!(table, "| {} | {measured} | {aim} | {limit} | {note} |", figure.what);
    }
    table
}

/// Compares the README's table with what was measured. Another compiler makes other code, by 6 % and more: then only the limits hold.
pub(crate) fn compare_with_readme(readme: &Path, compiler: &str, figures: &[Figure]) -> Outcome {
    let text = page::read(readme)?;
    let (_, table, _) = page::split(&text, &MARKS)?;
    if !table.lines().any(|line| line == measured_with(compiler)) {
        println!("    the README's table was not measured with {compiler}, so it is not compared; the limits hold");
        return Ok(());
    }
    let written: Vec<_> = table.lines().filter_map(row).collect();
    let mut wrong = Vec::new();
    for figure in figures {
        match written.iter().find(|(what, _)| *what == figure.what) {
            None => wrong.push(format!("{} is missing", figure.what)),
            Some((_, value)) if !agree(*value, figure.value) => {
                wrong.push(format!("{} is {}, not {value}", figure.what, figure.value));
            }
            Some(_) => {}
        }
    }
    let gone = written.iter().filter(|(what, _)| !figures.iter().any(|figure| figure.what == *what));
    wrong.extend(gone.map(|(what, _)| format!("{what} is not measured any more")));
    if wrong.is_empty() {
        return Ok(());
    }
    let wrong = wrong.join("; ");
    Err(format!("{}: {wrong}; `cargo xtask firmware --write` writes the table anew", readme.display()).into())
}

/// Writes the table anew.
pub(crate) fn write_readme(readme: &Path, compiler: &str, figures: &[Figure]) -> Outcome {
    page::put(readme, &MARKS, &format!("{}\n\n{}", measured_with(compiler), table(figures)))
}

fn measured_with(compiler: &str) -> String {
    format!("Measured with {compiler}:")
}

/// What a row of the table says: the figure's name, and the number that the second column begins with.
fn row(line: &str) -> Option<(&str, u64)> {
    let mut columns = line.strip_prefix('|')?.split('|').map(str::trim);
    let what = columns.next()?;
    let number: String = columns.next()?.chars().filter(|c| *c != ',').take_while(char::is_ascii_digit).collect();
    Some((what, number.parse().ok()?))
}

/// Up to 3 %: a change that costs more is to be seen in the table.
fn agree(written: u64, measured: u64) -> bool {
    written.abs_diff(measured) * 100 <= measured * 3
}

/// Instructions of a millisecond, at 64 MHz and one instruction a cycle.
const PER_MS: f64 = 64_000.0;
const MARKS: Marks = ["<!-- measured by `cargo xtask firmware` -->", "<!-- end of what was measured -->"];

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(what: &str, value: u64) -> Figure {
        Figure { what: what.into(), unit: Unit::Instructions, value }
    }

    /// Exactly the limit is allowed, one more is not, and what was not measured is not met.
    #[test]
    fn limits_hold() {
        let at = |more: u64| -> Vec<_> { BUDGETS.iter().map(|b| figure(b.what, b.limit + more)).collect() };
        assert!(check(&at(0)).is_ok());
        let error = check(&at(1)).unwrap_err().to_string();
        assert!(BUDGETS.iter().all(|budget| error.contains(budget.what)), "{error}");
        assert!(check(&at(0)[1..]).unwrap_err().to_string().contains("not measured"));
    }

    /// What is written is read back, and 3 % is all that it may be off.
    #[test]
    fn the_table_is_compared() {
        let table = table(&[figure("open", 10_000), figure("core: flash", 1_234_567)]);
        let rows: Vec<_> = table.lines().filter_map(row).collect();
        assert_eq!(rows, [("open", 10_000), ("core: flash", 1_234_567)]);
        assert!(table.contains("| open | 10,000 (0.16 ms) |") && table.contains("**missed**"), "{table}");
        assert!(agree(9_700, 10_000) && !agree(9_699, 10_000) && agree(10_300, 10_000) && !agree(10_301, 10_000));
    }
}
