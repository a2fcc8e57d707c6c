//! What both formats have in common: chunks of rows go in, bytes and findings come out.

use super::{
    cells::{Cells, Tally},
    problem::Problem,
};

/// Rows of one format, as many as one worker takes at a time.
pub(super) trait Rows: Send {
    /// Writes the rows with tokens in place of values to `made`, or says what is wrong with them.
    fn protect(&self, cells: &mut Cells<'_>, made: &mut Made);
}

/// What the reading thread deals.
pub(super) struct Chunk<R> {
    /// Complete rows.
    pub(super) rows: R,
    /// How much of the input they took.
    pub(super) bytes: u64,
    /// Why there are no more of them, where that isn't the input's end.
    pub(super) broken: Option<Broken>,
}

/// Why reading can't go on.
pub(super) enum Broken {
    /// The input makes no sense from here on.
    Problem(Problem),
    /// It can't be read.
    Unreadable(std::io::Error),
}

/// What a worker makes of a chunk.
#[derive(Default)]
pub(super) struct Made {
    /// What is to be written.
    pub(super) out: Vec<u8>,
    /// What was done.
    pub(super) tally: Tally,
    /// What was found wrong, up to `keep`.
    pub(super) problems: Vec<Problem>,
    /// How many things were found wrong.
    pub(super) problem_count: u64,
    /// How many problems are wanted; a run that isn't a mere check stops at the first.
    pub(super) keep: usize,
    /// For each column of the plan, whether there was such a key. (JSON Lines have no header.)
    pub(super) seen: Vec<bool>,
    /// How much of the input this was.
    pub(super) bytes: u64,
    /// The input can't be read any further.
    pub(super) unreadable: Option<std::io::Error>,
}

impl Made {
    /// Works on one chunk.
    pub(super) fn of<R: Rows>(chunk: Chunk<R>, cells: &mut Cells<'_>, keep: usize) -> Self {
        let mut made = Self { keep, bytes: chunk.bytes, ..Self::default() };
        chunk.rows.protect(cells, &mut made);
        match chunk.broken {
            Some(Broken::Problem(problem)) => made.refuse(problem),
            Some(Broken::Unreadable(error)) => made.unreadable = Some(error),
            None => {}
        }
        made
    }

    /// Notes a problem.
    pub(super) fn refuse(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < self.keep {
            self.problems.push(problem);
        }
    }

    /// Whether the rest of the chunk doesn't matter any more.
    pub(super) fn is_over(&self) -> bool {
        self.keep == 1 && self.problem_count > 0
    }
}

/// Rows that a worker takes at a time.
pub(super) const CHUNK_ROWS: usize = 1000;

/// Bytes after which a chunk is full, however few rows it has.
pub(super) const CHUNK_BYTES: u64 = 1 << 20;

/// The longest row. A quote that is never closed would swallow the rest of the file.
pub(super) const MAX_ROW: u64 = 8 << 20;
