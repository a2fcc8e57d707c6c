//! What a host with an operating system adds to the core.
//!
//! - [`audit`]: verifies the audit trail's logs, answers owners, counts what an incident's report asks for. For the auditor, with the audit key.
//! - [`registry`]: a [`Store`](symbolon::Store) on disk. The audit trail is a file that only grows; records, index rows and surrogates
//!   are in an embedded database; a batch is kept whole or not at all, wherever the power goes.
//! - [`normalise`]: one spelling for a value that was typed in many ways, so that a blind index finds it. Versioned.
//! - [`surrogate`]: 16 digits in place of a token, for columns that are too narrow for one.
//!
//! Nothing here opens a value: that takes a session, which only the core makes.

#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason
    )
)]
#![warn(clippy::all, clippy::missing_errors_doc, clippy::must_use_candidate, clippy::mod_module_files)]

pub mod audit;
pub mod normalise;
pub mod registry;
pub mod surrogate;
