//! What may be done to a serial line.

use std::io::Read;

use symbolon::appliance::Fault;

use super::conversation::expect;
use super::emulated::Emulated;
use super::line::{RawLine, frame, status_frame};
use crate::Outcome;

/// Each frame that is none is answered with one fault, and then the appliance goes on.
pub(crate) fn frames(board: &Emulated) -> Outcome {
    let mut line = RawLine::open(&board.place())?;
    line.send(&[0])?;
    line.is_in_step(1)?;
    let good = status_frame(0x1234)?;
    let (body, _) = good.split_at(good.len() - 1);
    for cut in 1..body.len() {
        let cut = [&body[..cut], &[0]].concat();
        expect("a frame that is cut", line.fault_of(&cut)?, (0, Fault::BadFrame))?;
    }
    for at in 0..body.len() {
        let mut altered = good.clone();
        altered[at] = if altered[at] == 0xff { 1 } else { altered[at] + 1 };
        expect("an altered frame", line.fault_of(&altered)?, (0, Fault::BadFrame))?;
    }
    for len in [1_537, 1_600, 5_000, 40_000] {
        let overlong = [vec![7; len], vec![0]].concat();
        expect("an overlong frame", line.fault_of(&overlong)?, (0, Fault::TooLong))?;
        line.is_in_step(2)?;
    }
    for (id, message) in
        [(3, &b""[..]), (4, &[255]), (5, &[0, 0]), (6, &[3, 9]), (7, &[5, 0x80, 0x80, 0x80]), (8, &[4])]
    {
        expect("a message that is none", line.fault_of(&frame(id, message)?)?, (id, Fault::Malformed))?;
        line.is_in_step(id)?;
    }
    noise(&mut line)
}

/// Random bytes: whatever is answered, at the end it is in step.
fn noise(line: &mut RawLine) -> Outcome {
    let mut random = std::fs::File::open("/dev/urandom")?;
    for len in [10, 200, 3_000, 20_000] {
        let mut bytes = vec![0; len];
        random.read_exact(&mut bytes)?;
        bytes.push(0);
        let ends = bytes.split(|byte| *byte == 0).filter(|frame| !frame.is_empty()).count();
        line.send(&bytes)?;
        expect("answers to noise, one for each frame", line.drain()?, ends)?;
        line.is_in_step(9)?;
    }
    Ok(())
}

/// Whoever comes next finds it in step, wherever the one before has left off.
pub(crate) fn disconnects(board: &Emulated) -> Outcome {
    let good = status_frame(1)?;
    for cut in 0..good.len() {
        let mut line = RawLine::open(&board.place())?;
        line.send(good.get(..cut).unwrap_or_default())?;
        drop(line);
        let status = board.connect()?.status()?;
        expect("healthy", status.healthy, true)?;
    }
    // And where nobody has waited for the answer.
    let mut line = RawLine::open(&board.place())?;
    line.send(&good)?;
    drop(line);
    board.connect().map(drop)
}
