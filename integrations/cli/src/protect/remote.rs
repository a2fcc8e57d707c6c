//! An appliance that seals: the values of a chunk are gathered, each owner's sealed in as few requests as it takes, and then the rows are written.

use std::collections::HashMap;

use anyhow::Result;
use symbolon::{Field, Principal, Token, TokenBuf, appliance::Fault};
use symbolon_device::{Error, Value};

use super::{
    Options,
    cells::{Tally, principal, slot, to_protect},
    input::Input,
    job::Job,
    problem::{Id, What},
    rows::{Cell, Chunk, Made, Refused, Rows, Work, Worker},
};
use crate::{appliance::Program, error::Failure, output::Output, progress::Progress, schema::Plan};

/// Protects `input` and writes the result to `output`, up to the first problem.
pub(super) fn protect(
    program: Program,
    plan: &Plan,
    options: &Options,
    input: Input,
    output: &mut Output,
    progress: &Progress,
) -> Result<Tally> {
    let job = Job { plan, options, name: &input.name.clone(), progress, keep: 1 };
    // One: an appliance does one thing at a time.
    let workers = vec![Sealing { plan, program, progress }];
    Ok(job.run(input, workers, |bytes| output.write(bytes))?.tally)
}

/// An appliance keeps no surrogates.
pub(super) fn refuse_surrogates(plan: &Plan) -> Result<()> {
    match plan.surrogates.first() {
        None => Ok(()),
        Some((column, _)) => Err(Failure::Input.because(format!(
            "an appliance keeps no surrogates, and {column:?} is to get some: make the column wide enough for tokens and leave --surrogate away, \
             or use a keyring file"
        ))),
    }
}

/// The one worker.
struct Sealing<'s> {
    plan: &'s Plan,
    program: Program,
    progress: &'s Progress,
}

impl Worker for Sealing<'_> {
    fn work<R: Rows>(&mut self, chunk: Chunk<R>) -> Made {
        let (mut found, mut wishes) = (Made::of(chunk.bytes, 1), Wishes::new(self.plan));
        chunk.rows.walk(&mut wishes, &mut found);
        // Nothing is asked for in vain: the first problem ends the run.
        if found.is_over() || chunk.broken.is_some() {
            return found.ended_by(chunk.broken);
        }
        let shown = match self.seal(&mut wishes, chunk.bytes) {
            Ok(shown) => shown,
            Err(error) => {
                found.failed = Some(error);
                return found;
            }
        };
        let mut made = Made::of(chunk.bytes - shown, 1);
        let mut tokens = Tokens { plan: self.plan, tokens: wishes.tokens.into_iter(), text: [0; Token::MAX_TEXT_LEN] };
        chunk.rows.walk(&mut tokens, &mut made);
        made
    }
}

impl Sealing<'_> {
    /// Has all of them sealed, and shows how far that is: how many of the chunk's bytes are shown as done.
    fn seal(&mut self, wishes: &mut Wishes<'_>, bytes: u64) -> Result<u64> {
        let Wishes { owners, wishes, tokens, .. } = wishes;
        let (all, mut done, mut shown) = (wishes.len().max(1), 0, 0);
        for (owner, wanted) in owners {
            let values: Vec<Value<'_>> = wanted.iter().filter_map(|at| wishes.get(*at)).map(Wish::value).collect();
            let sealed = self.of_owner(owner, &values)?;
            for (at, token) in wanted.iter().zip(sealed) {
                if let Some(place) = tokens.get_mut(*at) {
                    *place = Some(token);
                }
            }
            done += wanted.len();
            let now = bytes / u64::try_from(all)? * u64::try_from(done)?;
            self.progress.advance(now - shown);
            shown = now;
        }
        Ok(shown)
    }

    /// An owner's tokens, or why this owner gets none.
    fn of_owner(&mut self, owner: &Principal, values: &[Value<'_>]) -> Result<Vec<Result<TokenBuf, What>>> {
        let erasable = self.plan.erasable;
        self.program.session(|session| match session.tokenize(owner, erasable, values) {
            Ok(tokens) => Ok(tokens.into_iter().map(Ok).collect()),
            // Where the session itself is good, it is the owner to whom it was denied.
            Err(Error::Fault(Fault::Denied)) if erasable && session.authenticate().is_ok() => {
                Ok(values.iter().map(|_| Err(What::Erased)).collect())
            }
            Err(error) => Err(error.into()),
        })
    }
}

/// A value, and as what it is to be sealed.
struct Wish {
    field: Field,
    record: Vec<u8>,
    value: Vec<u8>,
}

impl Wish {
    fn value(&self) -> Value<'_> {
        Value { field: self.field, record: &self.record, value: &self.value }
    }
}

/// What is to be sealed of a chunk, in order of its cells.
struct Wishes<'p> {
    plan: &'p Plan,
    wishes: Vec<Wish>,
    /// What came of each.
    tokens: Vec<Option<Result<TokenBuf, What>>>,
    /// Each owner once, and which of them are that owner's.
    owners: Vec<(Principal, Vec<usize>)>,
    known: HashMap<Vec<u8>, usize>,
}

impl<'p> Wishes<'p> {
    fn new(plan: &'p Plan) -> Self {
        Self { plan, wishes: Vec::new(), tokens: Vec::new(), owners: Vec::new(), known: HashMap::new() }
    }

    fn of_owner(&mut self, owner: &[u8]) -> Result<&mut Vec<usize>, What> {
        let at = match self.known.get(owner) {
            Some(at) => *at,
            None => {
                self.owners.push((principal(self.plan, owner)?, Vec::new()));
                self.known.insert(owner.to_vec(), self.owners.len() - 1);
                self.owners.len() - 1
            }
        };
        Ok(&mut self.owners[at].1)
    }
}

impl Work for Wishes<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn cell(&mut self, cell: &Cell<'_>, made: &mut Made) -> Result<Option<&str>, Refused> {
        let Some(field) = to_protect(self.plan, cell, made)? else { return Ok(None) };
        let record = slot(field, cell.record)?.record().to_vec();
        let at = self.wishes.len();
        self.of_owner(cell.owner).map_err(|what| Refused { id: Some(Id::Owner), what })?.push(at);
        self.wishes.push(Wish { field, record, value: cell.value.to_vec() });
        self.tokens.push(None);
        Ok(None)
    }
}

/// Puts what came of the wishes where they were found.
struct Tokens<'p> {
    plan: &'p Plan,
    tokens: std::vec::IntoIter<Option<Result<TokenBuf, What>>>,
    text: [u8; Token::MAX_TEXT_LEN],
}

impl Work for Tokens<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn cell(&mut self, cell: &Cell<'_>, made: &mut Made) -> Result<Option<&str>, Refused> {
        let Some(field) = to_protect(self.plan, cell, made)? else { return Ok(None) };
        let Some(token) = self.tokens.next().flatten() else {
            return Err(Refused::value(What::Other("the appliance gave no token for this value".into())));
        };
        let token = token.map_err(|what| Refused { id: Some(Id::Owner), what })?;
        made.tally.protected += 1;
        let refuse = |error| Refused::value(What::of_refusal(error, field, cell.value.len()));
        Token::write_text(&token.as_token(), &mut self.text).map(Some).map_err(refuse)
    }
}
