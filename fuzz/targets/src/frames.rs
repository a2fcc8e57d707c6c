//! The appliance's frames.

use symbolon::appliance::{Fault, FrameReader, ROOM_BEHIND, VERSION, open_frame, room_before, seal_frame};

/// The reader cuts where zeros stand, whatever comes; what opens is what a plain decoder of SPEC.md section 17 opens, and what is sealed opens again.
pub fn run(data: &[u8]) {
    let read = |bytes: &[u8]| {
        let (mut reader, mut read) = (FrameReader::<LEN>::new(), Vec::new());
        for &byte in bytes {
            match reader.push(byte) {
                Ok(None) => {}
                Ok(Some(frame)) => read.push(Some(frame.to_vec())),
                Err(fault) => {
                    assert_eq!(fault, Fault::TooLong);
                    read.push(None);
                }
            }
        }
        read
    };
    is_cut_at_zeros(data, read);
    for frame in data.split(|&byte| byte == 0) {
        opens_as_specified(frame, |bytes| open_frame(bytes).map(|read| (read.id, read.message.to_vec())));
    }
    // A frame's damage is a frame with other bytes: what the check lets through must be what was sealed.
    opens_as_specified(data, |bytes| open_frame(bytes).map(|read| (read.id, read.message.to_vec())));

    let id = u16::from(data.first().copied().unwrap_or_default()) << 4;
    let mut frame = sealed(id, data);
    assert_eq!(frame.pop(), Some(0));
    assert!(!frame.contains(&0));
    assert_eq!(reference(&frame), Ok((id, data.to_vec())));
    let received = open_frame(&mut frame).expect("its own frame");
    assert_eq!((received.id, &*received.message), (id, data));
}

/// Each zero ends a frame; empty ones are passed over, and long ones told.
pub fn is_cut_at_zeros(data: &[u8], read: impl Fn(&[u8]) -> Vec<Option<Vec<u8>>>) {
    let mut parts: Vec<&[u8]> = data.split(|&byte| byte == 0).collect();
    let _not_ended = parts.pop();
    let whole = parts.iter().filter(|part| !part.is_empty());
    let expected: Vec<_> = whole.map(|part| (part.len() <= LEN).then(|| part.to_vec())).collect();
    assert_eq!(read(data), expected);
}

/// Opening is what a plain decoder does, and damage has the fault that the specification says.
pub fn opens_as_specified(frame: &[u8], open: impl Fn(&mut [u8]) -> Result<(u16, Vec<u8>), (u16, Fault)>) {
    assert_eq!(open(&mut frame.to_vec()), reference(frame), "{}", frame.escape_ascii());
}

/// A whole frame, made by the core.
pub fn sealed(id: u16, message: &[u8]) -> Vec<u8> {
    let start = room_before(message.len());
    let mut buffer = vec![0; start + message.len() + ROOM_BEHIND];
    buffer[start..start + message.len()].copy_from_slice(message);
    let len = seal_frame(&mut buffer, id, start, message.len()).expect("room");
    buffer.truncate(len);
    buffer
}

fn reference(frame: &[u8]) -> Result<(u16, Vec<u8>), (u16, Fault)> {
    let payload = cobs(frame).filter(|payload| payload.len() >= 7).ok_or((0, Fault::BadFrame))?;
    let (checked, check) = payload.split_at(payload.len() - 4);
    if crc(checked).to_le_bytes() != check {
        return Err((0, Fault::BadFrame));
    }
    let id = u16::from_le_bytes([checked[1], checked[2]]);
    if checked[0] == VERSION { Ok((id, checked[3..].to_vec())) } else { Err((id, Fault::Version)) }
}

/// Cheshire and Baker's decoding: each code byte says how far the next zero is.
fn cobs(mut frame: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while let Some((&code, rest)) = frame.split_first() {
        let len = usize::from(code).checked_sub(1)?;
        let block = rest.get(..len)?;
        if block.contains(&0) {
            return None;
        }
        out.extend_from_slice(block);
        frame = &rest[len..];
        if code != 255 && !frame.is_empty() {
            out.push(0);
        }
    }
    Some(out)
}

/// CRC-32 of ISO-HDLC, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut state = u32::MAX;
    for &byte in bytes {
        state ^= u32::from(byte);
        for _ in 0..8 {
            state = (state >> 1) ^ (0xedb8_8320 & (state & 1).wrapping_neg());
        }
    }
    !state
}

/// How long a frame the reader takes.
const LEN: usize = 48;

/// Frames, whole, damaged and too long.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new(), vec![0], vec![1], vec![0, 0, 5, 1, 0, 3]];
    for message in [&b""[..], b"\x00", b"hello\0there", &[7; 60], &[0; 300], &[1; 254], &[1; 247]] {
        seeds.push(sealed(0x1234, message));
    }
    let mut two = sealed(1, b"a");
    two.extend(sealed(2, b"\0\0"));
    seeds.push(two);
    let mut other = sealed(1, b"abc");
    other[3] ^= 1;
    seeds.push(other);
    seeds
}
