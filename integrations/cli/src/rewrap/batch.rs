//! The tokens of a chunk that are to be sealed anew, and whose they are.

use std::collections::HashMap;

use symbolon::{Field, Principal, Token, TokenBuf};

use crate::{
    protect::{
        cells::{holds_token, looks_like_token, principal, slot},
        problem::What,
        rows::{Cell, Made, Refused, Work},
    },
    schema::Plan,
};

/// One token that is to be sealed anew.
pub(super) struct Wanted {
    /// Its owner's place in [`Batch::owners`].
    pub(super) owner: usize,
    /// What it is asked for as.
    pub(super) field: Field,
    /// The record that it is bound to; empty where it isn't.
    pub(super) record: Vec<u8>,
    /// The old token.
    pub(super) token: Box<TokenBuf>,
}

/// The first look at a chunk: finds what is to be done.
pub(super) struct Batch<'p> {
    plan: &'p Plan,
    newest: u16,
    /// Each once.
    pub(super) owners: Vec<Principal>,
    numbers: HashMap<Vec<u8>, usize>,
    /// In the order of the cells.
    pub(super) wanted: Vec<Wanted>,
}

impl<'p> Batch<'p> {
    /// Nothing found yet.
    pub(super) fn new(plan: &'p Plan, newest: u16) -> Self {
        Self { plan, newest, owners: Vec::new(), numbers: HashMap::new(), wanted: Vec::new() }
    }

    fn number_of(&mut self, owner: &[u8]) -> Result<usize, What> {
        if let Some(number) = self.numbers.get(owner) {
            return Ok(*number);
        }
        self.owners.push(principal(self.plan, owner)?);
        let number = self.owners.len() - 1;
        self.numbers.insert(owner.to_vec(), number);
        Ok(number)
    }
}

impl Work for Batch<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn cell(&mut self, cell: &Cell<'_>, _: &mut Made) -> Result<Option<&str>, Refused> {
        if let Look::Old(token) = look(cell, self.newest) {
            let field = cell.field.unwrap_or(token.as_token().field());
            // The second look tells of what is wrong with owner or record.
            if let (Ok(slot), Ok(owner)) = (slot(field, cell.record), self.number_of(cell.owner)) {
                self.wanted.push(Wanted { owner, field, record: slot.record().to_vec(), token });
            }
        }
        Ok(None)
    }
}

/// The second look: puts the new tokens where the old ones stand, and tells of those that there are none for.
pub(super) struct Put<'p, I> {
    pub(super) plan: &'p Plan,
    pub(super) newest: u16,
    /// What became of what the first look found, in the same order: the new token, or why not.
    pub(super) done: I,
    /// The last one's text.
    pub(super) text: String,
}

impl<I: Iterator<Item = Option<String>>> Work for Put<'_, I> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn cell(&mut self, cell: &Cell<'_>, made: &mut Made) -> Result<Option<&str>, Refused> {
        let token = match look(cell, self.newest) {
            Look::Nothing => return Ok(None),
            Look::New => {
                made.tally.already += 1;
                return Ok(None);
            }
            Look::Wrong(what) => {
                made.leave(cell, what);
                return Ok(None);
            }
            Look::Old(token) => token,
        };
        let field = cell.field.unwrap_or(token.as_token().field());
        let possible = slot(field, cell.record).map_err(|refused| refused.what).and(principal(self.plan, cell.owner));
        if let Err(what) = possible {
            made.leave(cell, what);
            return Ok(None);
        }
        match self.done.next().flatten() {
            Some(text) => {
                made.tally.protected += 1;
                self.text = text;
                Ok(Some(&self.text))
            }
            None => {
                made.leave(cell, What::NotRewrapped);
                Ok(None)
            }
        }
    }
}

/// What a cell is to this job.
enum Look {
    /// No token.
    Nothing,
    /// A token of the newest epoch.
    New,
    /// A token of another epoch.
    Old(Box<TokenBuf>),
    /// It has a token, and nothing can be done with it.
    Wrong(What),
}

fn look(cell: &Cell<'_>, newest: u16) -> Look {
    // Most cells of other columns are done with here.
    if !cell.value.windows(Token::TEXT_PREFIX.len()).any(|window| window == Token::TEXT_PREFIX.as_bytes()) {
        return Look::Nothing;
    }
    match TokenBuf::from_text(cell.value) {
        Ok(token) => {
            let (epoch, field) = (token.as_token().epoch(), token.as_token().field());
            match cell.field {
                _ if epoch == newest => Look::New,
                Some(plan) if plan != field => Look::Wrong(What::OtherField { token: field, plan }),
                _ => Look::Old(Box::new(token)),
            }
        }
        Err(_) if holds_token(cell.value) => Look::Wrong(What::TokenInText),
        Err(_) if looks_like_token(cell.value) => Look::Wrong(What::DamagedToken),
        Err(_) => Look::Nothing,
    }
}
