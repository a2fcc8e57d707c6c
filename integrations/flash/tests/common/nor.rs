//! NOR flash that is stricter than any: it fails the test where a driver would only go wrong, and the power can go at every byte.

use std::{cell::RefCell, collections::HashSet, rc::Rc};

use embedded_storage::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// What the power leaves of the byte or the erasure that was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// Nothing was done yet.
    Untouched,
    /// Every other bit of the byte; the sector all ones.
    Blank,
    /// The low half of the byte; the front half of the sector erased.
    Front,
    /// Any bits of the rest of the call; the back half of the sector erased.
    Back,
    /// Other bits of the rest of the call; noise in the sector.
    Noise,
    /// The byte is there, though nobody heard of it; the sector all zeros, as chips begin an erasure.
    Zeroed,
}

impl Tear {
    pub const ALL: [Self; 6] = [Self::Untouched, Self::Blank, Self::Front, Self::Back, Self::Noise, Self::Zeroed];
}

/// The chip: it outlives all that is opened on it.
pub struct Chip {
    pub memory: Vec<u8>,
    pub sector: usize,
    word: usize,
    /// Erasures of each sector.
    pub erases: Vec<u32>,
    /// How often each word was programmed since it was erased, and the most that was ever seen.
    programs: Vec<u32>,
    pub most_programs: u32,
    /// Bytes programmed and sectors erased since somebody set it to zero.
    pub steps: usize,
    /// Bytes read since somebody set it to zero.
    pub bytes_read: usize,
    /// After so many more steps the power goes.
    left: Option<usize>,
    tear: Tear,
    noise: u64,
    is_on: bool,
    /// So many more reads succeed, and then none.
    pub reads_left: usize,
    /// Programs ones over zeros without a word, as real flash does: for what follows a bit that flipped.
    pub is_lenient: bool,
    /// A driver that lies: so many of the bytes that it said were programmed are lost when the power goes.
    pub lies: usize,
    /// Addresses of those bytes, and what was there before.
    recent: Vec<(usize, u8)>,
    recent_then: Vec<(usize, u8)>,
}

/// Every opened flash has the chip in common with the test.
pub type Line = Rc<RefCell<Chip>>;

impl Chip {
    /// A blank one.
    pub fn line(sectors: usize, sector: usize, word: usize) -> Line {
        Rc::new(RefCell::new(Self {
            memory: vec![0xff; sectors * sector],
            sector,
            word,
            erases: vec![0; sectors],
            programs: vec![0; sectors * sector / word],
            most_programs: 0,
            steps: 0,
            bytes_read: 0,
            left: None,
            tear: Tear::Untouched,
            noise: 1,
            is_on: true,
            reads_left: usize::MAX,
            is_lenient: false,
            lies: 0,
            recent: Vec::new(),
            recent_then: Vec::new(),
        }))
    }

    /// The power goes after so many steps; what is under way then is torn.
    pub fn cut_after(&mut self, steps: usize, tear: Tear) {
        (self.left, self.tear) = (Some(steps), tear);
        self.noise = self.noise.wrapping_add(steps as u64);
    }

    pub fn power_on(&mut self) {
        (self.left, self.is_on) = (None, true);
    }

    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// The memory as it was at another time.
    pub fn load(&mut self, image: &[u8]) {
        self.memory.copy_from_slice(image);
        self.programs.fill(0);
        // What a lying driver had not programmed was so at that time as well.
        self.recent.clone_from(&self.recent_then);
        self.power_on();
    }

    /// Images are of now, as far as a lying driver is concerned.
    pub fn keep_recent(&mut self) {
        self.recent_then.clone_from(&self.recent);
    }

    /// One bit is another now.
    pub fn flip(&mut self, bit: usize) {
        self.memory[bit / 8] ^= 1 << (bit % 8);
    }

