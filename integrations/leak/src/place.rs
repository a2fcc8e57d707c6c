//! Where something was found, and what went wrong where.

use std::fmt;

use crate::Coding;

/// Where a stream of bytes comes from: a path, and the containers on the way to it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// A path, "standard input", or a process.
    pub source: String,
    /// The containers from outside in: `gzip`, `base64 at 1,204`, `zip:members.csv`.
    pub layers: Vec<String>,
}

impl Place {
    /// A source as it is.
    #[must_use]
    pub fn of(source: impl Into<String>) -> Self {
        Self { source: source.into(), layers: Vec::new() }
    }

    /// What is in one more layer.
    #[must_use]
    pub fn within(&self, layer: impl Into<String>) -> Self {
        let mut place = self.clone();
        place.layers.push(layer.into());
        place
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        self.layers.iter().try_for_each(|layer| write!(f, " > {layer}"))
    }
}

/// Something that was looked for, and where it is.
#[derive(Debug)]
pub struct Found<'f, I> {
    /// What.
    pub item: &'f I,
    /// In which stream.
    pub place: &'f Place,
    /// Where its first byte comes from, counted in that stream: before any text coding was undone. For memory, its address.
    pub offset: u64,
    /// The text codings that it is in, from outside in.
    pub codings: &'f [Coding],
    /// It is not in the content but in the name of the file or entry.
    pub in_name: bool,
}

/// What could not be looked into.
#[derive(Debug)]
pub struct Problem<'p> {
    /// What it is about.
    pub place: &'p Place,
    /// The cause, for people.
    pub cause: String,
}

/// What a scan tells while it runs.
#[derive(Debug)]
pub enum Event<'e, I> {
    /// Something was found.
    Found(Found<'e, I>),
    /// Something could not be looked into; the rest goes on.
    Problem(Problem<'e>),
    /// A file or stream comes next.
    Source(&'e Place),
    /// Something that is left aside on purpose: a link, a socket, a device.
    Skipped(&'e Place, &'static str),
    /// So many more bytes of files and streams were read.
    Read(u64),
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
