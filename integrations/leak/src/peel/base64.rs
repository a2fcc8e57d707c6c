//! Base64 and base64url, in one line or many.
//!
//! Of our own rather than a library's: a run may be of either alphabet, have breaks anywhere, be cut at both ends, and every byte of it
//! must be traced back. It is decoded from each of its first four digits, for what stands before it may look like its digits.

use std::ops::Range;

use super::{islands::Ground, runs::over_break, view::View};
use crate::{Coding, Codings};

/// Runs of digits.
pub(crate) struct Runs {
    /// Each line of each run.
    lines: Vec<Range<usize>>,
    /// Each run's lines.
    runs: Vec<Range<usize>>,
}

impl Runs {
    /// The runs of digits that are long enough. In `strict` surroundings, which are long runs already, every line may go on in the next.
    pub(crate) fn find(ground: &Ground<'_>, strict: bool) -> Self {
        // There, a run may begin with a few digits at a line's end.
        let (least, stride) = if strict { (64, 1) } else { (STRIDE, STRIDE) };
        let mut found = Self { lines: Vec::new(), runs: Vec::new() };
        for span in ground.spans {
            let bytes = &ground.bytes[..span.end];
            let (mut at, mut floor) = (span.start + stride - 1, span.start);
            while at < bytes.len() {
                if DIGITS[usize::from(bytes[at])] > 63 {
                    at += stride;
                    continue;
                }
                let start = line_start(bytes, at, floor);
                let end = found.run(bytes, start, least, strict);
                (floor, at) = (end, end + stride);
            }
        }
        found
    }

    /// Takes the run that begins here, if it is long enough, and says where it ends.
    fn run(&mut self, bytes: &[u8], start: usize, least: usize, strict: bool) -> usize {
        let first = self.lines.len();
        let (mut at, mut count) = (start, 0);
        let end = loop {
            let end = line_end(bytes, at);
            self.lines.push(at..end);
            count += end - at;
            // A line that is followed by another of the same run is a long one.
            let next = (strict || end - at >= LINE).then(|| over_break(bytes, end)).flatten();
            match next.filter(|next| bytes.get(*next).is_some_and(|byte| DIGITS[usize::from(*byte)] < 64)) {
                Some(next) => at = next,
                None => break end,
            }
        };
        if count >= least {
            self.runs.push(first..self.lines.len());
        } else {
            self.lines.truncate(first);
        }
        end
    }

    /// What all runs decode to without their first `skip` digits.
    pub(crate) fn view(&self, bytes: &[u8], skip: usize) -> Option<View> {
        let mut view = View::default();
        view.reserve(self.lines.iter().map(Range::len).sum::<usize>() * 3 / 4 + self.runs.len() * 2);
        for run in &self.runs {
            let lines = &self.lines[run.clone()];
            view.gap(lines[0].start);
            let (run_at, mut number, mut left) = (view.bytes().len(), 0, skip);
            let mut decoder = Decoder::default();
            for line in lines {
                let start = line.start + left.min(line.len());
                left -= start - line.start;
                if start < line.end {
                    view.digits(start, run_at, number);
                    decoder.push(&bytes[start..line.end], view.sink());
                    number += line.end - start;
                }
            }
            decoder.finish(view.sink());
        }
        (!view.is_empty()).then_some(view)
    }

    /// Takes out the containers that runs hold: where each begins and ends, and its bytes. They begin with a line or near the run's
    /// start. What is stored in them as it is would otherwise be found twice.
    pub(crate) fn take_parcels(&mut self, bytes: &[u8], on: Codings) -> Vec<(usize, usize, Vec<u8>)> {
        let mut parcels = Vec::new();
        for run in &mut self.runs {
            let lines = &mut self.lines[run.clone()];
            let near = (0..4).map(|skip| (0, lines[0].start + skip));
            let starts = near.chain(lines.iter().enumerate().skip(1).map(|(number, line)| (number, line.start)));
            let first = starts.into_iter().find(|(_, at)| bytes.get(*at..).is_some_and(|text| is_container(text, on)));
            let (Some((number, at)), Some(end)) = (first, lines.last().map(|line| line.end)) else { continue };
            let (mut decoder, mut content) = (Decoder::default(), Vec::new());
            for line in &lines[number..] {
                decoder.push(bytes.get(line.start.max(at)..line.end).unwrap_or_default(), &mut content);
            }
            decoder.finish(&mut content);
            if is_likely(&content) {
                lines[number].end = at.max(lines[number].start);
                run.end = run.start + number + 1;
                parcels.push((at, end, content));
            }
        }
        parcels
    }
}

