//! A [`Store`](symbolon::Store) on NOR flash: a log that power cuts can't break.
//!
//! [`FlashStore`] keeps a vault's trail and records on any flash that has a driver for `embedded-storage`, and needs neither a heap nor a
//! buffer of a sector's size.
//!
//! # What it promises
//! * `commit` is atomic and durable: after a power cut at any moment the whole batch is there, or nothing of it.
//! * What was committed stays; no record goes back to an earlier value; what was acknowledged does not come back.
//! * When a record of [`Table::Owner`](symbolon::Table::Owner), [`Table::TrailState`](symbolon::Table::TrailState) or
//!   [`Table::Device`](symbolon::Table::Device) is replaced, the earlier value is overwritten with zeros before `commit` returns; where
//!   the power goes meanwhile, [`FlashStore::open`] finishes that.
//! * [`FlashStore::wipe`] destroys everything, and once begun it is finished by `open`.
//! * A bit that flipped is noticed: the call fails, and no wrong value is handed out.
//! * When the flash fails during a change, the store refuses everything until it is opened again, for it can't know what the flash holds.
//!   Then open the host again as well. A flash that fails while reading changes nothing.
//!
//! # What it doesn't
//! * **No protection from somebody who rewrites the chip**: an older image of the flash is accepted. Values are stored as the core hands
//!   them over: an owner's secret can be read by whoever reads the chip.
//! * Flash that has an error-correcting code for each word can't be written twice, and is not supported: the trait `MultiwriteNorFlash`
//!   says so.
//! * Bit rot is detected, not corrected; a rotten marker of the very last commit can't be told from a power cut, and undoes that commit. If
//!   that replaced a secret, the earlier one is gone as well.
//! * A store belongs to its geometry: other sizes of sectors or words, and fewer places than it holds, are refused.
//! * It knows no owner of a surrogate: rows of the host's own for an owner who is erased are the host's to replace.
//!
//! # Wear
//! Sectors are used in turn, so all wear alike. A commit writes 118 bytes for an entry, 33 and the value for a record, 24 for itself; an
//! acknowledgement writes 24. A sector of 64 KiB so takes some 460 commits of one entry before one erase is needed, one of 4 KiB some 28;
//! what is alive and copied comes on top: give the store twice [`FlashStore::MIN_SECTORS`], and that is less than as much again.
//!
//! # Why a log of its own
//! `sequential-storage` and `ekv` are asynchronous, and neither commits records of a map and elements of a queue in one step.
//!
//! FORMAT.md draws every byte.
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

#[cfg(feature = "appliance")]
mod appliance;
mod apply;
mod collect;
mod error;
mod index;
mod item;
mod log;
mod medium;
mod open;
mod sector;
mod store;
mod wipe;

pub use error::FlashError;
pub use store::FlashStore;
