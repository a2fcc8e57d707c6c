//! symbolon inside an asynchronous server.
//!
//! The core never waits: its calls stage what must be remembered and hold the outcome. The [`Desk`] here does the waiting. Requests
//! take its lock for the microseconds of a call, and then await, without any lock, the receipt that releases their outcome. One
//! task commits what all of them staged meanwhile with one `fsync`.

mod desk;
mod log;

pub use desk::{Desk, ServerHost};
pub use log::{Log, LogStore, Server};
