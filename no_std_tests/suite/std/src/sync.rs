//! What threads share, for a board with one: it never waits.

use core::cell::{LazyCell, RefCell, RefMut};
use core::convert::Infallible;
use core::ops::Deref;

pub use alloc::sync::{Arc, Weak};

/// Atomic numbers.
pub mod atomic {
    pub use core::sync::atomic::*;
    pub use portable_atomic::{AtomicI64, AtomicU64};
}

/// A value that one thread uses at a time.
#[derive(Debug, Default)]
pub struct Mutex<T>(RefCell<T>);

// SAFETY: the board has one thread, and its only interrupt is the one that ends the program.
unsafe impl<T> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// Holds `value`.
    pub const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// The value, until the guard is dropped.
    ///
    /// # Errors
    ///
    /// None: a panic ends the program, so no value is left half changed.
    ///
    /// # Panics
    ///
    /// If it is locked already: the one thread would wait for itself.
    pub fn lock(&self) -> Result<RefMut<'_, T>, Infallible> {
        Ok(self.0.borrow_mut())
    }
}

/// A value that is made when it is first used.
#[derive(Debug)]
pub struct LazyLock<T>(LazyCell<T>);

// SAFETY: as for `Mutex`.
unsafe impl<T> Sync for LazyLock<T> {}

impl<T> LazyLock<T> {
    /// `make` will be called once at most.
    pub const fn new(make: fn() -> T) -> Self {
        Self(LazyCell::new(make))
    }
}

impl<T> Deref for LazyLock<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
