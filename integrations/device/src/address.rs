//! Where a device is.

use std::{fmt, path::PathBuf};

use crate::Error;

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// `HOST:PORT`: a relay, or a device on a network.
    Tcp(String),
    /// A serial line or pseudo-terminal, and its speed in bits a second.
    Serial(PathBuf, u32),
}

impl Address {
    /// A serial line's speed unless said otherwise.
    pub const USUAL_SPEED: u32 = 115_200;

    /// `tcp:HOST:PORT`, or a path.
    ///
    /// ```
    /// # use symbolon_device::Address;
    /// assert_eq!(Address::parse("tcp:localhost:7017")?, Address::Tcp("localhost:7017".into()));
    /// assert_eq!(Address::parse("/dev/ttyACM0")?, Address::Serial("/dev/ttyACM0".into(), 115_200));
    /// assert!(Address::parse("tcp:localhost").is_err());
    /// # Ok::<(), symbolon_device::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Address`]
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = || Err(Error::Address(text.to_owned()));
        match text.strip_prefix("tcp:") {
            None if text.is_empty() => refuse(),
            None => Ok(Self::Serial(text.into(), Self::USUAL_SPEED)),
            Some(place) => match place.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(Self::Tcp(place.into())),
                _ => refuse(),
            },
        }
    }

    /// The same at another speed, where it is a serial line.
    #[must_use]
    pub fn with_speed(self, bits_a_second: u32) -> Self {
        match self {
            Self::Serial(path, _) => Self::Serial(path, bits_a_second),
            tcp @ Self::Tcp(_) => tcp,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(place) => write!(f, "tcp:{place}"),
            Self::Serial(path, _) => write!(f, "{}", path.display()),
        }
    }
}
