//! Looks for given values, in every character set that they may have been written in.

use std::{collections::HashMap, fmt, ops::Range};

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS};

use crate::{Coding, Focus, Look};

/// The number of a value in the list that [`Values::new`] was given, from 0. Of equal values, the first one's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Match(pub usize);

/// Values to look for. A value inside a longer one that is found with it is not told apart.
///
/// UTF-16, Shift_JIS and EUC-JP are looked for as they are, byte for byte, in place of decoding: nothing has to be guessed about what
/// a dump or a piece of memory is written in, and a character that is cut or broken before the value doesn't matter.
pub struct Values {
    patterns: AhoCorasick,
    /// Of each pattern: whose it is, and how it is written.
    owners: Vec<(Match, Option<Coding>)>,
    longest: usize,
    unwritable: usize,
}

impl Values {
    /// Fewer bytes than this are found everywhere by chance. See [`Values::is_long_enough`].
    pub const MIN_BYTES: usize = 6;
    /// So are fewer characters than this.
    pub const MIN_CHARS: usize = 4;

    /// Whether a value is long enough to be looked for: [`Values::MIN_CHARS`] characters and [`Values::MIN_BYTES`] bytes.
    #[must_use]
    pub fn is_long_enough(value: &[u8]) -> bool {
        value.len() >= Self::MIN_BYTES && String::from_utf8_lossy(value).chars().count() >= Self::MIN_CHARS
    }

    /// Looks for these. Those that are not [long enough](Values::is_long_enough) are left out: the caller should say so.
    ///
    /// # Errors
    /// The values are too many to be looked for at once (some gigabytes).
    pub fn new<V: AsRef<[u8]>>(values: impl IntoIterator<Item = V>) -> Result<Self, BuildError> {
        Self::in_charsets(values, crate::Codings::ALL)
    }

    /// The same, in some character sets only: of the codings, UTF-16, Shift_JIS and EUC-JP count.
    ///
    /// # Errors
    /// As for [`Values::new`].
    pub fn in_charsets<V: AsRef<[u8]>>(
        values: impl IntoIterator<Item = V>,
        codings: crate::Codings,
    ) -> Result<Self, BuildError> {
        let mut all = Patterns::default();
        for (number, value) in values.into_iter().enumerate() {
            all.add(Match(number), value.as_ref(), codings);
        }
        let longest = all.texts.iter().map(Vec::len).max().unwrap_or_default();
        // The longest of those that begin at a place: a value that begins with another is told as itself.
        let patterns = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&all.texts)?;
        Ok(Self { patterns, owners: all.owners, longest, unwritable: all.unwritable })
    }

    /// How many values have a character that Shift_JIS or EUC-JP doesn't have: there, nobody can have written them.
    #[must_use]
    pub const fn unwritable(&self) -> usize {
        self.unwritable
    }

    /// `text` with `●●●` in place of every value in it: for names of files, which may hold one.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let (mut out, mut done) = (Vec::new(), 0);
        for found in self.patterns.find_iter(text.as_bytes()) {
            out.extend_from_slice(&text.as_bytes()[done..found.start()]);
            out.extend_from_slice("●●●".as_bytes());
            done = found.end();
        }
        out.extend_from_slice(&text.as_bytes()[done..]);
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl Look for Values {
    type Item = Match;

    fn focus(&self) -> Focus {
        Focus::Anywhere
    }

    fn look(&self, text: &[u8], found: &mut dyn FnMut(Match, Range<usize>, Option<Coding>)) {
        for place in self.patterns.find_iter(text) {
            let (whose, coding) = self.owners[place.pattern().as_usize()];
            found(whose, place.range(), coding);
        }
    }
}

/// Neither the values nor what was made of them.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values")
            .field("patterns", &self.owners.len())
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

/// The patterns in the making.
#[derive(Default)]
struct Patterns {
    texts: Vec<Vec<u8>>,
    owners: Vec<(Match, Option<Coding>)>,
    known: HashMap<Vec<u8>, ()>,
    unwritable: usize,
}

impl Patterns {
    fn add(&mut self, whose: Match, value: &[u8], codings: crate::Codings) {
        if !Values::is_long_enough(value) || self.known.contains_key(value) {
            return;
        }
        self.push(whose, None, value.to_vec());
        // ASCII is the same in all of these but UTF-16, which the scan makes ASCII of.
        let Some(text) = std::str::from_utf8(value).ok().filter(|text| !text.is_ascii()) else { return };
        if codings.has(Coding::Utf16) {
            self.push(whose, Some(Coding::Utf16), text.encode_utf16().flat_map(u16::to_le_bytes).collect());
            self.push(whose, Some(Coding::Utf16), text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
        let legacy: [(Coding, &'static Encoding); 2] = [(Coding::ShiftJis, SHIFT_JIS), (Coding::EucJp, EUC_JP)];
        let mut unwritable = false;
        for (coding, encoding) in legacy.into_iter().filter(|(coding, _)| codings.has(*coding)) {
            let (bytes, _, replaced) = encoding.encode(text);
            unwritable |= replaced;
            if !replaced {
                self.push(whose, Some(coding), bytes.into_owned());
            }
        }
        self.unwritable += usize::from(unwritable);
    }

    fn push(&mut self, whose: Match, coding: Option<Coding>, text: Vec<u8>) {
        if text.len() >= Values::MIN_BYTES && self.known.insert(text.clone(), ()).is_none() {
            self.texts.push(text);
            self.owners.push((whose, coding));
        }
    }
}
