//! Macros that only the standard library has.

/// Variables of each thread. There is one.
#[macro_export]
macro_rules! thread_local {
    ($($(#[$meta:meta])* $visible:vis static $name:ident: $type:ty = const $value:block;)*) => {
        $($(#[$meta])* $visible static $name: $crate::thread::LocalKey<$type> = $crate::thread::LocalKey::new($value);)*
    };
}

/// What has a module of the same name.
pub(crate) mod of_core {
    pub use core::panic;
}
