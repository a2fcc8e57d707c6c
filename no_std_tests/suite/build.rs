//! Tells the tests where the core's folder is.

use std::path::Path;

fn main() {
    // The tests read their vector files below the folder of the core's manifest, not of this one's.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let core = here.ancestors().nth(2).expect("this crate is two folders below the core");
    println!("cargo::rustc-env=CARGO_MANIFEST_DIR={}", core.display());
    println!("cargo::rerun-if-changed=build.rs");
}
