//! The table of what was measured.

use crate::Outcome;
use crate::page::grouped;

/// A line of it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) job: String,
    pub(super) figure: String,
    pub(super) beside: String,
}

pub(super) fn markdown(rows: &[Row]) -> String {
    let lines = rows.iter().map(|Row { job, figure, beside }| format!("| {job} | {figure} | {beside} |\n"));
    format!("| | | |\n|---|---|---|\n{}", lines.collect::<String>())
}

/// Three digits, or all before the point: medians of a few runs are not better known.
pub(super) fn three(figure: f64) -> String {
    if figure >= 1000.0 {
        return grouped(figure.round() as u64);
    }
    let digits = (2 - figure.abs().log10().floor() as i32).clamp(0, 3);
    format!("{figure:.*}", digits as usize)
}

/// How many entries `symbolon trail verify` says that there are.
pub(super) fn entries(told: &str) -> Outcome<String> {
    let number =
        told.split_whitespace().zip(told.split_whitespace().skip(1)).find(|(_, what)| what.starts_with("entries"));
    Ok(number.map(|(number, _)| number.to_owned()).ok_or_else(|| format!("how many entries? {told}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        let figures = [0.319, 2.104, 42.06, 255.4, 1913.2].map(three);
        assert_eq!(figures, ["0.319", "2.10", "42.1", "255", "1,913"]);
    }

    #[test]
    fn entries_are_counted_by_the_program() {
        assert_eq!(entries("node 0: 1,234 entries, whole\n").unwrap(), "1,234");
        assert!(entries("nothing").is_err());
    }
}
