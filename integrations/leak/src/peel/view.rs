//! A form of some bytes, with the way back.

use std::ops::Range;

use crate::{Coding, Codings};

/// Bytes that were made of others, and from where each of them is.
#[derive(Default)]
pub(crate) struct View {
    bytes: Vec<u8>,
    /// By `at`, the first at 0. Windows are a few megabytes: 32 bits do.
    pieces: Vec<Piece>,
}

/// Some bytes in a row that were made in one way.
#[derive(Clone, Copy)]
struct Piece {
    at: u32,
    from: u32,
    how: How,
    coding: Option<Coding>,
}

#[derive(Clone, Copy)]
enum How {
    /// As they were. A coding says how they were joined to what stands before them.
    Copy,
    /// All of them from one escape.
    Escape,
    /// Each from so many.
    Every(u8),
    /// Three from four digits, in a run that begins at `run` here; the first digit of this line is the run's digit number `first`.
    Digits { run: u32, first: u32 },
}

impl View {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn reserve(&mut self, len: usize) {
        self.bytes.reserve(len);
    }

    /// Bytes as they were, from this place on.
    pub(crate) fn copy(&mut self, bytes: &[u8], from: usize, joined: Option<Coding>) {
        if !bytes.is_empty() {
            self.piece(from, How::Copy, joined);
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// What an escape stands for.
    pub(crate) fn escape(&mut self, bytes: &[u8], from: usize, coding: Coding) {
        if !bytes.is_empty() {
            self.piece(from, How::Escape, Some(coding));
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Every `step`th byte of what is there, each `offset` behind its unit's start.
    pub(crate) fn every(&mut self, bytes: impl Iterator<Item = u8>, from: usize, step: u8, coding: Coding) {
        self.piece(from, How::Every(step), Some(coding));
        self.bytes.extend(bytes);
    }

    /// A line of a run of base64 follows, to be written to [`View::sink`].
    pub(crate) fn digits(&mut self, from: usize, run: usize, first: usize) {
        // The first byte that begins in this line: earlier ones are those of the line before.
        let at = run + (first * 3).div_ceil(4);
        let how = How::Digits { run: narrow(run), first: narrow(first) };
        self.pieces.push(Piece { at: narrow(at), from: narrow(from), how, coding: Some(Coding::Base64) });
    }

    pub(crate) fn sink(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Something that nothing goes across.
    pub(crate) fn gap(&mut self, from: usize) {
        if !self.bytes.is_empty() {
            self.piece(from, How::Escape, None);
            self.bytes.extend_from_slice(&GAP);
        }
    }

    fn piece(&mut self, from: usize, how: How, coding: Option<Coding>) {
        self.pieces.push(Piece { at: narrow(self.bytes.len()), from: narrow(from), how, coding });
    }

    /// From where a range is.
    pub(crate) fn source(&self, range: &Range<usize>) -> Range<usize> {
        let last = range.end.saturating_sub(1).max(range.start);
        self.source_of(range.start)..self.source_of(last) + 1
    }

    fn source_of(&self, at: usize) -> usize {
        let Some(piece) = self.pieces.get(self.index(at)) else { return at };
        let (from, past) = (piece.from as usize, at.saturating_sub(piece.at as usize));
        match piece.how {
            How::Copy => from + past,
            How::Escape => from,
            How::Every(step) => from + past * usize::from(step),
            How::Digits { run, first } => {
                from + (at.saturating_sub(run as usize) * 4 / 3).saturating_sub(first as usize)
            }
        }
    }

    /// What a range was wrapped in.
    pub(crate) fn codings(&self, range: &Range<usize>) -> Codings {
        let pieces = self.pieces.get(self.index(range.start)..).unwrap_or_default();
        let within = pieces.iter().take_while(|piece| (piece.at as usize) < range.end);
        // A break before the first byte is none of its.
        let counts = |piece: &&Piece| !matches!(piece.how, How::Copy) || piece.at as usize > range.start;
        within.filter(counts).filter_map(|piece| piece.coding).fold(Codings::NONE, Codings::with)
    }

    fn index(&self, at: usize) -> usize {
        self.pieces.partition_point(|piece| piece.at as usize <= at).saturating_sub(1)
    }

    /// The parts that lie between gaps.
    pub(crate) fn parts(&self) -> Vec<Range<usize>> {
        let gaps = self.pieces.iter().filter(|piece| matches!((piece.how, piece.coding), (How::Escape, None)));
        let starts = std::iter::once(0).chain(gaps.clone().map(|gap| gap.at as usize + GAP.len()));
        starts.zip(gaps.map(|gap| gap.at as usize).chain([self.bytes.len()])).map(|(start, end)| start..end).collect()
    }

    /// The surroundings of all that is not as it was.
    pub(crate) fn changes(&self, context: usize) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        let ends = self.pieces.iter().skip(1).map(|piece| piece.at as usize).chain([self.bytes.len()]);
        for (piece, end) in self.pieces.iter().zip(ends) {
            let (start, end) = match (piece.how, piece.coding) {
                (_, None) => continue,
                (How::Copy, Some(_)) => (piece.at as usize, piece.at as usize),
                _ => (piece.at as usize, end),
            };
            let (start, end) = (start.saturating_sub(context), (end + context).min(self.bytes.len()));
            match spans.last_mut() {
                Some(last) if start <= last.end => last.end = end.max(last.end),
                _ => spans.push(start..end),
            }
        }
        spans
    }
}

/// Windows are checked to be shorter: see `Scan::new`.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// In no text of any character set.
const GAP: [u8; 2] = [0xff; 2];
