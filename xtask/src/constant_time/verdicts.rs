//! The list of what may be reported: verdicts, each with its reason and the places where it is taken.

use crate::Outcome;

/// Something that may show in time, where, and of which operations.
pub(super) struct Verdict {
    pub(super) operations: Vec<String>,
    pub(super) places: Vec<String>,
}

impl Verdict {
    /// Whether it allows this place to this operation.
    pub(super) fn allows(&self, operation: &str, place: &str) -> bool {
        self.operations.iter().any(|listed| listed == operation)
            && self.places.iter().any(|listed| covers(listed, place))
    }
}

/// Reads the list: `operations | reason`, the operations with commas between them, and below it the places, indented.
pub(super) fn read(list: &str) -> Outcome<Vec<Verdict>> {
    let mut verdicts: Vec<Verdict> = Vec::new();
    for line in list.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if let Some(place) = line.strip_prefix("    ") {
            let verdict =
                verdicts.last_mut().ok_or_else(|| format!("the list has a place without a reason: {line}"))?;
            verdict.places.push(place.trim().to_owned());
            continue;
        }
        let Some((operations, reason)) = line.split_once(" | ").filter(|(_, reason)| !reason.trim().is_empty()) else {
            return Err(format!("the list has a line that is not `operations | reason`: {line}").into());
        };
        if reason.trim().len() < SHORTEST_REASON {
            return Err(format!("that is no reason: {reason}").into());
        }
        let operations = operations.split(',').map(|operation| operation.trim().to_owned()).collect();
        verdicts.push(Verdict { operations, places: Vec::new() });
    }
    match verdicts.iter().find(|verdict| verdict.places.is_empty()) {
        Some(verdict) => {
            Err(format!("the list has a reason without a place, of {}", verdict.operations.join(", ")).into())
        }
        None => Ok(verdicts),
    }
}

/// True where a line of the list is about this place: the same, or everything in its file.
pub(super) fn covers(listed: &str, place: &str) -> bool {
    listed == place || listed.strip_suffix('*').is_some_and(|file| file.ends_with(' ') && place.starts_with(file))
}

/// A place without what its line says.
pub(super) fn function(place: &str) -> &str {
    place.split_once(": ").map_or(place, |(function, _line)| function)
}

/// In bytes: "verdict" says nothing.
const SHORTEST_REASON: usize = 20;
