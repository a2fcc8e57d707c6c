#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms)]
// No panic on any input: whatever could is refused by lint, and an exception carries its proof. Tests fail by panicking.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason
    )
)]
#![warn(clippy::all, clippy::missing_errors_doc, clippy::must_use_candidate, clippy::mod_module_files)]

mod access;
mod aead;
mod alarm;
#[cfg(feature = "appliance")]
pub mod appliance;
mod attribution;
mod authenticate;
mod base64url;
mod by_epoch;
mod bytes;
mod canary;
mod card;
mod checkpoint;
mod credential;
mod entry;
mod error;
mod field;
mod grant;
mod held;
mod host;
mod index;
mod issuer;
mod keyring;
mod keys;
mod label;
mod mask;
mod owner;
mod plaintext;
mod prf;
mod principal;
mod proof;
mod purpose;
mod random;
mod replay;
mod reseal;
mod reveal;
mod rewrite;
mod scan;
mod scanner_key;
mod seal;
mod sealer;
mod session;
mod slot;
mod stop;
mod store;
mod time;
mod token;
mod trail;
mod upkeep;
mod vault;
#[cfg(test)]
mod vectors;
mod watch;

pub use access::Access;
pub use alarm::{Alarm, Cause, Limit, Limits, Reaction};
pub use attribution::Attribution;
pub use card::names_security_code;
pub use checkpoint::Checkpoint;
pub use credential::{Credential, Rights, SessionId};
pub use entry::{Entry, Event, Reason, Recorded, TokenHead};
pub use error::Error;
pub use field::Field;
pub use grant::{Grant, GrantTerms};
pub use held::{Held, Outcome};
pub use host::{Environment, Host, Parts, Ticket};
pub use index::{Index, Indexer, Lookup};
pub use issuer::{Issuer, Terms, Verified};
pub use keyring::Keyring;
pub use plaintext::Plaintext;
pub use principal::{Kind, Principal};
pub use proof::{Proof, SessionKey};
pub use purpose::{Purpose, Purposes, View};
pub use random::CheckedRng;
pub use reseal::Resealed;
pub use reveal::{Item, Reply, SealedReply, reply_len};
pub use rewrite::{Rewriter, Stopped};
pub use scan::{Format, Place, Scanner, Sink};
pub use scanner_key::ScannerKey;
pub use sealer::Sealer;
pub use session::{Request, Session};
pub use slot::Slot;
pub use store::{Batch, MemoryStore, Record, RecordKey, Store, StoreError, Table};
pub use time::Time;
pub use token::{Class, Token, TokenBuf};
pub use trail::{AuditKey, Receipt, SealedEntry, TrailReader};
pub use vault::{Config, Vault};

// Sizes, by the names that the modules know them by; outside they are associated constants.
pub(crate) use mask::MASK_LEN;
pub(crate) use principal::MAX_ID_LEN;
pub(crate) use seal::MAX_OPEN_LEN;
pub(crate) use store::MAX_RECORD_LEN;
pub(crate) use token::{MAX_TEXT_LEN, MAX_TOKEN_LEN, TEXT_PREFIX};
