//! Collections: those of `alloc`, and the hashed ones.

pub use alloc::collections::*;
pub use hashbrown::{HashMap, HashSet, hash_map, hash_set};