/// The base64 of what gzip, zip and zstd files begin with.
fn is_container(text: &[u8], on: Codings) -> bool {
    let kinds: [(Coding, &[u8]); 3] = [(Coding::Gzip, b"H4sI"), (Coding::Zip, b"UEsDB"), (Coding::Zstd, b"KLUv")];
    kinds.iter().any(|(coding, start)| on.has(*coding) && text.starts_with(start))
}

/// Whether the next bytes are those of such a file, too: four digits are met by chance.
fn is_likely(content: &[u8]) -> bool {
    match content {
        [0x1f, 0x8b, 8, flags, _, _, _, _, level, system, ..] => {
            *flags < 32 && matches!(level, 0 | 2 | 4) && (*system < 20 || *system == 255)
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => true,
        _ => false,
    }
}

fn line_start(bytes: &[u8], mut at: usize, floor: usize) -> usize {
    while at > floor && DIGITS[usize::from(bytes[at - 1])] < 64 {
        at -= 1;
    }
    at
}

fn line_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && DIGITS[usize::from(bytes[at])] < 64 {
        at += 1;
    }
    at
}

/// Decodes digits as they come.
#[derive(Default)]
pub(crate) struct Decoder {
    bits: u32,
    count: u32,
}

impl Decoder {
    /// Digits only.
    pub(crate) fn push(&mut self, mut digits: &[u8], out: &mut Vec<u8>) {
        while self.count != 0 {
            let Some((digit, rest)) = digits.split_first() else { return };
            self.one(*digit, out);
            digits = rest;
        }
        let (fours, rest) = digits.as_chunks::<4>();
        out.reserve(fours.len() * 3);
        let mut block = [0; 3 * BLOCK];
        for fours in fours.chunks(BLOCK) {
            for (four, three) in fours.iter().zip(block.as_chunks_mut::<3>().0) {
                let [a, b, c, d] = four.map(usize::from);
                let [_, bytes @ ..] = (SHIFTED[0][a] | SHIFTED[1][b] | SHIFTED[2][c] | SHIFTED[3][d]).to_be_bytes();
                *three = bytes;
            }
            out.extend_from_slice(&block[..fours.len() * 3]);
        }
        rest.iter().for_each(|digit| self.one(*digit, out));
    }

    /// What the last two or three digits stand for.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        let bytes = (self.bits << (24 - 6 * self.count)).to_be_bytes();
        let whole = usize::try_from(self.count * 6 / 8).unwrap_or_default();
        out.extend_from_slice(&bytes[1..=whole]);
        *self = Self::default();
    }

    fn one(&mut self, digit: u8, out: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(DIGITS[usize::from(digit)] & 63);
        self.count += 1;
        if self.count == 4 {
            out.extend_from_slice(&self.bits.to_be_bytes()[1..]);
            *self = Self::default();
        }
    }
}

/// Whether a byte is a digit of either alphabet.
pub(crate) fn is_digit(byte: u8) -> bool {
    DIGITS[usize::from(byte)] < 64
}

/// One byte in so many is looked at where there is no run.
const STRIDE: usize = 12;

/// A line that goes on in the next has at least so many digits.
const LINE: usize = 32;

/// Fours that are decoded at a time.
const BLOCK: usize = 256;

/// The value of each digit of base64 and base64url; 255 for all else.
static DIGITS: [u8; 256] = {
    let mut table = [255; 256];
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < 64 {
        table[digits[at] as usize] = at as u8;
        at += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
};

/// The same, where each of four digits belongs.
static SHIFTED: [[u32; 256]; 4] = {
    let mut tables = [[0; 256]; 4];
    let mut at = 0;
    while at < 256 {
        let value = (DIGITS[at] & 63) as u32;
        tables[0][at] = value << 18;
        tables[1][at] = value << 12;
        tables[2][at] = value << 6;
        tables[3][at] = value;
        at += 1;
    }
    tables
};
