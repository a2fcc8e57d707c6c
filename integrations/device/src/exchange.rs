//! One request, one answer, over a line that may damage either.
//!
//! What a device can't read it answers with [`Fault::BadFrame`] and no number. Then both ends get in step again: a zero byte ends whatever is
//! on the line, and the answer to a question about the device's state comes behind everything that was answered before. A request is sent a
//! second time only where it is known that the device did not take it the first time.

use std::time::{Duration, Instant};

use symbolon::appliance::{
    Fault, ROOM_BEHIND, Request, Response, Status, open_frame, read, room_before, seal_frame, write,
};
use zeroize::Zeroizing;

use crate::{
    Error,
    line::{LONGEST_REQUEST, Line},
};

/// A message that came back. Values may be in it.
pub(crate) type Message = Zeroizing<Vec<u8>>;

/// A line with numbers on what goes and comes.
pub(crate) struct Exchange {
    line: Line,
    last_id: u16,
    timeout: Duration,
}

/// What came of waiting.
enum Came {
    Answer(Message),
    /// The device says that it got no frame, or one that is too long for it.
    Refused(Fault),
    /// Something that is no frame.
    Damaged,
    Nothing,
}

/// What getting in step has shown.
struct InStep {
    status: Message,
    /// The answer that was waited for before.
    late: Option<Message>,
    /// Something that was sent before it was no frame to the device.
    refused: Option<Fault>,
}

impl Exchange {
    pub(crate) const fn new(line: Line, timeout: Duration) -> Self {
        Self { line, last_id: 0, timeout }
    }

    /// How it is; with a first request, or after an error.
    pub(crate) fn status(&mut self) -> Result<Status, Error> {
        let message = self.get_in_step(0)?.status;
        match read(&message) {
            Ok(Response::Status(status)) => Ok(status),
            Ok(Response::Fault(code)) => Err(Fault::from_code(code).map_or(Error::Unexpected, Error::Fault)),
            _ => Err(Error::Unexpected),
        }
    }

    /// Asks, and gives what is answered.
    pub(crate) fn ask(&mut self, request: &Request<'_>) -> Result<Message, Error> {
        let mut message = Zeroizing::new(vec![0; LONGEST_REQUEST]);
        let len = write(request, &mut message).map_err(|_| Error::TooLong)?;
        self.ask_message(message.get(..len).unwrap_or_default())
    }

    /// The same with a message as it stands.
    pub(crate) fn ask_message(&mut self, message: &[u8]) -> Result<Message, Error> {
        let mut repeated = false;
        loop {
            let id = self.send(message)?;
            let came = self.wait_for(id, Instant::now() + self.timeout)?;
            let was_refused = match came {
                Came::Answer(message) => return Ok(message),
                Came::Refused(fault) => Some(fault),
                Came::Damaged | Came::Nothing => None,
            };
            let InStep { late, refused, .. } = self.get_in_step(id)?;
            match (late, was_refused.or(refused)) {
                (Some(message), _) => return Ok(message),
                (None, None) => return Err(Error::AnswerLost),
                (None, Some(_)) if !repeated => repeated = true,
                (None, Some(Fault::TooLong)) => return Err(Error::TooLong),
                (None, Some(_)) => return Err(Error::Noisy),
            }
        }
    }

    /// Ends whatever is on the line, and waits for the answer to a question about the device's state.
    fn get_in_step(&mut self, waiting: u16) -> Result<InStep, Error> {
        let (mut late, mut noise, mut status) = (None, false, [0; 8]);
        let len = write(&Request::Status, &mut status).map_err(|_| Error::Unexpected)?;
        for _ in 0..ATTEMPTS {
            self.line.send(&[0])?;
            let id = self.send(status.get(..len).unwrap_or_default())?;
            let (until, mut refused) = (Instant::now() + self.timeout / ATTEMPTS, None);
            loop {
                match self.wait_for_either(id, waiting, until)? {
                    (_, Came::Nothing) => break,
                    (at, Came::Answer(status)) if at == id => return Ok(InStep { status, late, refused }),
                    (_, Came::Answer(message)) => late = Some(message),
                    // Only where this question came through is it sure that not it is what was refused.
                    (_, Came::Refused(fault)) => (refused, noise) = (Some(fault), true),
                    (_, Came::Damaged) => noise = true,
                }
            }
        }
        Err(if noise { Error::Noisy } else { Error::NoAnswer(self.timeout) })
    }

    fn wait_for(&mut self, id: u16, until: Instant) -> Result<Came, Error> {
        self.wait_for_either(id, id, until).map(|(_, came)| came)
    }

    /// Answers to what was asked earlier are passed over.
    fn wait_for_either(&mut self, id: u16, other: u16, until: Instant) -> Result<(u16, Came), Error> {
        while let Some(mut frame) = self.line.receive(until)? {
            let Ok(received) = open_frame(&mut frame) else { return Ok((0, Came::Damaged)) };
            let at = received.id;
            if let Some(fault) = refusal(received.message).filter(|_| at == 0) {
                return Ok((0, Came::Refused(fault)));
            }
            if at != 0 && (at == id || at == other) {
                return Ok((at, Came::Answer(Zeroizing::new(received.message.to_vec()))));
            }
        }
        Ok((0, Came::Nothing))
    }

    /// Sends a message under the next number.
    fn send(&mut self, message: &[u8]) -> Result<u16, Error> {
        // Zero is what the device says where it can't tell a number.
        self.last_id = self.last_id.wrapping_add(1).max(1);
        let mut buffer = Zeroizing::new(Vec::new());
        let frame = frame(message, self.last_id, &mut buffer).ok_or(Error::TooLong)?;
        if frame.len() > LONGEST_REQUEST + 1 {
            return Err(Error::TooLong);
        }
        self.line.send(frame)?;
        Ok(self.last_id)
    }
}

/// The frame of a message, zero byte included.
pub(crate) fn frame<'b>(message: &[u8], id: u16, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]> {
    let start = room_before(message.len());
    buffer.clear();
    // At once: a buffer that grows leaves copies behind.
    buffer.reserve(start + message.len() + ROOM_BEHIND);
    buffer.resize(start, 0);
    buffer.extend_from_slice(message);
    buffer.resize(start + message.len() + ROOM_BEHIND, 0);
    let len = seal_frame(buffer, id, start, message.len())?;
    buffer.get(..len)
}

/// What is said of frames that could not be read.
fn refusal(message: &[u8]) -> Option<Fault> {
    let is = |fault: &Fault| read(message) == Ok(Response::Fault(fault.code()));
    [Fault::BadFrame, Fault::TooLong].into_iter().find(is)
}

/// How often a device is asked how it is before it is given up.
const ATTEMPTS: u32 = 3;
