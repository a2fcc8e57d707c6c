//! Blind indexes: equality search without the values. SPEC.md section 14.

use core::{fmt, ops::Deref};

use crate::{
    Environment, Error, Field, Held, Host, Rights, Session, Vault,
    entry::{Event, Reason},
    held::Withheld,
    keys::IndexKey,
    principal::MAX_ID_LEN,
    token::Class,
};

/// A blind index of one field in one tenant: its name, and the version of the normaliser that values go through first.
///
/// Whoever has a column of index values and the right to look up can test guesses against it: that is what an index is. Without the
/// right they are noise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Index<'n> {
    /// The field.
    pub field: Field,
    /// What tells this index from others of the field: 1 to 64 bytes.
    pub name: &'n [u8],
    /// The normaliser's version: another one gives other values.
    pub version: u16,
}

/// What to look for: rows that carry one of these are candidates, which only opening confirms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lookup {
    /// Under the newest epoch.
    pub newest: [u8; 8],
    /// Under the newest epoch but one, for rows that were not yet made anew; the same as `newest` where there is no other epoch.
    pub older: [u8; 8],
}

impl Lookup {
    /// True where a row that carries this value is a candidate.
    #[must_use]
    pub fn matches(&self, value: &[u8; 8]) -> bool {
        *value == self.newest || *value == self.older
    }
}

/// Makes the values of an index, for rows that are to be found: as many as were asked for, and no more.
pub struct Indexer {
    key: IndexKey,
    left: u32,
}

impl Indexer {
    /// The index value of a normalised value of 1 to 1,022 bytes.
    ///
    /// # Errors
    /// [`Error::InvalidValue`], [`Error::TooLong`]; [`Error::Denied`]: it has made as many as it may.
    pub fn value(&mut self, normalised: &[u8]) -> Result<[u8; 8], Error> {
        check(normalised)?;
        self.left = self.left.checked_sub(1).ok_or(Error::Denied)?;
        Ok(self.key.value(normalised))
    }
}

impl<V: Deref<Target = Vault>> Session<V> {
    /// What to search an index for. Takes [`Rights::LOOKUP`], and each look-up is an entry of the trail.
    ///
    /// # Errors
    /// [`Error::InvalidTerms`]: a name of another length; [`Error::InvalidValue`], [`Error::TooLong`], [`Error::Unavailable`]; refusals come by way of
    /// [`Held::release`].
    pub fn look_up_held<E: Environment, const N: usize, const W: usize>(
        &self,
        index: &Index<'_>,
        normalised: &[u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Lookup>, Error> {
        check(normalised)?;
        let (newest, older) = (self.vault().newest_epoch(), self.vault().newest_epoch_but_one());
        let lookup = Lookup {
            newest: self.index_key(index, newest)?.value(normalised),
            older: self.index_key(index, older)?.value(normalised),
        };
        self.indexed(Event::LookUp, Rights::LOOKUP, index, 1, lookup, host)
    }

    /// What makes up to `count` values of an index, under the newest epoch. Takes [`Rights::TOKENIZE`].
    ///
    /// # Errors
    /// [`Error::InvalidTerms`]: a name of another length; [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn indexer_held<E: Environment, const N: usize, const W: usize>(
        &self,
        index: &Index<'_>,
        count: u32,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Indexer>, Error> {
        let key = self.index_key(index, self.vault().newest_epoch())?;
        self.indexed(Event::MakeIndex, Rights::TOKENIZE, index, count, Indexer { key, left: count }, host)
    }

    fn indexed<T, E: Environment, const N: usize, const W: usize>(
        &self,
        event: Event,
        right: Rights,
        index: &Index<'_>,
        count: u32,
        outcome: T,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<T>, Error> {
        let (now, mut verdict) = self.live(1, host)?;
        verdict.require(self.rights().contains(right), Reason::NoRight);
        let may_open = host.may_open(&self.caller(), self.principal().kind, now);
        verdict.require(may_open || event != Event::LookUp, Reason::Limited);
        let mut entry = self.entry(event, verdict.reason().unwrap_or(Reason::Done));
        entry.field = index.field.code();
        entry.count = count;
        Ok(Held::new(verdict.outcome(outcome), self.stage(now, &entry, host)?))
    }

    fn index_key(&self, index: &Index<'_>, epoch: u16) -> Result<IndexKey, Error> {
        let name = index.name;
        if name.is_empty() || name.len() > MAX_ID_LEN {
            return Err(Error::InvalidTerms);
        }
        Ok(self.vault().tenant_key(self.principal().tenant(), epoch).index(index.field, index.version, name))
    }
}

fn check(normalised: &[u8]) -> Result<(), Error> {
    match normalised.len() {
        0 => Err(Error::InvalidValue),
        len if len > Class::LARGEST.capacity() => Err(Error::TooLong),
        _ => Ok(()),
    }
}

impl Withheld for Lookup {
    fn restore(&mut self) {}
}

impl Withheld for Indexer {
    fn restore(&mut self) {}
}

impl fmt::Debug for Index<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("field", &self.field).field("version", &self.version).finish_non_exhaustive()
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup(redacted)")
    }
}

impl fmt::Debug for Indexer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexer").field("left", &self.left).finish_non_exhaustive()
    }
}
