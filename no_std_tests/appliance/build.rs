//! Links the images as firmware: cortex-m-rt's layout, and no padding to pages that a microcontroller doesn't have.

fn main() {
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
    // For the panic list: who refers to what stays on record, outside of what is loaded.
    println!("cargo:rustc-link-arg-bins=--emit-relocs");
    println!("cargo:rerun-if-changed=build.rs");
}
