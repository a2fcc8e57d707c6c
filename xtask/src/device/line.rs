//! The raw serial line, and all that may come over it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use symbolon::appliance::{Fault, ROOM_BEHIND, Request, Response, open_frame, read, room_before, seal_frame, write};

use crate::Outcome;

/// The line without the client's care.
pub(crate) struct RawLine {
    stream: TcpStream,
    inbox: Vec<u8>,
}

impl RawLine {
    pub(crate) fn open(place: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(place)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(100)))?;
        Ok(Self { stream, inbox: Vec::new() })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Outcome {
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next frame's id and message.
    pub(crate) fn receive(&mut self) -> Outcome<(u16, Vec<u8>)> {
        let mut frame = self.receive_frame()?;
        let received = open_frame(&mut frame).map_err(|(_, fault)| format!("the appliance sent no frame: {fault}"))?;
        Ok((received.id, received.message.to_vec()))
    }

    /// The fault that is answered to these bytes.
    pub(crate) fn fault_of(&mut self, bytes: &[u8]) -> Outcome<(u16, Fault)> {
        self.send(bytes)?;
        let (id, message) = self.receive()?;
        match read(&message) {
            Ok(Response::Fault(code)) => Ok((id, Fault::from_code(code).ok_or("an unknown fault")?)),
            other => Err(format!("an answer that is no fault: {other:?}").into()),
        }
    }

    /// Whether it goes on: it answers the question how it is, and nothing before.
    pub(crate) fn is_in_step(&mut self, id: u16) -> Outcome {
        self.send(&status_frame(id)?)?;
        let (found, message) = self.receive()?;
        match read(&message) {
            Ok(Response::Status(status)) if found == id && status.healthy => Ok(()),
            other => Err(format!("no status, or another's: {found}, {other:?}").into()),
        }
    }

    /// All answers until none has come for a moment.
    pub(crate) fn drain(&mut self) -> Outcome<usize> {
        let mut count = 0;
        let mut quiet_since = Instant::now();
        while quiet_since.elapsed() < QUIET {
            if self.fill()? {
                quiet_since = Instant::now();
            }
            count += self.inbox.iter().filter(|byte| **byte == 0).count();
            self.inbox.clear();
        }
        Ok(count)
    }

    fn receive_frame(&mut self) -> Outcome<Vec<u8>> {
        let start = Instant::now();
        loop {
            if let Some(end) = self.inbox.iter().position(|byte| *byte == 0) {
                let mut frame: Vec<u8> = self.inbox.drain(..=end).collect();
                frame.pop();
                return Ok(frame);
            }
            if start.elapsed() > PATIENCE {
                return Err("the appliance gave no answer".into());
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Outcome<bool> {
        let mut bytes = [0; 1024];
        match self.stream.read(&mut bytes) {
            Ok(0) => Err("the line was closed".into()),
            Ok(len) => {
                self.inbox.extend(bytes.iter().take(len));
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The question how it is, as a frame.
pub(crate) fn status_frame(id: u16) -> Outcome<Vec<u8>> {
    let mut message = [0; 8];
    let len = write(&Request::Status, &mut message).map_err(|fault| fault.to_string())?;
    frame(id, message.get(..len).unwrap_or_default())
}

/// A message in a frame.
pub(crate) fn frame(id: u16, message: &[u8]) -> Outcome<Vec<u8>> {
    let start = room_before(message.len());
    let mut buffer = vec![0; start];
    buffer.extend(message);
    buffer.extend([0; ROOM_BEHIND]);
    let len = seal_frame(&mut buffer, id, start, message.len()).ok_or("no room for a frame")?;
    buffer.truncate(len);
    Ok(buffer)
}

const PATIENCE: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_millis(700);
