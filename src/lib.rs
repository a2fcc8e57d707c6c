//! symbolon.
#![no_std]

mod authenticate;
mod base64url;
mod credential;
mod entry;
mod error;
mod field;
mod held;
mod host;
mod issuer;
mod keyring;
mod keys;
mod label;
mod plaintext;
mod prf;
mod principal;
mod proof;
mod replay;
mod reveal;
mod seal;
mod session;
mod store;
mod time;
mod token;
mod trail;
mod vault;

pub use credential::{Credential, MAX_CREDENTIAL_LEN, Purposes, Rights, SessionId};
pub use entry::{Entry, Event, Reason, Recorded, TokenHead};
pub use error::Error;
pub use field::Field;
pub use held::Held;
pub use host::{Environment, Host, Parts, Ticket};
pub use issuer::{Issuer, MAX_ISSUER_LEN, Terms, Verified};
pub use keyring::{Keyring, MAX_EPOCHS, MAX_KEYRING_LEN};
pub use plaintext::Plaintext;
pub use principal::{Kind, MAX_ID_LEN, Principal};
pub use proof::{PROOF_LEN, Proof, SessionKey};
pub use reveal::{Item, MAX_ITEMS, Reply, SealedReply, reply_len};
pub use seal::MAX_OPEN_LEN;
pub use session::{Request, Session};
pub use store::{Batch, MAX_RECORD_LEN, MemoryStore, Record, RecordKey, Store, StoreError, Table};
pub use time::Time;
pub use token::{Class, MAX_TEXT_LEN, MAX_TOKEN_LEN, OVERHEAD, TEXT_PREFIX, Token, TokenBuf};
pub use trail::{AUDIT_KEY_LEN, AuditKey, ENTRY_LEN, Receipt, SealedEntry, TrailReader};
pub use vault::{Config, Vault};
