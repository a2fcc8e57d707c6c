//! Frames: how a message travels over a serial line. SPEC.md section 17, "Frames".
//!
//! `frame = COBS(version ‖ LE16 id ‖ message ‖ LE32 CRC-32) ‖ 00`

use cobs::{EncoderState, PushResult};
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use zeroize::Zeroize;

use super::Fault;

/// The version of the protocol, a payload's first byte.
pub const VERSION: u8 = 1;

/// Version and id.
const HEAD_LEN: usize = 3;
const CRC_LEN: usize = 4;

const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// Cuts what comes in, byte by byte, into frames of at most `N` bytes. Whatever comes: after the next zero byte it is in step again.
pub struct FrameReader<const N: usize> {
    buffer: [u8; N],
    len: usize,
    overlong: bool,
}

impl<const N: usize> FrameReader<N> {
    /// With nothing read.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: [0; N], len: 0, overlong: false }
    }

    /// Takes one byte: the frame that it completes, without the zero; or [`Fault::TooLong`] where it ends one of over `N` bytes.
    ///
    /// Empty frames are passed over: a client that doesn't know where it stands sends a zero byte first.
    ///
    /// # Errors
    /// [`Fault::TooLong`]
    pub fn push(&mut self, byte: u8) -> Result<Option<&mut [u8]>, Fault> {
        if byte != 0 {
            match self.buffer.get_mut(self.len) {
                Some(slot) => {
                    *slot = byte;
                    self.len = self.len.saturating_add(1);
                }
                None => self.overlong = true,
            }
            return Ok(None);
        }
        let len = core::mem::take(&mut self.len);
        if core::mem::take(&mut self.overlong) {
            self.buffer.zeroize();
            return Err(Fault::TooLong);
        }
        Ok(self.buffer.get_mut(..len).filter(|frame| !frame.is_empty()))
    }
}

impl<const N: usize> Default for FrameReader<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Drop for FrameReader<N> {
    fn drop(&mut self) {
        self.buffer.zeroize();
    }
}

impl<const N: usize> core::fmt::Debug for FrameReader<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FrameReader").field("len", &self.len).finish_non_exhaustive()
    }
}

/// What a frame carries. `Debug` shows no part of the message, in which a value may stand.
pub struct Received<'f> {
    /// The number that the answer will have, too.
    pub id: u16,
    /// The message, in postcard's format.
    pub message: &'f mut [u8],
}

impl core::fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Received").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Opens a frame in place, without its zero byte at the end.
///
/// # Errors
/// [`Fault::BadFrame`]: not COBS, too short, or the check doesn't hold; [`Fault::Version`]. With the id where it could be read, or 0.
pub fn open_frame(frame: &mut [u8]) -> Result<Received<'_>, (u16, Fault)> {
    // A zero byte inside would end the decoding early.
    let decoded = if frame.contains(&0) { None } else { cobs::decode_in_place(frame).ok() };
    let payload = decoded.and_then(|len| frame.get_mut(..len)).ok_or((0, Fault::BadFrame))?;
    let (checked, check) = payload.split_last_chunk_mut::<CRC_LEN>().ok_or((0, Fault::BadFrame))?;
    if CRC.checksum(checked) != u32::from_le_bytes(*check) {
        return Err((0, Fault::BadFrame));
    }
    let ([version, id @ ..], message) = checked.split_first_chunk_mut::<HEAD_LEN>().ok_or((0, Fault::BadFrame))?;
    let id = u16::from_le_bytes(*id);
    if *version == VERSION { Ok(Received { id, message }) } else { Err((id, Fault::Version)) }
}

/// Makes a frame, its zero byte included, of the message that stands at `start` in `buffer` and has `len` bytes. The frame is at the
/// buffer's front; the rest is wiped.
///
/// There must be [`room_before`] bytes in front of the message, and 4 behind it: otherwise the answer is `None`, and nothing is left.
pub fn seal_frame(buffer: &mut [u8], id: u16, start: usize, len: usize) -> Option<usize> {
    let sealed = seal_in_place(buffer, id, start, len);
    buffer.get_mut(sealed.unwrap_or(0)..).unwrap_or_default().zeroize();
    sealed
}

/// How much room a frame takes in front of a message of this length, so that its bytes never overtake those it is made of.
#[must_use]
pub const fn room_before(message: usize) -> usize {
    // One byte of overhead at the front and one for each 254 bytes, head and check included, and one for what begins a block.
    HEAD_LEN.saturating_add(2).saturating_add(message.saturating_add(HEAD_LEN + CRC_LEN) / 254)
}

/// How much room it takes behind it.
pub const ROOM_BEHIND: usize = CRC_LEN;

fn seal_in_place(buffer: &mut [u8], id: u16, start: usize, len: usize) -> Option<usize> {
    let begin = start.checked_sub(HEAD_LEN)?;
    let end = start.checked_add(len)?;
    if start < room_before(len) {
        return None;
    }
    let [low, high] = id.to_le_bytes();
    *buffer.get_mut(begin..)?.first_chunk_mut()? = [VERSION, low, high];
    let check = CRC.checksum(buffer.get(begin..end)?);
    *buffer.get_mut(end..)?.first_chunk_mut()? = check.to_le_bytes();
    encode_in_place(buffer, begin, end.checked_add(CRC_LEN)?)
}

