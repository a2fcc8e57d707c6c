//! Files and folders.

use std::{
    fs::{self, File, FileType},
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
};

use walkdir::WalkDir;

use crate::{Coding, Event, Look, Place, Scan, container, stream::Budget};

impl<L: Look, T: FnMut(Event<'_, L::Item>)> Scan<'_, L, T> {
    /// Looks through a file, or all files in a folder. Links in folders are not followed; sockets, devices and the like are left
    /// aside unless they are named themselves.
    pub fn path(&mut self, path: &Path) {
        let place = place_of(path);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(_) => self.file(path),
            Err(error) => self.problem(&place, error.to_string()),
        }
    }

    fn folder(&mut self, path: &Path) {
        let walk = WalkDir::new(path).follow_links(false).sort_by_file_name();
        // The system's own folders look like files and have no end.
        let is_system = |path: &Path| SYSTEM.iter().any(|folder| path == Path::new(folder));
        for entry in walk.into_iter().filter_entry(|entry| entry.depth() == 0 || !is_system(entry.path())) {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => self.name_of(entry.path()),
                Ok(entry) if entry.file_type().is_file() => {
                    self.name_of(entry.path());
                    self.file(entry.path());
                }
                Ok(entry) => (self.tell)(Event::Skipped(&place_of(entry.path()), what(entry.file_type()))),
                Err(error) => {
                    let place = place_of(error.path().unwrap_or(path));
                    let cause = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
                    self.problem(&place, cause);
                }
            }
        }
    }

    fn name_of(&mut self, path: &Path) {
        if let Some(name) = path.file_name() {
            self.name(name.as_encoded_bytes(), &place_of(path));
        }
    }

    fn file(&mut self, path: &Path) {
        let place = place_of(path);
        self.start(&place);
        match File::open(path) {
            Ok(file) => self.opened(file, &place),
            Err(error) => self.problem(&place, error.to_string()),
        }
        self.report_read();
    }

    fn opened(&mut self, file: File, place: &Place) {
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let mut source = Source { file, budget: Rc::clone(&self.budget) };
        let depth = self.options.file_depth;
        // A zip is opened where it is, however long.
        if is_file && depth > 0 && self.options.codings.has(Coding::Zip) {
            let mut start = [0; 4];
            let is_zip = source.read_exact(&mut start).is_ok() && container::kind(&start) == Some(Coding::Zip);
            if let Err(error) = source.rewind() {
                return self.failed(place, Some(&error));
            }
            if is_zip {
                if !self.zip(&mut BufReader::new(&mut source), place, depth - 1) && source.rewind().is_ok() {
                    self.plain(&mut source, place);
                }
                return;
            }
        }
        self.read(&mut source, place, 0, depth);
    }
}

/// A file whose bytes are counted.
struct Source {
    file: File,
    budget: Rc<Budget>,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.budget.count(read as u64);
        Ok(read)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn place_of(path: &Path) -> Place {
    Place::of(path.display().to_string())
}

fn what(kind: FileType) -> &'static str {
    if kind.is_symlink() { "a link" } else { "a device, socket or pipe" }
}

/// What the kernel shows as files.
const SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];
