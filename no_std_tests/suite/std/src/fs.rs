//! Files of the host: only reading.

use alloc::{ffi::CString, string::String, vec::Vec};

use semihosting::io::{self, ErrorKind, Read};

/// The whole of a text file.
///
/// # Errors
///
/// That the file can't be read, or isn't UTF-8.
pub fn read_to_string(path: impl AsRef<str>) -> io::Result<String> {
    let path = CString::new(path.as_ref()).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    let mut file = semihosting::fs::File::open(&path)?;
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            length => bytes.extend_from_slice(&piece[..length]),
        }
    }
    String::from_utf8(bytes).map_err(|_| ErrorKind::InvalidData.into())
}
