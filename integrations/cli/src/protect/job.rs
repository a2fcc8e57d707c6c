//! One run over an input: read, work, write; or read and check alone.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use symbolon::{Held, Principal, Sealer, Token, Vault};
use symbolon_host::surrogate::Surrogate;

use super::{
    Format, Options,
    cells::{Cells, Owners, Sealers, Tally},
    csv_rows::Table,
    input::{BYTE_ORDER_MARK, Input},
    json_lines::Lines,
    pipeline,
    problem::{Place, Problem, What},
    rows::{Chunk, Made, Rows, SHOWN_PROBLEMS, Worker},
};
use crate::{
    error::Failure,
    progress::{Count, Progress},
    schema::Plan,
    state::{self, CliHost, CliRng},
    surrogate,
};

/// Protects `input` and hands the result to `write`, up to the first problem. Erasable tokens take the host.
pub(crate) fn protect(
    vault: &Vault,
    host: Option<&mut CliHost>,
    plan: &Plan,
    options: &Options,
    input: Input,
    write: impl FnMut(&[u8]) -> Result<()>,
    progress: &Progress,
) -> Result<Tally> {
    let rng = state::rng()?;
    let registry = host.map(|host| Registry { vault, host: Mutex::new(host), rng: Mutex::new(rng) });
    let job = Job { plan, options, name: &input.name.clone(), progress, keep: 1 };
    let registry = registry.as_ref();
    let worker = || Ok(Protector { cells: Cells::new(Some(vault), registry, plan)?, registry, keep: 1 });
    let workers = (0..options.threads).map(|_| worker()).collect::<Result<_>>()?;
    Ok(job.run(input, workers, write)?.tally)
}

/// Reads all of `input` and writes nothing.
pub(super) fn check(plan: &Plan, options: &Options, input: Input, progress: &Progress) -> Result<Found> {
    let keep = SHOWN_PROBLEMS;
    let job = Job { plan, options, name: &input.name.clone(), progress, keep };
    let worker = || Ok(Protector { cells: Cells::new(None, None, plan)?, registry: None, keep });
    let workers = (0..options.threads).map(|_| worker()).collect::<Result<_>>()?;
    job.run(input, workers, |_| Ok(()))
}

/// Where owners' secrets and surrogates are kept. All threads share it.
pub(super) struct Registry<'r> {
    vault: &'r Vault,
    host: Mutex<&'r mut CliHost>,
    /// For surrogates.
    rng: Mutex<CliRng>,
}

impl<'r> Registry<'r> {
    fn host(&self) -> MutexGuard<'_, &'r mut CliHost> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 16 digits for a token, which are durable with the next commit.
    pub(super) fn surrogate(
        &self,
        owner: &Principal,
        token: &Token<'_>,
        last4: Option<[u8; 4]>,
    ) -> Result<Surrogate, What> {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        surrogate::stage(owner, token, last4, self.vault, &mut self.host(), &mut rng)
    }

    /// Makes durable what is staged.
    fn commit(&self) -> Result<()> {
        self.host().commit(self.vault).map(|_| ()).context("the surrogates could not be made durable")
    }

    /// What seals erasable tokens for these owners: their secrets are made where there are none, and durable when this returns, all of
    /// them with one commit.
    fn sealers(&self, owners: Owners<'_>) -> Result<Sealers> {
        let mut host = self.host();
        let mut held: Vec<(Vec<u8>, Held<Sealer>)> = Vec::with_capacity(owners.found.len());
        for (name, owner) in owners.found {
            held.push((name, self.vault.erasable_sealer_held(&owner, &mut **host).context(NO_SECRETS)?));
        }
        let receipt = host.commit(self.vault).context(NO_SECRETS)?;
        // Denied: the owner was erased.
        Ok(held.into_iter().map(|(name, held)| (name, held.release(&receipt))).collect())
    }
}

/// Protects chunks, or checks them.
struct Protector<'v> {
    cells: Cells<'v>,
    /// For erasable tokens.
    registry: Option<&'v Registry<'v>>,
    keep: usize,
}

impl Worker for Protector<'_> {
    fn work<R: Rows>(&mut self, chunk: Chunk<R>) -> Made {
        let mut made = Made::of(chunk.bytes, self.keep);
        if let Some(registry) = self.registry.filter(|_| self.cells.plan.erasable) {
            let mut owners = Owners { plan: self.cells.plan, found: Default::default() };
            chunk.rows.walk(&mut owners, &mut Made::default());
            match registry.sealers(owners) {
                Ok(sealers) => self.cells.erasable = sealers,
                Err(error) => {
                    made.failed = Some(error);
                    return made;
                }
            }
        }
        chunk.rows.walk(&mut self.cells, &mut made);
        // What seals erasable tokens is not kept longer than it is needed.
        self.cells.erasable.clear();
        if let Some(registry) = self.registry.filter(|_| !self.cells.plan.surrogates.is_empty()) {
            made.failed = registry.commit().err();
        }
        made.ended_by(chunk.broken)
    }
}

