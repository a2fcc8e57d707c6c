//! Finds symbolon's tokens in whatever leaked, and protected values that still lie about in clear.
//!
//! - [`Tokens`] looks for tokens: *is this leak ours?* A [`ScannerKey`](symbolon::ScannerKey) then tells whose they are.
//! - [`Values`] looks for given values: *does plaintext still lie about?*
//! - [`Scan`] takes either through files, folders, archives, streams and the memory of processes, and through what people and programs
//!   wrap text in: percent encoding, HTML references, JSON escapes, quoted-printable, broken lines, base64, UTF-16, gzip, zip, zstd, tar;
//!   one inside the other, to a bounded depth and a bounded size.
//! - [`control`] puts a marker through every one of these with encoders of its own. "Nothing found" means something only where
//!   the marker was.
//!
//! ```
//! use symbolon_leak::*;
//!
//! let mut seen = Vec::new();
//! let values = Values::new([b"hanako@example.com".as_slice()]).unwrap();
//! let mut scan = Scan::new(&values, Options::default(), |event: Event<'_, Match>| {
//!     if let Event::Found(found) = event {
//!         seen.push((found.offset, found.codings.to_vec()));
//!     }
//! });
//! scan.stream(&mut b"to=hanako%40example.com".as_slice(), &Place::of("a pipe"));
//! assert_eq!(seen, [(3, vec![Coding::Percent])]);
//! ```
//!
//! What comes in is a stranger's: no length in it is trusted, and what is not in memory already is read in chunks.

#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
#![warn(clippy::all, clippy::missing_errors_doc, clippy::must_use_candidate, clippy::mod_module_files)]

mod coding;
mod container;
pub mod control;
mod look;
mod options;
mod peel;
mod place;
mod process;
mod stream;
mod tokens;
mod values;
mod walk;
mod window;

pub use coding::{Coding, Codings};
pub use look::{Focus, Look};
pub use options::Options;
pub use place::{Event, Found, Place, Problem};
pub use stream::Scan;
pub use tokens::Tokens;
pub use values::{Match, Values};
