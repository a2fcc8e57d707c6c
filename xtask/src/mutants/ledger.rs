//! What became of each mutant, kept from one run to the next; and the report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::TOOL;
use super::switch::Mutant;
use crate::Outcome;
use crate::page::{self, Marks, Reasons};

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Caught,
    Hung,
    Unviable,
    NotReached,
    Survived,
}

impl Fate {
    const ALL: [Self; 5] = [Self::Caught, Self::Hung, Self::Unviable, Self::NotReached, Self::Survived];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Hung => "hung",
            Self::Unviable => "unviable",
            Self::NotReached => "not reached",
            Self::Survived => "survived",
        }
    }
}

/// A file of one line a mutant: its key, its fate, the number of the tests' text that it was tried with, the tests that noticed it. What is the
/// same function as before keeps its fate.
pub(super) struct Ledger {
    file: File,
    keys: Vec<u64>,
    fates: BTreeMap<usize, Fate>,
    /// The number of the tests' text as it is now.
    tests: u64,
    /// Those whose fate other tests gave. The compiler's word, unviable, is not the tests'.
    older: BTreeSet<usize>,
}

impl Ledger {
    /// Reads what was done before.
    pub(super) fn open(work: &Path, mutants: &[Mutant], tests: u64, afresh: bool) -> Outcome<Self> {
        let path = work.join("fates.txt");
        let before = if afresh { String::new() } else { fs::read_to_string(&path).unwrap_or_default() };
        if afresh {
            fs::write(&path, "")?;
        }
        let by_key: HashMap<_, _> = before.lines().filter_map(read).collect();
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let keys: Vec<_> = mutants.iter().map(|mutant| mutant.key).collect();
        let mut ledger = Self { file, keys, fates: BTreeMap::new(), tests, older: BTreeSet::new() };
        for (number, key) in ledger.keys.iter().enumerate() {
            let Some((fate, by)) = by_key.get(key) else { continue };
            ledger.fates.insert(number, *fate);
            if *fate != Fate::Unviable && *by != Some(tests) {
                ledger.older.insert(number);
            }
        }
        Ok(ledger)
    }

    pub(super) fn fate(&self, number: usize) -> Option<Fate> {
        self.fates.get(&number).copied()
    }

    pub(super) fn note(&mut self, number: usize, fate: Fate, by: &str) -> Outcome {
        self.fates.insert(number, fate);
        self.older.remove(&number);
        Ok(writeln!(self.file, "{:016x}\t{}\t{:016x}\t{by}", self.keys[number], fate.word(), self.tests)?)
    }

    /// How many of these were tried before the last change of the tests.
    pub(super) fn older(&self, numbers: &BTreeSet<usize>) -> usize {
        self.older.intersection(numbers).count()
    }

    /// Prints the counts, and what no test noticed; fails where that isn't explained.
    pub(super) fn report(&self, root: &Path, mutants: &[Mutant], chosen: &BTreeSet<usize>, write: bool) -> Outcome {
        let table = self.table(mutants, chosen);
        println!("{table}");
        let path = root.join(EXPLAINED);
        if write {
            page::put(&path, &MARKS, &format!("{table}\n{}\n", self.counted_with(chosen)))?;
        }
        let mut explained = Reasons::read(&page::read(&path)?);
        let mut open = 0_usize;
        for number in chosen {
            let mutant = &mutants[*number];
            match self.fates.get(number) {
                Some(Fate::Survived | Fate::NotReached) => {}
                Some(_) => continue,
                None => {
                    println!("not tried: {}:{}: {}", mutant.file, mutant.line, mutant.name);
                    continue;
                }
            }
            if !explained.take(&format!("{}: {}", mutant.file, mutant.name)) {
                println!("not explained: {}:{}: {}", mutant.file, mutant.line, mutant.name);
                open += 1;
            }
        }
        if chosen.len() == mutants.len() {
            for (name, left) in explained.left() {
                println!("explained, but noticed by a test now ({left}): {name}");
            }
        }
        if open == 0 { Ok(()) } else { Err(format!("{open} mutants live, and {EXPLAINED} does not say why").into()) }
    }

