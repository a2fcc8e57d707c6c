//! What both formats have in common: chunks of rows go in, bytes and findings come out.

use symbolon::Field;

use super::{
    cells::Tally,
    problem::{Id, Place, Problem, What},
};
use crate::schema::Plan;

/// Rows of one format, as many as one worker takes at a time.
pub(crate) trait Rows: Send {
    /// Hands every cell that the plan is about to `work`, in order, and writes the rows with what it says to `made`; or says what is
    /// wrong with them. It can be done twice: a first time to see what a chunk needs.
    fn walk(&self, work: &mut impl Work, made: &mut Made);
}

/// What is done with cells.
pub(crate) trait Work {
    /// What the columns are.
    fn plan(&self) -> &Plan;

    /// What is to stand in the cell; `None` where it stays as it is.
    fn cell(&mut self, cell: &Cell<'_>, made: &mut Made) -> Result<Option<&str>, Refused>;
}

/// What works on chunks: one for each thread.
pub(crate) trait Worker: Send {
    /// Works on one chunk.
    fn work<R: Rows>(&mut self, chunk: Chunk<R>) -> Made;
}

/// A cell, and what its row says of it.
pub(crate) struct Cell<'c> {
    /// Where it stands.
    pub(crate) place: Place,
    /// The column.
    pub(crate) column: &'c str,
    /// What the plan says that it holds.
    pub(crate) field: Option<Field>,
    /// The row's owner; empty where there is none.
    pub(crate) owner: &'c [u8],
    /// The row's record; empty where there is none.
    pub(crate) record: &'c [u8],
    /// What stands in it.
    pub(crate) value: &'c [u8],
}

/// Why a cell was refused.
pub(crate) struct Refused {
    /// Not the value's cell is to blame but the owner's or the record's.
    pub(crate) id: Option<Id>,
    /// What is wrong.
    pub(crate) what: What,
}

impl Refused {
    /// The value is to blame.
    pub(crate) const fn value(what: What) -> Self {
        Self { id: None, what }
    }
}

/// What the reading thread deals.
pub(crate) struct Chunk<R> {
    /// Complete rows.
    pub(crate) rows: R,
    /// How much of the input they took.
    pub(crate) bytes: u64,
    /// Why there are no more of them, where that isn't the input's end.
    pub(crate) broken: Option<Broken>,
}

/// Why reading can't go on.
pub(crate) enum Broken {
    /// The input makes no sense from here on.
    Problem(Problem),
    /// It can't be read.
    Unreadable(std::io::Error),
}

/// What a worker makes of a chunk.
#[derive(Default)]
pub(crate) struct Made {
    /// What is to be written.
    pub(crate) out: Vec<u8>,
    /// What was done.
    pub(crate) tally: Tally,
    /// What was found wrong, up to `keep`.
    pub(crate) problems: Vec<Problem>,
    /// How many things were found wrong.
    pub(crate) problem_count: u64,
    /// How many problems are wanted; a run that isn't a mere check stops at the first.
    pub(crate) keep: usize,
    /// What was left as it is and should not have been, the first of them.
    pub(crate) left: Vec<Problem>,
    /// For each column of the plan, whether there was such a key. (JSON Lines have no header.)
    pub(crate) seen: Vec<bool>,
    /// How much of the input this was.
    pub(crate) bytes: u64,
    /// The input can't be read any further.
    pub(crate) unreadable: Option<std::io::Error>,
    /// Something that was needed besides the input has failed.
    pub(crate) failed: Option<anyhow::Error>,
}

impl Made {
    /// Nothing yet, of a chunk of so many bytes.
    pub(crate) fn of(bytes: u64, keep: usize) -> Self {
        Self { keep, bytes, ..Self::default() }
    }

    /// Why there are no more rows comes last.
    pub(crate) fn ended_by(mut self, broken: Option<Broken>) -> Self {
        match broken {
            Some(Broken::Problem(problem)) => self.refuse(problem),
            Some(Broken::Unreadable(error)) => self.unreadable = Some(error),
            None => {}
        }
        self
    }

    /// Notes a problem.
    pub(crate) fn refuse(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < self.keep {
            self.problems.push(problem);
        }
    }

    /// Notes why a cell was refused. Of the row's owner and record that is told once: every further cell would say the same.
    pub(crate) fn refuse_cell(&mut self, cell: &Cell<'_>, plan: &Plan, refused: Refused, told: &mut Vec<Id>) {
        let column = match refused.id {
            Some(id) if told.contains(&id) => return,
            Some(id) => {
                told.push(id);
                if id == Id::Owner { &plan.owner } else { plan.record.as_deref().unwrap_or(cell.column) }
            }
            None => cell.column,
        };
        self.refuse(Problem::of_cell(cell.place, column, refused.what));
    }

    /// Notes that a cell was left as it is.
    pub(crate) fn leave(&mut self, cell: &Cell<'_>, what: What) {
        self.tally.left += 1;
        if self.left.len() < SHOWN_PROBLEMS {
            self.left.push(Problem::of_cell(cell.place, cell.column, what));
        }
    }

    /// Whether the rest of the chunk doesn't matter any more.
    pub(crate) fn is_over(&self) -> bool {
        self.keep == 1 && self.problem_count > 0
    }
}

/// Problems that are shown.
pub(crate) const SHOWN_PROBLEMS: usize = 20;

/// Rows that a worker takes at a time.
pub(super) const CHUNK_ROWS: usize = 1000;

/// Bytes after which a chunk is full, however few rows it has.
pub(super) const CHUNK_BYTES: u64 = 1 << 20;

/// The longest row. A quote that is never closed would swallow the rest of the file.
pub(super) const MAX_ROW: u64 = 8 << 20;
