//! Writes the inputs that the corpora begin with: `cargo run -p symbolon-fuzz-targets --example seeds [TARGET…]`.

use std::{fs, io, path::Path};

use symbolon_fuzz_targets::TARGETS;

fn main() -> io::Result<()> {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    for target in TARGETS.iter().filter(|target| chosen.is_empty() || chosen.iter().any(|name| name == target.name)) {
        let folder = corpora.join(target.name);
        fs::create_dir_all(&folder)?;
        // Nothing at all is what libFuzzer begins with anyway.
        for (number, seed) in (target.seeds)().into_iter().enumerate().filter(|(_, seed)| !seed.is_empty()) {
            fs::write(folder.join(format!("seed-{number:02}")), seed)?;
        }
    }
    Ok(())
}
