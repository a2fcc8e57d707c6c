//! Blind indexes: equality search, in which a value's name is the same where tenant, field, index, version and epoch are, and nowhere else.

use symbolon::{Error, Event, Index, Indexer, Lookup, Reason};

use super::{
    Wrong,
    cast::{FIELDS, field, holds_a_value, tenant, value},
    drive::{Drive, Outcome, pick},
    ideal::{Keys, LOOK_UP, TOKENIZE},
    openings::Asker,
};

/// Everything that an index value is a function of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Indexed {
    tenant: usize,
    field: usize,
    name: usize,
    version: u16,
    epoch: u16,
    value: Vec<u8>,
}

/// The newest epoch, and the one before it where tokens of that still open.
fn epochs(keys: &Keys) -> [u16; 2] {
    let older = keys.epochs.iter().rev().nth(1).filter(|epoch| keys.opens(**epoch));
    [keys.newest(), older.copied().unwrap_or(keys.newest())]
}

const NAMES: [&[u8]; 2] = [b"mail", b"mail again"];

impl Drive<'_> {
    /// Something is looked up, or up to `count` values of an index are made.
    pub(super) fn index(&mut self, session: usize, what: u8, count: Option<u32>) {
        let Asker { real, facts, .. } = self.asker(session);
        let (number, name, version) = (pick(what, FIELDS), pick(what >> 3, NAMES.len()), u16::from(what >> 6 == 1));
        let index = Index { field: field(number), name: NAMES[name], version };
        let nameless = Index { name: b"", ..index };
        let normalised = value(number, pick(what >> 4, 2));
        let of_epoch = |epoch| {
            let tenant = if self.ideal.is(Wrong::IndexIgnoresTenant) { 0 } else { tenant(facts.who) };
            Indexed { tenant, field: number, name, version, epoch, value: normalised.clone() }
        };
        let indexed = epochs(&facts.keys).map(of_epoch);
        let refused = real.look_up_held(&nameless, &normalised, &mut self.host).map(|_| ());
        assert_eq!(refused, Err(Error::InvalidTerms), "an index without a name");
        let refused = real.look_up_held(&index, &[7; 1023], &mut self.host).map(|_| ());
        assert_eq!(refused, Err(Error::TooLong), "longer than any value");

        let right = if count.is_some() { TOKENIZE } else { LOOK_UP };
        let (event, what) = if count.is_some() { (Event::MakeIndex, "indexer") } else { (Event::LookUp, "look-up") };
        let (weather, bad) = (self.weather(1), self.dial.bad.get());
        let against = self.ideal.barred(&facts, self.now(), false);
        let against = against.or((!facts.has(right)).then_some(Reason::NoRight));
        let result = match count {
            Some(count) => {
                let held = real.indexer_held(&index, count, &mut self.host);
                held.map(|held| Outcome::Indexer(held, count, Box::new(indexed)))
            }
            None => {
                let held = real.look_up_held(&index, &normalised, &mut self.host);
                held.map(|held| Outcome::Lookup(held, Box::new(indexed)))
            }
        };
        if !self.answered(weather, &result, bad) {
            return;
        }
        let mut entry = self.book.by(&self.sessions[session].signed(), event);
        (entry.field, entry.count) = (index.field.code(), count.unwrap_or(1));
        self.book.expect(entry, &[against.unwrap_or(Reason::Done)], self.now(), &facts.keys);
        self.tally.outcome(if against.is_none() { what } else { "not looked up" });
        self.hold(result.expect("answered"), against.is_none(), what);
    }

    /// A look-up was handed out.
    pub(super) fn looked_up(&mut self, found: Lookup, [newest, older]: [Indexed; 2]) {
        assert!(found.matches(&found.newest) && found.matches(&found.older));
        self.is_named(newest, found.newest);
        self.is_named(older, found.older);
    }

    /// So many values are made, and no more.
    pub(super) fn makes_index(&mut self, mut indexer: Indexer, count: u32, [newest, _]: [Indexed; 2]) {
        for _ in 0..count {
            let made = indexer.value(&newest.value).expect("one of so many");
            self.is_named(newest.clone(), made);
        }
        assert_eq!(indexer.value(&newest.value), Err(Error::Denied), "one more than was told first");
    }

    /// What stands for a value in an index is what stood for it before, and for no other.
    fn is_named(&mut self, indexed: Indexed, name: [u8; 8]) {
        assert!(!holds_a_value(&name));
        let other = self.names.iter().find(|(known, known_name)| (**known == indexed) != (**known_name == name));
        assert_eq!(other, None, "and {indexed:?} is {name:?}");
        self.names.insert(indexed, name);
    }
}
