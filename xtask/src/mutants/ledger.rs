//! What became of each mutant, kept from one run to the next; and the report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

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

/// A file of one line a mutant: its key, its fate, the tests that noticed it. What is the same function as before keeps its fate.
pub(super) struct Ledger {
    file: File,
    keys: Vec<u64>,
    fates: BTreeMap<usize, Fate>,
}

impl Ledger {
    /// Reads what was done before.
    pub(super) fn open(work: &Path, mutants: &[Mutant], afresh: bool) -> Outcome<Self> {
        let path = work.join("fates.txt");
        let before = if afresh { String::new() } else { fs::read_to_string(&path).unwrap_or_default() };
        if afresh {
            fs::write(&path, "")?;
        }
        let mut by_key = HashMap::new();
        for line in before.lines() {
            let mut words = line.splitn(3, '\t');
            let key = words.next().and_then(|word| u64::from_str_radix(word, 16).ok());
            let fate = words.next().and_then(|word| Fate::ALL.into_iter().find(|fate| fate.word() == word));
            by_key.extend(key.zip(fate));
        }
        let keys: Vec<_> = mutants.iter().map(|mutant| mutant.key).collect();
        let fates = keys.iter().enumerate().filter_map(|(number, key)| Some((number, *by_key.get(key)?))).collect();
        Ok(Self { file: OpenOptions::new().create(true).append(true).open(&path)?, keys, fates })
    }

    pub(super) fn fate(&self, number: usize) -> Option<Fate> {
        self.fates.get(&number).copied()
    }

    pub(super) fn note(&mut self, number: usize, fate: Fate, by: &str) -> Outcome {
        self.fates.insert(number, fate);
        Ok(writeln!(self.file, "{:016x}\t{}\t{by}", self.keys[number], fate.word())?)
    }

    /// Prints the counts, and what no test noticed; fails where that isn't explained.
    pub(super) fn report(&self, root: &Path, mutants: &[Mutant], chosen: &BTreeSet<usize>, write: bool) -> Outcome {
        let table = self.table(mutants, chosen);
        println!("{table}");
        let path = root.join(EXPLAINED);
        if write {
            page::put(&path, &MARKS, &table)?;
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

/// Where the counts are, and what lives, with the reason.
const EXPLAINED: &str = "docs/mutants.md";
const MARKS: Marks = ["<!-- counts -->", "<!-- end of counts -->"];
