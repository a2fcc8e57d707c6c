//! A device, and how it is.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime},
};

use symbolon::{
    Time,
    appliance::{Fault, Request, Response, Status, read},
};

use crate::{
    Address, Error,
    exchange::{Exchange, Message},
    line::Line,
};

/// A device at the other end of a line.
pub struct Device {
    exchange: Exchange,
    status: Status,
    asked: Instant,
    /// Its clock's milliseconds ahead of ours.
    ahead: i128,
    /// A proof was accepted on this line.
    pub(crate) is_warm: bool,
    notice: Box<dyn FnMut(Notice) + Send>,
}

/// What somebody who waits may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The device has just started, and takes no proofs of that moment: it is asked again in so long.
    JustStarted(Duration),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JustStarted(time) => write!(
                f,
                "the device refused the session. It does so for two seconds after its start: trying once more in {:.1} s",
                time.as_secs_f64()
            ),
        }
    }
}

impl Device {
    /// How long an answer may take unless said otherwise.
    pub const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

    /// Opens the line, gets in step, and asks how the device is.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::NoAnswer`], [`Error::Unexpected`]
    pub fn connect(address: &Address) -> Result<Self, Error> {
        Self::connect_within(address, Self::USUAL_TIMEOUT)
    }

    /// The same with answers that may take so long.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_within(address: &Address, timeout: Duration) -> Result<Self, Error> {
        let mut exchange = Exchange::new(Line::open(address, timeout)?, timeout);
        let (before, asked) = (millis(), Instant::now());
        let status = exchange.status()?;
        let ahead = ahead(&status, before, asked);
        Ok(Self { exchange, status, asked, ahead, is_warm: false, notice: Box::new(|_| {}) })
    }

    /// Who is told what there is to tell.
    pub fn tell(&mut self, notice: impl FnMut(Notice) + Send + 'static) {
        self.notice = Box::new(notice);
    }

    /// Asks how it is.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] and the line's.
    pub fn status(&mut self) -> Result<Status, Error> {
        let (before, asked) = (millis(), Instant::now());
        self.status = self.exchange.status()?;
        self.ahead = ahead(&self.status, before, asked);
        self.asked = asked;
        Ok(self.status)
    }

    /// How it was when it was asked last.
    #[must_use]
    pub const fn last_status(&self) -> &Status {
        &self.status
    }

    /// Has it test itself: one bit for each part that passed, [`SELF_TEST`](symbolon::appliance::SELF_TEST) is all of them.
    ///
    /// # Errors
    /// [`Error::Fault`] and the line's.
    pub fn self_test(&mut self) -> Result<u8, Error> {
        let message = self.ask(&Request::SelfTest)?;
        match response(&message)? {
            Response::SelfTest(parts) => Ok(parts),
            _ => Err(Error::Unexpected),
        }
    }

    /// The device's time, by our clock and what lies between the two.
    ///
    /// # Errors
    /// [`Error::NoClock`]
    pub fn now(&mut self) -> Result<Time, Error> {
        if self.asked.elapsed() > CLOCKS_AGREE {
            self.status()?;
        }
        if self.status.time.is_none() {
            // It may have been set since.
            self.status()?.time.ok_or(Error::NoClock)?;
        }
        u64::try_from(i128::from(millis()) + self.ahead).map(Time::from_millis).map_err(|_| Error::NoClock)
    }

    pub(crate) fn ask(&mut self, request: &Request<'_>) -> Result<Message, Error> {
        self.exchange.ask(request)
    }

    pub(crate) fn challenge(&mut self) -> Result<[u8; 16], Error> {
        let message = self.ask(&Request::Challenge)?;
        match response(&message)? {
            Response::Challenge(challenge) => Ok(challenge),
            _ => Err(Error::Unexpected),
        }
    }

    pub(crate) fn note(&mut self, notice: Notice) {
        (self.notice)(notice);
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What a message says; a fault is an error.
pub(crate) fn response(message: &[u8]) -> Result<Response<'_>, Error> {
    match read(message).map_err(|_| Error::Unexpected)? {
        Response::Fault(code) => Err(Fault::from_code(code).map_or(Error::Unexpected, Error::Fault)),
        response => Ok(response),
    }
}

/// The bytes that a message carries.
pub(crate) fn bytes_of(message: &[u8]) -> Result<Message, Error> {
    match response(message)? {
        Response::Bytes(bytes) => Ok(Message::new(bytes.to_vec())),
        _ => Err(Error::Unexpected),
    }
}

/// A message that says that it is done.
pub(crate) fn done(message: &[u8]) -> Result<(), Error> {
    match response(message)? {
        Response::Done => Ok(()),
        _ => Err(Error::Unexpected),
    }
}

/// The device's clock ahead of ours; the answer was made half-way between question and now.
fn ahead(status: &Status, before: u64, asked: Instant) -> i128 {
    let half = i128::try_from(asked.elapsed().as_millis() / 2).unwrap_or_default();
    status.time.map_or(0, |time| i128::from(time) - i128::from(before) - half)
}

/// Ours.
fn millis() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Two clocks run apart by less than proofs allow, for as long.
const CLOCKS_AGREE: Duration = Duration::from_secs(60);
