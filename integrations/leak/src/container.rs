//! gzip, zip, zstd and tar.

use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};

use encoding_rs::SHIFT_JIS;
use flate2::bufread::GzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};
use zip::ZipArchive;

use crate::{Coding, Event, Look, Place, Scan};

/// What begins so.
pub(crate) fn kind(bytes: &[u8]) -> Option<Coding> {
    match bytes {
        [0x1f, 0x8b, 8, ..] => Some(Coding::Gzip),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Coding::Zip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Coding::Zstd),
        _ if bytes.get(257..262) == Some(b"ustar") => Some(Coding::Tar),
        _ => None,
    }
}

impl<L: Look, T: FnMut(Event<'_, L::Item>)> Scan<'_, L, T> {
    /// Looks through a container that is read as a stream.
    pub(crate) fn open(&mut self, kind: Coding, input: &mut dyn Read, place: &Place, depth: u8) {
        match kind {
            Coding::Gzip => self.gzip(input, place, depth),
            Coding::Zip => self.zip_in_memory(input, place, depth),
            Coding::Zstd => {
                let mut frames = Frames::new(BufReader::new(input));
                let mut frames = self.metered(&mut frames);
                self.read(&mut frames, &place.within("zstd"), 0, depth);
            }
            _ => self.tar(input, place, depth),
        }
    }

    fn gzip(&mut self, input: &mut dyn Read, place: &Place, depth: u8) {
        let mut members = Members { member: Some(GzDecoder::new(BufReader::new(input))), rest: None };
        let mut metered = self.metered(&mut members);
        self.read(&mut metered, &place.within("gzip"), 0, depth);
        // Padding with zeros is nothing; anything else that follows is looked at.
        if let Some(mut rest) = members.rest
            && rest.fill_buf().is_ok_and(|rest| rest.iter().any(|byte| *byte != 0))
        {
            self.read(&mut rest, &place.within("after the gzip"), 0, depth);
        }
    }

    fn tar(&mut self, input: &mut dyn Read, place: &Place, depth: u8) {
        let mut archive = tar::Archive::new(input);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.problem(place, format!("this tar can't be read: {error}")),
        };
        for entry in entries {
            match entry {
                Ok(mut entry) => {
                    let name = name(&entry.path_bytes());
                    let place = place.within(format!("tar:{name}"));
                    self.name(name.as_bytes(), &place);
                    self.read(&mut entry, &place, 0, depth);
                }
                // What follows can't be found without it.
                Err(error) => return self.problem(place, format!("the rest of this tar can't be read: {error}")),
            }
            if self.budget.is_over() {
                return;
            }
        }
    }

    /// Its list is at its end, so it has to be there as a whole.
    fn zip_in_memory(&mut self, input: &mut dyn Read, place: &Place, depth: u8) {
        let mut bytes = Vec::new();
        let held = self.options.held;
        if let Err(error) = input.take(held as u64 + 1).read_to_end(&mut bytes) {
            self.failed(place, Some(&error));
        }
        if bytes.len() > held {
            let cause = format!("a zip of more than {} MiB inside something else: not opened; unpack it", held >> 20);
            self.problem(place, cause);
            return self.plain(&mut Cursor::new(bytes).chain(input), place);
        }
        if !self.zip(&mut Cursor::new(&bytes), place, depth) {
            self.plain(&mut bytes.as_slice(), place);
        }
    }

    /// Looks through a zip; `false` if it can't be opened.
    pub(crate) fn zip<R: Read + Seek>(&mut self, input: &mut R, place: &Place, depth: u8) -> bool {
        let mut archive = match ZipArchive::new(input) {
            Ok(archive) => archive,
            Err(error) => {
                self.problem(place, format!("this zip can't be opened, and is looked through as it is: {error}"));
                return false;
            }
        };
        for number in 0..archive.len() {
            let raw = archive.by_index_raw(number).map(|entry| (name(entry.name_raw()), entry.comment_raw().to_vec()));
            let (name, comment) = raw.unwrap_or_else(|_| (format!("entry {}", number + 1), Vec::new()));
            let place = place.within(format!("zip:{name}"));
            self.name(name.as_bytes(), &place);
            self.name(&comment, &place);
            match archive.by_index(number) {
                Ok(mut entry) => {
                    let mut entry = self.metered(&mut entry);
                    self.read(&mut entry, &place, 0, depth);
                }
                Err(error) => self.problem(&place, format!("this entry can't be read: {error}")),
            }
            if self.budget.is_over() {
                break;
            }
        }
        true
    }
}

/// A name as people see it. Old zips from Japan have theirs in Shift_JIS.
fn name(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => SHIFT_JIS.decode(raw).0.into_owned(),
    }
}

/// The members of a gzip file, one after the other.
struct Members<R: BufRead> {
    member: Option<GzDecoder<R>>,
    /// What is behind the last one.
    rest: Option<R>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let Some(mut input) = self.member.take().map(GzDecoder::into_inner) else { break };
            match input.fill_buf()? {
                [0x1f, 0x8b, ..] | [0x1f] => self.member = Some(GzDecoder::new(input)),
                [] => {}
                _ => self.rest = Some(input),
            }
        }
        Ok(0)
    }
}

/// The frames of a zstd file, one after the other.
struct Frames<R: BufRead> {
    input: R,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(input: R) -> Self {
        Self { input, decoder: FrameDecoder::new(), within: false }
    }

    /// Goes into the next frame; `false` at the end.
    fn next(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.init(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.input).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within && !self.next()? {
                return Ok(0);
            }
            self.within = true;
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let step = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.input, step).map_err(io::Error::other)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.within = false;
        }
    }
}
