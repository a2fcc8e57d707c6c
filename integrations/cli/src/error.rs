//! What a failure is to whoever called the program: its exit code.
//!
//! Errors travel as [`anyhow::Error`]. The first cause in their chain that has an exit code decides, so that a message can be
//! wrapped in as many contexts as help the reader.

use std::{fmt, io, process::ExitCode};

/// The kinds of failure that a script may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The input is not what it must be: a file, a value, a schema, a token. Exit code 5.
    Input,
    /// Refused: wrong passphrase, a session that is not genuine, over, or of another keyring. Exit code 3.
    Denied,
    /// Something that is needed is missing, full or in use: the lock, the disk, the clock, the trail. Exit code 4.
    Unavailable,
    /// Done, but for some of the input, which was left as it is. Exit code 6.
    Partial,
}

impl Failure {
    /// An error of this kind, with a message for people. It must not contain a value or a key.
    pub(crate) fn because(self, message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Failed { kind: self, message: message.into() })
    }

    /// Its exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Denied => 3,
            Self::Unavailable => 4,
            Self::Input => 5,
            Self::Partial => 6,
        }
    }
}

/// A failure and what to say of it.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Its kind, and so the exit code.
    pub(crate) kind: Failure,
    /// For people.
    pub(crate) message: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failed {}

/// Prints an error for people and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if !is_closed_pipe(error) {
        eprintln!("symbolon: {error:#}");
    }
    ExitCode::from(code(error))
}

/// The exit code: that of the first cause that has one, otherwise 1.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    error.chain().find_map(code_of).unwrap_or(OTHER)
}

/// Whoever reads our output has stopped (`symbolon inspect … | head -1`): nothing to complain about.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.chain().filter_map(|cause| cause.downcast_ref()).any(closed)
}

fn code_of(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if let Some(failed) = cause.downcast_ref::<Failed>() {
        return Some(failed.kind.code());
    }
    if let Some(error) = cause.downcast_ref::<symbolon::Error>() {
        return kind_of(*error).map(Failure::code);
    }
    if cause.is::<symbolon::StoreError>() {
        return Some(Failure::Unavailable.code());
    }
    let full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    cause.downcast_ref::<io::Error>().filter(|error| full(error.kind())).map(|_| Failure::Unavailable.code())
}

/// What the core's errors are to the program's caller. A bug of ours (a buffer too small) stays "other".
const fn kind_of(error: symbolon::Error) -> Option<Failure> {
    use symbolon::Error;
    Some(match error {
        Error::Denied => Failure::Denied,
        Error::Unavailable | Error::RngFailed => Failure::Unavailable,
        Error::Malformed
        | Error::InvalidPrincipal
        | Error::InvalidField
        | Error::InvalidValue
        | Error::ForbiddenValue
        | Error::TooLong
        | Error::InvalidKeyring
        | Error::InvalidTerms => Failure::Input,
        _ => return None,
    })
}

const OTHER: u8 = 1;

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    /// The exit code is the innermost meaning, whatever context was added.
    #[test]
    fn codes_survive_context() {
        let wrapped = |error: anyhow::Error| code(&error.context("reading a file").context("protecting"));
        assert_eq!(wrapped(Failure::Input.because("line 3")), 5);
        assert_eq!(wrapped(Failure::Denied.because("no")), 3);
        assert_eq!(wrapped(anyhow!(symbolon::Error::Denied)), 3);
        assert_eq!(wrapped(anyhow!(symbolon::Error::Unavailable)), 4);
        assert_eq!(wrapped(anyhow!(symbolon::StoreError)), 4);
        assert_eq!(wrapped(anyhow!(symbolon::Error::BufferTooSmall)), 1);
        assert_eq!(wrapped(anyhow!("anything")), 1);
        let full: anyhow::Result<()> = Err(io::Error::from(io::ErrorKind::StorageFull)).context("writing");
        assert_eq!(code(&full.unwrap_err()), 4);
    }
}