/// COBS of `begin..end` to the front, which it never overtakes: the overhead fits before `begin`.
fn encode_in_place(buffer: &mut [u8], begin: usize, end: usize) -> Option<usize> {
    let mut encoder = EncoderState::default();
    // Behind the first code byte.
    let mut at = 1_usize;
    for from in begin..end {
        match encoder.push(*buffer.get(from)?) {
            PushResult::AddSingle(byte) => put(buffer, &mut at, byte)?,
            PushResult::ModifyFromStartAndSkip((place, code)) => {
                *buffer.get_mut(place)? = code;
                at = at.checked_add(1)?;
            }
            PushResult::ModifyFromStartAndPushAndSkip((place, code, byte)) => {
                *buffer.get_mut(place)? = code;
                put(buffer, &mut at, byte)?;
                at = at.checked_add(1)?;
            }
        }
    }
    let (place, code) = encoder.finalize();
    *buffer.get_mut(place)? = code;
    put(buffer, &mut at, 0)?;
    Some(at)
}

fn put(buffer: &mut [u8], at: &mut usize, byte: u8) -> Option<()> {
    *buffer.get_mut(*at)? = byte;
    *at = at.checked_add(1)?;
    Some(())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{vec, vec::Vec};

    fn frame_of(message: &[u8]) -> Vec<u8> {
        let start = room_before(message.len());
        let mut buffer = vec![0xee; start + message.len() + ROOM_BEHIND];
        buffer[start..start + message.len()].copy_from_slice(message);
        let len = seal_frame(&mut buffer, 0x1234, start, message.len()).unwrap();
        buffer.truncate(len);
        buffer
    }

    /// A byte more from 247 bytes of message on, which with head and check are 254.
    #[test]
    fn the_room_in_front_is_exact() {
        assert_eq!([0, 246, 247, 500, 501].map(room_before), [5, 5, 6, 6, 7]);
    }

    /// Every length around the block boundaries, all zeros, none, and mixed: what goes in comes out, and equals what the library makes.
    #[test]
    fn round_trips() {
        let mut left_out = 0;
        for len in (0..40).chain(240..270).chain(500..520).chain(1000..1030) {
            for pattern in 0..4_u8 {
                let byte = |at: usize| match pattern {
                    0 => 0,
                    1 => 0xff,
                    2 => (at % 256) as u8,
                    _ => u8::from(!at.is_multiple_of(7)) * 9,
                };
                let message: Vec<u8> = (0..len).map(byte).collect();
                let frame = frame_of(&message);
                let (last, inner) = frame.split_last().unwrap();
                assert_eq!(*last, 0);
                assert!(!inner.contains(&0));
                let mut payload = vec![VERSION, 0x34, 0x12];
                payload.extend(&message);
                payload.extend(CRC.checksum(&payload).to_le_bytes());
                let mut expected = vec![0; cobs::max_encoding_length(payload.len()) + 2];
                let encoded = cobs::encode(&payload, &mut expected);
                expected.truncate(encoded);
                if inner.len() > encoded {
                    // Behind a full block at the end the library leaves out the empty one.
                    opens(&expected, &message);
                    expected.push(1);
                    left_out += 1;
                }
                assert_eq!(inner, expected);
                opens(inner, &message);
            }
        }
        assert!(left_out > 0);
    }

    fn opens(frame: &[u8], message: &[u8]) {
        let mut frame = frame.to_vec();
        let received = open_frame(&mut frame).unwrap();
        assert_eq!((received.id, &*received.message), (0x1234, message));
    }

    /// Any one bit that is changed on the line is noticed.
    #[test]
    fn every_changed_bit_is_noticed() {
        let frame = frame_of(b"a message \0 with a zero");
        let inner = &frame[..frame.len() - 1];
        for at in 0..inner.len() {
            for bit in 0..8 {
                let mut changed = inner.to_vec();
                changed[at] ^= 1 << bit;
                assert!(open_frame(&mut changed).is_err(), "{at} {bit}");
            }
            assert!(open_frame(&mut inner[..at].to_vec()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_version_is_told_with_the_id() {
        let mut payload = vec![2, 0x34, 0x12, 0];
        payload.extend(CRC.checksum(&payload).to_le_bytes());
        let mut frame = vec![0; 32];
        let len = cobs::encode(&payload, &mut frame);
        assert_eq!(open_frame(&mut frame[..len]).unwrap_err(), (0x1234, Fault::Version));
    }

    /// Overlong frames are told once, when they end, and the next one is read.
    #[test]
    fn a_reader_is_in_step_after_anything() {
        let mut reader = FrameReader::<8>::new();
        let mut seen = Vec::new();
        for byte in [1, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 7, 0] {
            match reader.push(byte) {
                Ok(Some(frame)) => seen.push(Ok(frame.to_vec())),
                Ok(None) => {}
                Err(fault) => seen.push(Err(fault)),
            }
        }
        let eight: Vec<u8> = (1..=8).collect();
        assert_eq!(seen, [Ok(vec![1, 2]), Ok(eight), Err(Fault::TooLong), Ok(vec![7])]);
    }

    /// A message without the room that it takes gives nothing, and leaves nothing.
    #[test]
    fn no_room_is_told() {
        let mut buffer = [7; 64];
        assert_eq!(seal_frame(&mut buffer, 1, room_before(40) - 1, 40), None);
        assert_eq!(buffer, [0; 64]);
        assert_eq!(seal_frame(&mut [7; 48], 1, room_before(40), 40), None, "no room behind");
    }
}