    /// True where these bytes stand somewhere.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.memory.windows(bytes.len()).any(|window| window == bytes)
    }

    /// Where one of these pieces stands.
    pub fn holds_any(&self, pieces: &HashSet<[u8; 8]>) -> Option<usize> {
        if pieces.is_empty() {
            return None;
        }
        self.memory.windows(8).position(|window| pieces.contains(window))
    }

    fn random(&mut self) -> u64 {
        self.noise = self.noise.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.noise;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One step, if the power lasts.
    fn step(&mut self) -> bool {
        match self.left.as_mut() {
            Some(0) => {
                self.is_on = false;
                self.forget_recent();
            }
            Some(left) => *left -= 1,
            None => {}
        }
        self.steps += usize::from(self.is_on);
        self.is_on
    }

    fn forget_recent(&mut self) {
        let from = self.recent.len().saturating_sub(self.lies);
        for (at, old) in self.recent.drain(..).skip(from).collect::<Vec<_>>().into_iter().rev() {
            self.memory[at] = old;
        }
    }

    fn tear_write(&mut self, at: usize, rest: &[u8]) {
        let tear = self.tear;
        for (index, byte) in rest.iter().enumerate() {
            let spared = match tear {
                Tear::Untouched => 0xff,
                Tear::Blank => 0x55,
                Tear::Front => 0xf0,
                Tear::Zeroed => 0,
                Tear::Back | Tear::Noise => self.random() as u8,
            };
            if index == 0 || matches!(tear, Tear::Back | Tear::Noise) {
                self.memory[at + index] &= byte | spared;
            }
        }
    }

    fn tear_erase(&mut self, from: usize) {
        let half = from + self.sector / 2;
        let end = from + self.sector;
        match self.tear {
            Tear::Untouched => {}
            Tear::Blank => self.memory[from..end].fill(0xff),
            Tear::Front => self.memory[from..half].fill(0xff),
            Tear::Back => self.memory[half..end].fill(0xff),
            Tear::Zeroed => self.memory[from..end].fill(0),
            Tear::Noise => (from..end).for_each(|at| self.memory[at] = self.random() as u8),
        }
    }

    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        for word in at / self.word..(at + bytes.len()) / self.word {
            self.programs[word] += 1;
            self.most_programs = self.most_programs.max(self.programs[word]);
        }
        for (index, byte) in bytes.iter().enumerate() {
            let old = self.memory[at + index];
            let is_programmable = old & byte == *byte || self.is_lenient;
            assert!(is_programmable, "a one over a zero at {:#x}: {old:02x} to {byte:02x}", at + index);
            if !self.step() {
                self.tear_write(at + index, &bytes[index..]);
                return Err(NorFlashErrorKind::Other);
            }
            if self.lies > 0 {
                self.recent.push((at + index, old));
            }
            self.memory[at + index] = old & byte;
        }
        Ok(())
    }

    fn erase(&mut self, from: usize) -> Result<(), NorFlashErrorKind> {
        self.erases[from / self.sector] += 1;
        if !self.step() {
            self.tear_erase(from);
            return Err(NorFlashErrorKind::Other);
        }
        self.memory[from..from + self.sector].fill(0xff);
        self.programs[from / self.word..(from + self.sector) / self.word].fill(0);
        Ok(())
    }
}

/// A handle on the chip, as a driver is.
#[derive(Clone)]
pub struct Nor<const SECTOR: usize, const WRITE: usize, const READ: usize>(pub Line);

impl<const SECTOR: usize, const WRITE: usize, const READ: usize> Nor<SECTOR, WRITE, READ> {
    pub fn blank(sectors: usize) -> Self {
        Self(Chip::line(sectors, SECTOR, WRITE))
    }
}

/// What the tests want of a flash besides.
pub trait Board: MultiwriteNorFlash<Error = NorFlashErrorKind> + Clone {
    fn with_sectors(sectors: u32) -> Self;
    fn line(&self) -> &Line;
}

impl<const SECTOR: usize, const WRITE: usize, const READ: usize> Board for Nor<SECTOR, WRITE, READ> {
    fn with_sectors(sectors: u32) -> Self {
        Self::blank(sectors as usize)
    }

    fn line(&self) -> &Line {
        &self.0
    }
}

impl<const SECTOR: usize, const WRITE: usize, const READ: usize> ErrorType for Nor<SECTOR, WRITE, READ> {
    type Error = NorFlashErrorKind;
}

impl<const SECTOR: usize, const WRITE: usize, const READ: usize> ReadNorFlash for Nor<SECTOR, WRITE, READ> {
    const READ_SIZE: usize = READ;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len()).expect("aligned, and inside");
        let mut chip = self.0.borrow_mut();
        let has_failed = !chip.is_on || chip.reads_left == 0;
        chip.reads_left = chip.reads_left.saturating_sub(1);
        if has_failed {
            return Err(NorFlashErrorKind::Other);
        }
        chip.bytes_read += bytes.len();
        bytes.copy_from_slice(&chip.memory[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.borrow().memory.len()
    }
}

impl<const SECTOR: usize, const WRITE: usize, const READ: usize> NorFlash for Nor<SECTOR, WRITE, READ> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to).expect("aligned, and inside");
        let mut chip = self.0.borrow_mut();
        if !chip.is_on {
            return Err(NorFlashErrorKind::Other);
        }
        (from as usize..to as usize).step_by(SECTOR).try_for_each(|sector| chip.erase(sector))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len()).expect("aligned, and inside");
        let mut chip = self.0.borrow_mut();
        if !chip.is_on {
            return Err(NorFlashErrorKind::Other);
        }
        chip.write(offset as usize, bytes)
    }
}

impl<const SECTOR: usize, const WRITE: usize, const READ: usize> MultiwriteNorFlash for Nor<SECTOR, WRITE, READ> {}
