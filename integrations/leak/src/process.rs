//! The memory of a running process, on Linux.

use std::{
    fs::{self, File},
    io::{self, Read},
    ops::Range,
};

use crate::{Event, Look, Place, Scan};

impl<L: Look, T: FnMut(Event<'_, L::Item>)> Scan<'_, L, T> {
    /// Looks through what a process can write to: its heap, stacks and data. It runs on meanwhile, so that what it moves just
    /// then can be missed.
    ///
    /// # Errors
    /// There is no such process, or its memory may not be read: that is for its user with the right to trace it, or for root.
    pub fn process(&mut self, pid: u32) -> io::Result<()> {
        let place = Place::of(format!("process {pid}"));
        self.start(&place);
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let memory = File::open(format!("/proc/{pid}/mem"))?;
        let mut regions = 0;
        for (range, name) in maps.lines().filter_map(region) {
            let mut region = Region { memory: &memory, range };
            let place = place.within(if name.is_empty() { "memory" } else { name });
            let base = region.range.start;
            // What is not there to be read, such as a device's memory, is none of the process's data.
            if region.peek() {
                regions += 1;
                self.read(&mut region, &place, base, 0);
            }
        }
        self.report_read();
        if regions == 0 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "none of its memory can be read"));
        }
        Ok(())
    }
}

/// A line of `/proc/PID/maps`, if the region can be read and written: `7f00-7f01 rw-p 00000000 00:00 0  [heap]`.
fn region(line: &str) -> Option<(Range<u64>, &str)> {
    let mut words = line.splitn(6, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let range = u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?;
    let writable = words.next()?.starts_with("rw");
    writable.then(|| (range, words.nth(3).unwrap_or_default().trim()))
}

/// What is left of a region.
struct Region<'m> {
    memory: &'m File,
    range: Range<u64>,
}

impl Region<'_> {
    #[cfg(unix)]
    fn read_here(&self, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self.memory, buffer, self.range.start)
    }

    #[cfg(not(unix))]
    fn read_here(&self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn peek(&self) -> bool {
        self.read_here(&mut [0]).is_ok_and(|read| read == 1)
    }
}

impl Read for Region<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        let read = self.read_here(&mut buffer[..len])?;
        self.range.start += read as u64;
        Ok(read)
    }
}
