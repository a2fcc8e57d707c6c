//! One run over an input: read, protect, write; or read and check alone.

use anyhow::{Context, Result};
use symbolon::Vault;

use super::{
    Format, Options,
    cells::{Cells, Tally},
    csv_rows::Table,
    input::{BYTE_ORDER_MARK, Input},
    json_lines::Lines,
    pipeline,
    problem::{Place, Problem, What},
    rows::{Chunk, Made, Rows},
};
use crate::{
    error::Failure,
    output::Output,
    progress::{Count, Progress},
    schema::Plan,
};

/// Protects `input` and writes the result to `output`, up to the first problem.
pub(super) fn protect(
    vault: &Vault,
    plan: &Plan,
    options: &Options,
    input: Input,
    output: &mut Output,
    progress: &Progress,
) -> Result<Tally> {
    let job = Job { vault: Some(vault), plan, options, name: &input.name.clone(), progress, keep: 1 };
    Ok(job.run(input, |bytes| output.write(bytes))?.tally)
}

/// Reads all of `input` and writes nothing.
pub(super) fn check(plan: &Plan, options: &Options, input: Input, progress: &Progress) -> Result<Found> {
    let job = Job { vault: None, plan, options, name: &input.name.clone(), progress, keep: SHOWN_PROBLEMS };
    job.run(input, |_| Ok(()))
}

/// What a run has found.
#[derive(Default)]
pub(super) struct Found {
    tally: Tally,
    problems: Vec<Problem>,
    problem_count: u64,
    seen: Vec<bool>,
}

impl Found {
    /// Tells the problems of a check; an error if there are any.
    pub(super) fn report(&self, name: &str, quiet: bool) -> Result<()> {
        for problem in &self.problems {
            eprintln!("{}", problem.describe(name));
        }
        let Tally { rows, protected, already, empty } = self.tally;
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
        self.seen.resize(self.seen.len().max(made.seen.len()), false);
        self.seen.iter_mut().zip(&made.seen).for_each(|(seen, &more)| *seen |= more);
    }
}

/// A run and all that it needs.
struct Job<'j> {
    /// `None`: values are only checked.
    vault: Option<&'j Vault>,
    plan: &'j Plan,
    options: &'j Options,
    name: &'j str,
    progress: &'j Progress,
    /// How many problems are kept. With 1, the first ends the run.
    keep: usize,
}

impl Job<'_> {
    fn run(&self, input: Input, mut write: impl FnMut(&[u8]) -> Result<()>) -> Result<Found> {
        match self.options.format {
            Format::Csv => {
                let (table, head) = Table::open(input, self.plan, self.options.delimiter)?;
                write(&head)?;
                self.deal(table, write)
            }
            Format::Jsonl => {
                if input.has_mark {
                    write(BYTE_ORDER_MARK)?;
                }
                let mut found = self.deal(Lines::open(input), write)?;
                self.refuse_unseen(&mut found)?;
                Ok(found)
            }
        }
    }

    /// Deals the chunks to the workers and gathers what they make.
    fn deal<R: Rows>(
        &self,
        chunks: impl Iterator<Item = Chunk<R>> + Send,
        mut write: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Found> {
        let keep = self.keep;
        let cells = (0..self.options.threads).map(|_| Cells::new(self.vault, self.plan)).collect::<Result<Vec<_>>>()?;
        let workers = cells.into_iter().map(|mut cells| move |chunk| Made::of(chunk, &mut cells, keep)).collect();
        let mut found = Found::default();
        pipeline::run(chunks, workers, |mut made: Made| {
            found.add(&mut made, keep);
            self.progress.advance(made.bytes);
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

/// Problems that a check shows.
const SHOWN_PROBLEMS: usize = 20;