/// What a run has found.
#[derive(Default)]
pub(crate) struct Found {
    /// What was done.
    pub(crate) tally: Tally,
    problems: Vec<Problem>,
    problem_count: u64,
    /// What was left as it is and should not have been: the first of it.
    pub(crate) left: Vec<Problem>,
    seen: Vec<bool>,
}

impl Found {
    /// Tells the problems of a check; an error if there are any.
    pub(super) fn report(&self, name: &str, quiet: bool) -> Result<()> {
        for problem in &self.problems {
            eprintln!("{}", problem.describe(name));
        }
        let Tally { rows, protected, already, empty, .. } = self.tally;
        if self.problem_count > 0 {
            let shown = if self.problem_count > SHOWN_PROBLEMS as u64 { " (the first 20 are above)" } else { "" };
            let what = format!("{name}: {} problems in {} rows{shown}", Count(self.problem_count), Count(rows));
            return Err(Failure::Input.because(what));
        }
        if !quiet {
            eprintln!(
                "{name}: no problems in {} rows; {} values to protect, {} tokens, {} empty cells",
                Count(rows),
                Count(protected),
                Count(already),
                Count(empty)
            );
        }
        Ok(())
    }

    fn add(&mut self, made: &mut Made, keep: usize) {
        self.tally += made.tally;
        self.problem_count += made.problem_count;
        let room = keep.saturating_sub(self.problems.len());
        self.problems.extend(made.problems.drain(..).take(room));
        let room = SHOWN_PROBLEMS.saturating_sub(self.left.len());
        self.left.extend(made.left.drain(..).take(room));
        self.seen.resize(self.seen.len().max(made.seen.len()), false);
        self.seen.iter_mut().zip(&made.seen).for_each(|(seen, &more)| *seen |= more);
    }
}

/// A run and all that it needs.
pub(crate) struct Job<'j> {
    /// What the columns are.
    pub(crate) plan: &'j Plan,
    /// How it is done.
    pub(crate) options: &'j Options,
    /// The input's name.
    pub(crate) name: &'j str,
    /// How far it is.
    pub(crate) progress: &'j Progress,
    /// How many problems are kept. With 1, the first ends the run.
    pub(crate) keep: usize,
}

impl Job<'_> {
    /// Reads `input`, has it worked on, and hands what comes out to `write`, in order.
    pub(crate) fn run(
        &self,
        input: Input,
        workers: Vec<impl Worker>,
        mut write: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Found> {
        match self.options.format {
            Format::Csv => {
                let (table, head) = Table::open(input, self.plan, self.options.delimiter)?;
                write(&head)?;
                self.deal(table, workers, write)
            }
            Format::Jsonl => {
                if input.has_mark {
                    write(BYTE_ORDER_MARK)?;
                }
                let mut found = self.deal(Lines::open(input), workers, write)?;
                self.refuse_unseen(&mut found)?;
                Ok(found)
            }
        }
    }

    /// Deals the chunks to the workers and gathers what they make.
    fn deal<R: Rows>(
        &self,
        chunks: impl Iterator<Item = Chunk<R>> + Send,
        workers: Vec<impl Worker>,
        mut write: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Found> {
        let keep = self.keep;
        let workers = workers.into_iter().map(|mut worker| move |chunk| worker.work(chunk)).collect();
        let mut found = Found::default();
        pipeline::run(chunks, workers, |mut made: Made| {
            found.add(&mut made, keep);
            self.progress.advance(made.bytes);
            if let Some(error) = made.failed {
                return Err(error);
            }
            if let Some(problem) = found.problems.pop_if(|_| keep == 1) {
                return Err(problem.into_error(self.name));
            }
            if let Some(error) = made.unreadable {
                return Err(error).with_context(|| format!("can't read {}", self.name));
            }
            write(&made.out)
        })?;
        Ok(found)
    }

    /// JSON Lines have no header that says which keys there are: a key that never came is a mistake in the plan, and what it was
    /// to protect is still there under another name.
    fn refuse_unseen(&self, found: &mut Found) -> Result<()> {
        for (at, (column, _)) in self.plan.fields.iter().enumerate() {
            if !found.seen.get(at).copied().unwrap_or_default() {
                let what = What::Other(format!("no line has the key {column:?}"));
                let problem = Problem { place: Place::File, column: None, what };
                if self.keep == 1 {
                    return Err(problem.into_error(self.name));
                }
                found.problem_count += 1;
                found.problems.push(problem);
            }
        }
        Ok(())
    }
}

const NO_SECRETS: &str = "the owners' secrets for erasable tokens could not be made durable";
