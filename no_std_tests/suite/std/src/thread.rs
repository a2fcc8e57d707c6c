//! Threads, for a board with one: spawned work runs at once. A test of how threads interleave tests nothing here; it is left out.

use core::cell::{Cell, RefCell};
use core::marker::PhantomData;

/// A variable of the one thread.
#[derive(Debug)]
pub struct LocalKey<T>(T);

// SAFETY: the board has one thread, and its only interrupt is the one that ends the program.
unsafe impl<T> Sync for LocalKey<T> {}

impl<T> LocalKey<T> {
    /// For `thread_local!`.
    #[doc(hidden)]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Lends the variable to `work`.
    pub fn with<R>(&'static self, work: impl FnOnce(&T) -> R) -> R {
        work(&self.0)
    }
}

impl<T> LocalKey<Cell<T>> {
    /// Puts a value in.
    pub fn set(&'static self, value: T) {
        self.0.set(value);
    }

    /// The value.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.0.get()
    }

    /// Takes the value, and leaves the default.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.0.take()
    }
}

impl<T> LocalKey<RefCell<T>> {
    /// Puts a value in.
    pub fn set(&'static self, value: T) {
        self.0.replace(value);
    }

    /// Lends the value to `work`, to be changed.
    pub fn with_borrow_mut<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.borrow_mut())
    }
}

/// Where threads are spawned that end with it.
#[derive(Debug)]
pub struct Scope<'scope>(PhantomData<&'scope ()>);

impl<'scope> Scope<'scope> {
    /// Does the work now.
    pub fn spawn<T: 'scope>(&self, work: impl FnOnce() -> T + 'scope) {
        work();
    }
}

/// Calls `work` with a scope.
pub fn scope<'scope, T>(work: impl FnOnce(&Scope<'scope>) -> T) -> T {
    work(&Scope(PhantomData))
}

/// There is no other thread to go on.
pub fn yield_now() {}
