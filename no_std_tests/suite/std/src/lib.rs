//! In place of the standard library: what the core's tests use of it, on the emulated board.
//!
//! It is `core` and `alloc` under one name, and little more: a test that uses something else doesn't compile before it is added here.
#![no_std]
// The entry point of a program belongs to the standard library: `board::start` is it.
#![feature(lang_items)]
#![expect(internal_features, reason = "the lang items of the entry point")]

extern crate alloc;

mod board;
pub mod collections;
pub mod fs;
mod macros;
pub mod sync;
pub mod thread;

pub use alloc::{borrow, boxed, fmt, format, rc, slice, str, string, vec};
pub use core::{
    any, array, cell, char, clone, cmp, convert, default, error, hash, hint, iter, marker, mem, num, ops, option, pin,
    ptr, result, u8, u16, u32, u64, usize,
};

pub use core::{
    assert, assert_eq, assert_ne, cfg, column, concat, debug_assert, debug_assert_eq, debug_assert_ne, env, file,
    format_args, include_bytes, include_str, line, matches, module_path, option_env, stringify, todo, unimplemented,
    unreachable, write, writeln,
};
pub use semihosting::{eprint, eprintln, print, println};

// The macro; by a `*`, for the module of the name is below.
pub use macros::of_core::*;

/// Panics, for a board on which one is the end of the program.
pub mod panic {
    pub use core::panic::AssertUnwindSafe;

    /// Calls it. A test that is to catch a panic can't run here; it is left out.
    pub fn catch_unwind<R>(call: impl FnOnce() -> R) -> Result<R, core::convert::Infallible> {
        Ok(call())
    }
}

/// The time of the host.
pub mod time {
    pub use core::time::Duration;
    pub use semihosting::experimental::time::Instant;
}

/// Leaving the program.
pub mod process {
    pub use semihosting::process::exit;
}

/// What every module has without asking.
pub mod prelude {
    /// Of edition 2024.
    pub mod rust_2024 {
        pub use alloc::{
            borrow::ToOwned,
            boxed::Box,
            string::{String, ToString},
            vec::Vec,
        };
        pub use core::prelude::rust_2024::*;

        pub use crate::{eprint, eprintln, format, print, println, thread_local, vec};
    }
}
