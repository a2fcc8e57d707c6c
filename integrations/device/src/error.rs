//! What can go wrong between a host and its device.

use std::{fmt, io, time::Duration};

use symbolon::appliance::Fault;

/// What can go wrong between a host and its device.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Not an address: what was given.
    Address(String),
    /// The line can't be opened: its address, and why.
    Connect(String, io::Error),
    /// The line broke.
    Line(io::Error),
    /// The device doesn't answer, for so long.
    NoAnswer(Duration),
    /// What came back was damaged or got lost. It may have been done: ask for the device's state before doing it again.
    AnswerLost,
    /// Requests arrive damaged, again and again.
    Noisy,
    /// What answers is no appliance of this version, or answers something else than was asked for.
    Unexpected,
    /// The device has no clock that works, and opens nothing without.
    NoClock,
    /// One piece is longer than the device takes in a request, or gives in an answer.
    TooLong,
    /// The device did not do it.
    Fault(Fault),
    /// What the client's own half said.
    Core(symbolon::Error),
}

impl Error {
    /// The device's reason, where it has given one.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Fault(fault) => Some(*fault),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(given) => {
                write!(f, "{given:?} is no device's address: tcp:HOST:PORT, or the path of a serial line")
            }
            Self::Connect(address, _) => write!(f, "can't reach the device at {address}"),
            Self::Line(_) => f.write_str("the line to the device broke"),
            Self::NoAnswer(time) => write!(
                f,
                "the device has not answered for {} s: is it on, is this its line, and is nobody else using it?",
                time.as_secs_f64()
            ),
            Self::AnswerLost => f.write_str(
                "the device's answer was damaged on the line. It may have been done: look at its state before doing it again",
            ),
            Self::Noisy => f.write_str("requests arrive damaged at the device, again and again: check the line"),
            Self::Unexpected => f.write_str("what answers is not a symbolon appliance of this version"),
            Self::NoClock => f.write_str("the device has no clock that works, and nothing opens without one"),
            Self::TooLong => f.write_str("this is longer than the device takes in one request"),
            Self::Fault(fault) => write!(f, "the device refused: {fault}"),
            Self::Core(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(_, error) | Self::Line(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<symbolon::Error> for Error {
    fn from(error: symbolon::Error) -> Self {
        Self::Core(error)
    }
}