    /// What stands under the table.
    fn counted_with(&self, chosen: &BTreeSet<usize>) -> String {
        let with = format!("Counted with cargo-mutants {TOOL} and the tests of number `{:016x}`.", self.tests);
        match self.older(chosen) {
            0 => with,
            older => format!("{with} Of the mutants, {older} were tried before the last change of the tests."),
        }
    }

    fn table(&self, mutants: &[Mutant], chosen: &BTreeSet<usize>) -> String {
        let mut by_file = BTreeMap::<&str, [usize; 6]>::new();
        for number in chosen {
            let at = self.fates.get(number).map_or(5, |fate| *fate as usize);
            for name in [mutants[*number].file.as_str(), "~"] {
                by_file.entry(name).or_default()[at] += 1;
            }
        }
        let mut table =
            String::from("| file | mutants | caught | hung | unviable | not reached | survived | not tried |\n");
        table.push_str("|---|--:|--:|--:|--:|--:|--:|--:|\n");
        for (name, counts) in by_file {
            let name = if name == "~" { "**all**".into() } else { format!("`{name}`") };
            let counts = [counts.iter().sum()].iter().chain(&counts).map(usize::to_string).collect::<Vec<_>>();
            table.push_str(&format!("| {name} | {} |\n", counts.join(" | ")));
        }
        table
    }
}

/// A line of the file: the key, the fate, and the number of the tests' text; none stands in lines of before there were numbers.
fn read(line: &str) -> Option<(u64, (Fate, Option<u64>))> {
    let number = |word: &str| u64::from_str_radix(word, 16).ok();
    let mut words = line.splitn(4, '\t');
    let key = number(words.next()?)?;
    let word = words.next()?;
    let fate = Fate::ALL.into_iter().find(|fate| fate.word() == word)?;
    Some((key, (fate, words.next().and_then(number))))
}

/// Where the counts are, and what lives, with the reason.
const EXPLAINED: &str = "docs/mutants.md";
const MARKS: Marks = ["<!-- counts -->", "<!-- end of counts -->"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mutant(with: &str) -> Mutant {
        let place = |column: u64| json!({ "line": 1, "column": column });
        let listed = json!({
            "name": format!("src/a.rs:1:1: replace f with {with}"), "file": "src/a.rs", "function": null,
            "genre": "FnValue", "replacement": with, "span": { "start": place(1), "end": place(2) },
        });
        Mutant::read(&listed, "f").unwrap()
    }

    /// A verdict is kept when the tests change, and counted as older until the mutant is tried again; what the compiler refuses never is.
    #[test]
    fn older_verdicts_are_told() {
        let work = tempfile::tempdir().unwrap();
        let mutants = ["a", "b", "c"].map(mutant);
        let all = BTreeSet::from([0, 1, 2]);
        let line = format!("{:016x}\tcaught\tlib: tests::a\n", mutants[0].key);
        fs::write(work.path().join("fates.txt"), line).unwrap();
        let mut ledger = Ledger::open(work.path(), &mutants, 7, false).unwrap();
        assert_eq!((ledger.fate(0), ledger.older(&all)), (Some(Fate::Caught), 1));
        for (number, fate) in [(0, Fate::Survived), (1, Fate::Hung), (2, Fate::Unviable)] {
            ledger.note(number, fate, "").unwrap();
        }
        assert_eq!(ledger.older(&all), 0);
        assert!(!ledger.counted_with(&all).contains("before"));
        assert_eq!(Ledger::open(work.path(), &mutants, 7, false).unwrap().older(&all), 0);
        let ledger = Ledger::open(work.path(), &mutants, 8, false).unwrap();
        assert_eq!((ledger.fate(0), ledger.older(&all)), (Some(Fate::Survived), 2));
        assert!(ledger.counted_with(&all).contains("2 were tried before"));
    }
}
