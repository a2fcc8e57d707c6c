//! The host's side of a symbolon appliance: a device that keeps the keys, at the other end of a serial line or of TCP.
//!
//! ```no_run
//! use symbolon::{Field, Item, Principal};
//! use symbolon_device::{Address, Device, Error, OWN, Value};
//!
//! # fn try_it(credential: symbolon::Credential, key: symbolon::SessionKey) -> Result<(), Error> {
//! let mut device = Device::connect(&Address::parse("/dev/ttyACM0")?)?;
//! let alice = Principal::person("shop-17", "alice")?;
//! let mut session = device.in_session(&credential, &key);
//! let tokens = session.tokenize(&alice, false, &[Value::of(Field::EMAIL, b"alice@example.com")])?;
//! let items: Vec<Item<'_>> = tokens.iter().map(|token| Item::of(token.as_token())).collect();
//! // The device answers with noise; the values are opened here, with the session key.
//! let values = session.reveal(&OWN, &items)?;
//! # Ok(())
//! # }
//! ```
//!
//! One request is outstanding at a time. What the line damages is noticed and sent again once where that is safe; otherwise it is an error.
//! Nobody but the device is trusted with anything, and nothing between is: SPEC.md section 17.

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

mod address;
mod batch;
mod device;
mod error;
mod exchange;
mod in_session;
mod line;
mod relay;
mod role;

pub use address::Address;
pub use device::{Device, Notice};
pub use error::Error;
pub use in_session::{InSession, OWN, Value};
pub use relay::Relay;
pub use role::{Auditor, Initial, Issue, Issuer, Officer};
