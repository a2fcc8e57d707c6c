//! What symbolon's fuzz targets do, as functions of bytes: each panics where a promise is broken. `fuzz/fuzz_targets` gives them to libFuzzer, and
//! the tests of this crate replay the committed corpora and every crash that was ever found.

pub mod alarm;
pub mod appliance;
pub mod credential;
pub mod frames;
pub mod grant;
pub mod grant_file;
pub mod keys;
pub mod messages;
pub mod model;
pub mod names;
pub mod promises;
pub mod proof;
pub mod protect;
pub mod registry;
pub mod reveal;
pub mod rewriter;
pub mod roles_file;
pub mod schema;
pub mod session_file;
pub mod show;
pub mod token;
pub mod trail;
pub mod values;
mod world;

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: the module's, the program's and the corpus'.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        /// All of them.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $name::run, seeds: $name::seeds }),*];
    };
}

targets![
    alarm,
    appliance,
    credential,
    frames,
    grant,
    grant_file,
    keys,
    messages,
    model,
    names,
    proof,
    protect,
    registry,
    reveal,
    rewriter,
    roles_file,
    schema,
    session_file,
    show,
    token,
    trail,
    values
];
