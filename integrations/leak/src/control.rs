//! The positive control: a marker is put through everything that a scan claims to undo, and must be found again.
//!
//! The encoders here are written apart from the decoders: they share no table and no function with them.

mod encode;

use std::{collections::HashSet, hash::Hash};

use crate::{Coding, Codings, Event, Look, Options, Place, Scan};

/// What the controls have shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// How many there were.
    pub all: usize,
    /// The names of those whose marker was not found, or not once.
    pub missed: Vec<String>,
}

impl Report {
    /// How many were found.
    #[must_use]
    pub fn found(&self) -> usize {
        self.all - self.missed.len()
    }
}

/// A marker in some wrapping, amid other text.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it was put through, for people.
    pub name: String,
    /// What a scan reads.
    pub bytes: Vec<u8>,
    /// What has to be undone.
    pub codings: Codings,
}

/// Puts `marker` through each coding, and many through each other: what a scan is tested with.
///
/// Where `marker` can't be written in a character set, that case is left out. Without spaces in it, it stands in ASCII text.
#[must_use]
pub fn cases(marker: &str) -> Vec<Case> {
    let mut cases = encode::text_cases(marker);
    cases.extend(encode::nested_cases(marker));
    cases
}

/// Puts a marker through everything, and looks for it in the same way as for the rest. `is_marker` tells it.
pub fn run<L: Look>(look: &L, options: &Options, marker: &str, is_marker: impl Fn(&L::Item) -> bool) -> Report
where
    L::Item: Hash,
{
    let mut report = Report { all: 0, missed: Vec::new() };
    let mut all = cases(marker);
    all.push(Case { name: "on a chunk's edge".into(), bytes: on_edge(marker, options), codings: Codings::NONE });
    for case in all {
        report.all += 1;
        let mut places = HashSet::new();
        let mut scan = Scan::new(look, *options, |event: Event<'_, L::Item>| {
            if let Event::Found(found) = event
                && is_marker(found.item)
            {
                places.insert((found.place.clone(), found.offset));
            }
        });
        scan.stream(&mut case.bytes.as_slice(), &Place::of("control"));
        if places.len() != 1 {
            report.missed.push(case.name);
        }
    }
    report
}

fn on_edge(marker: &str, options: &Options) -> Vec<u8> {
    let mut bytes = vec![b'.'; options.chunk - marker.len() / 2];
    bytes.push(b'\n');
    bytes.extend_from_slice(marker.as_bytes());
    bytes.resize(bytes.len() + options.overlap, b'\n');
    bytes
}

/// What cases need, as a set.
fn of<const N: usize>(codings: [Coding; N]) -> Codings {
    codings.into_iter().fold(Codings::NONE, Codings::with)
}
