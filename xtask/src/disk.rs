//! How full the disk is that is built on: what fails for want of room says so in the middle of a linker's message, if at all.

use std::path::Path;

/// What to tell of a failure in this folder, where want of room may be why.
pub(crate) fn advice(folder: &Path) -> Option<String> {
    // statvfs(3). A build that failed has removed what it didn't finish, so there is room again.
    let disk = rustix::fs::statvfs(folder).ok()?;
    advice_of(disk.f_bavail.checked_mul(disk.f_frsize)?)
}

fn advice_of(free: u64) -> Option<String> {
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let words = || format!("the disk has {} left, and all steps together take {}", gigabytes(free), gigabytes(WHOLE));
    (free < NEARLY_NONE).then(words)
}

/// Less than what one linker's and one compiler's files may take at once.
const NEARLY_NONE: u64 = 2_000_000_000;
/// What a clean checkout has grown to when `.ci/run` is done.
const WHOLE: u64 = 5_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_of() {
        assert_eq!(advice_of(300_000_000_000), None);
        let told = advice_of(300_000_000).unwrap();
        assert!(told.starts_with("the disk has 0.3 GB left"), "{told}");
    }

    /// It is asked of a folder that there is: whether it has room or not, no error.
    #[test]
    fn this_disk_is_read() {
        assert!(rustix::fs::statvfs(env!("CARGO_MANIFEST_DIR")).is_ok_and(|disk| disk.f_frsize > 0));
    }
}
