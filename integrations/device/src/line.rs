//! The line: bytes in and out, with a limit in time.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use symbolon::appliance::FrameReader;
use zeroize::{Zeroize, Zeroizing};

use crate::{Address, Error};

/// The longest answer that is read. Devices give less.
pub(crate) const LONGEST_ANSWER: usize = 16 << 10;

/// The longest request, its zero byte not counted: the room that a device has for frames.
pub(crate) const LONGEST_REQUEST: usize = 1536;

/// What bytes go through.
pub(crate) trait Wire: Read + Write + Send {
    /// How long reading may wait.
    fn wait(&mut self, time: Duration) -> io::Result<()>;
}

impl Wire for TcpStream {
    fn wait(&mut self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))
    }
}

impl Wire for Box<dyn serialport::SerialPort> {
    fn wait(&mut self, time: Duration) -> io::Result<()> {
        self.set_timeout(time).map_err(io::Error::from)
    }
}

/// A line, and what has been read of the next frame.
pub(crate) struct Line {
    wire: Box<dyn Wire>,
    reader: Box<FrameReader<LONGEST_ANSWER>>,
    inbox: Zeroizing<Vec<u8>>,
    read: usize,
}

impl Line {
    pub(crate) fn open(address: &Address, timeout: Duration) -> Result<Self, Error> {
        let wire = open_wire(address, timeout).map_err(|error| Error::Connect(address.to_string(), error))?;
        Ok(Self::over(wire))
    }

    /// Over a connection that is there.
    pub(crate) fn over(wire: Box<dyn Wire>) -> Self {
        Self { wire, reader: Box::default(), inbox: Zeroizing::new(Vec::new()), read: 0 }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.wire.write_all(bytes).and_then(|()| self.wire.flush()).map_err(Error::Line)
    }

    /// The next frame, without its zero byte; `None` where there is none until then. One that is too long comes as an empty one.
    pub(crate) fn receive(&mut self, until: Instant) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        loop {
            while let Some(byte) = self.inbox.get(self.read).copied() {
                self.read += 1;
                match self.reader.push(byte) {
                    Ok(None) => {}
                    Ok(Some(frame)) => {
                        let taken = Zeroizing::new(frame.to_vec());
                        frame.zeroize();
                        return Ok(Some(taken));
                    }
                    Err(_too_long) => return Ok(Some(Zeroizing::default())),
                }
            }
            if !self.fill(until)? {
                return Ok(None);
            }
        }
    }

    /// Reads what is there: whether anything was in time.
    fn fill(&mut self, until: Instant) -> Result<bool, Error> {
        self.read = 0;
        self.inbox.zeroize();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.wire.wait(left.max(SHORTEST_WAIT)).map_err(Error::Line)?;
            self.inbox.resize(PIECE, 0);
            match self.wire.read(&mut self.inbox) {
                Ok(0) => return Err(Error::Line(io::ErrorKind::UnexpectedEof.into())),
                Ok(len) => {
                    self.inbox.truncate(len);
                    return Ok(true);
                }
                Err(error) if is_slow(&error) => self.inbox.clear(),
                Err(error) => return Err(Error::Line(error)),
            }
        }
    }
}

fn is_slow(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

fn open_wire(address: &Address, timeout: Duration) -> io::Result<Box<dyn Wire>> {
    match address {
        Address::Tcp(place) => {
            let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for at in place.to_socket_addrs()? {
                match TcpStream::connect_timeout(&at, timeout) {
                    Ok(stream) => {
                        stream.set_nodelay(true)?;
                        stream.set_write_timeout(Some(timeout))?;
                        return Ok(Box::new(stream));
                    }
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
        Address::Serial(path, speed) => {
            // 8 bits, no parity, one stop bit, no flow control, raw: the crate's own defaults.
            let port = serialport::new(path.to_string_lossy(), *speed).timeout(timeout).open()?;
            Ok(Box::new(port))
        }
    }
}

/// Sockets refuse to wait for no time at all.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

const PIECE: usize = 4096;
