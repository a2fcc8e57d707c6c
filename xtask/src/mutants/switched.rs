/// Which mutant is on, for mutation testing: `cargo xtask mutants` puts this module into a copy of the core.
pub(crate) mod switched {
    extern crate std;
    use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::{env, fs::OpenOptions, io::Write};

    static ACTIVE: AtomicU32 = AtomicU32::new(UNREAD);
    static HEARD: [AtomicBool; MUTANTS] = [const { AtomicBool::new(false) }; MUTANTS];
    const UNREAD: u32 = u32::MAX;
    const LISTENING: u32 = u32::MAX - 1;

    #[inline]
    pub(crate) fn on(number: u32) -> bool {
        let active = ACTIVE.load(Ordering::Relaxed);
        active == number || (active >= LISTENING && read(number))
    }

    /// At the first question, what the environment says; where it says to listen, the mutants that are asked for are written down.
    #[cold]
    fn read(number: u32) -> bool {
        if ACTIVE.load(Ordering::Relaxed) == UNREAD {
            let active = env::var("SYMBOLON_MUTANT").ok().and_then(|text| text.parse().ok());
            ACTIVE.store(active.unwrap_or(LISTENING), Ordering::Relaxed);
            if active.is_some() {
                return active == Some(number);
            }
        }
        if !HEARD[number as usize].swap(true, Ordering::Relaxed)
            && let Some(path) = env::var_os("SYMBOLON_HEARD")
        {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.and_then(|mut file| file.write_all(std::format!("{number}\n").as_bytes())).expect("the list of mutants");
        }
        false
    }
}
