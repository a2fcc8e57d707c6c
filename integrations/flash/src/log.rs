//! The log: items one behind the other, over the sectors in a ring. FORMAT.md, "The log".

use embedded_storage::nor_flash::MultiwriteNorFlash;
use zeroize::Zeroizing;

use crate::{
    FlashError,
    item::{HEADER_LEN, Header, Kind, MARKER_LEN, Marker, padded},
    medium::{CHUNK, CHUNK_LEN, Fault, Medium, narrow, wide},
    sector::SECTOR_HEADER,
};

/// A place in the log.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    pub(crate) sector: u32,
    pub(crate) offset: u32,
}

/// An item, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Item {
    pub(crate) address: u32,
    pub(crate) header: Header,
}

impl Item {
    /// Where its body begins.
    pub(crate) const fn body(&self) -> u32 {
        self.address.saturating_add(HEADER_LEN)
    }
}

/// What comes next in the log.
pub(crate) enum Step {
    Item(Item),
    /// The rest is blank, as far as one sees from here.
    End,
    /// What was being written when the power went.
    Torn,
}

/// The log on its flash. Its newest sector is the head, its oldest one the tail.
pub(crate) struct Log<F> {
    pub(crate) medium: Medium<F>,
    pub(crate) head: u32,
    pub(crate) number: u32,
    /// How many sectors it has.
    pub(crate) used: u32,
    /// Where in the head the next item goes.
    pub(crate) at: u32,
}

impl<F: MultiwriteNorFlash> Log<F> {
    const ALIGN: u32 = Medium::<F>::ALIGN;
    const SECTOR: u32 = Medium::<F>::SECTOR;

    pub(crate) fn tail(&self) -> u32 {
        self.back(self.used.saturating_sub(1))
    }

    /// The sector so many before the head.
    pub(crate) fn back(&self, sectors: u32) -> u32 {
        match self.head.checked_sub(sectors) {
            Some(sector) => sector,
            None => self.medium.sectors().saturating_add(self.head).saturating_sub(sectors),
        }
    }

    /// The sector behind this one in the ring.
    pub(crate) fn after(&self, sector: u32) -> u32 {
        let next = sector.saturating_add(1);
        if next < self.medium.sectors() { next } else { 0 }
    }

    pub(crate) const fn end(&self) -> Cursor {
        Cursor { sector: self.head, offset: self.at }
    }

    pub(crate) const fn start_of(sector: u32) -> Cursor {
        Cursor { sector, offset: SECTOR_HEADER }
    }

    /// What is at the cursor, which goes on behind it.
    pub(crate) fn step(&self, cursor: &mut Cursor) -> Result<Step, Fault<F>> {
        loop {
            let room = Self::SECTOR.saturating_sub(cursor.offset);
            let address = cursor.sector.saturating_mul(Self::SECTOR).saturating_add(cursor.offset);
            let mut bytes = [0xff; 8];
            if room >= HEADER_LEN {
                self.medium.read(address, &mut bytes)?;
            }
            if bytes == [0xff; 8] {
                if cursor.sector == self.head {
                    return Ok(Step::End);
                }
                *cursor = Self::start_of(self.after(cursor.sector));
            } else if let [0, ..] = bytes {
                cursor.offset = cursor.offset.saturating_add(Self::ALIGN);
            } else {
                return match Header::from_bytes(bytes).filter(|header| header.size(Self::ALIGN) <= room) {
                    Some(header) => {
                        cursor.offset = cursor.offset.saturating_add(header.size(Self::ALIGN));
                        Ok(Step::Item(Item { address, header }))
                    }
                    None if cursor.sector == self.head => Ok(Step::Torn),
                    None => Err(FlashError::Damaged),
                };
            }
        }
    }

    /// The marker that ends the batch at the cursor, or `None` where the log ends without one.
    pub(crate) fn find_marker(&self, mut cursor: Cursor) -> Result<Option<Marker>, Fault<F>> {
        let mut broken = false;
        loop {
            match self.step(&mut cursor)? {
                Step::Item(item) if !self.is_whole(&item)? => broken |= !item.header.is_dying(),
                Step::Item(item) if item.header.kind == Kind::Marker => {
                    // A marker is written when all before it is whole, and so it was.
                    return if broken { Err(FlashError::Damaged) } else { self.marker(&item).map(Some) };
                }
                Step::Item(_) => {}
                Step::End => return Ok(None),
                Step::Torn => return self.check_torn(cursor).map(|()| None),
            }
        }
    }

    /// A header is torn with the first piece of its item, and behind that there is nothing but what a recovery cleared, nor a whole marker
    /// anywhere: anything else was committed, and the tear is damage.
    fn check_torn(&self, cursor: Cursor) -> Result<(), Fault<F>> {
        let sector = cursor.sector.saturating_mul(Self::SECTOR);
        let piece_end = cursor.offset.saturating_add(CHUNK_LEN).min(Self::SECTOR);
        let from = sector.saturating_add(piece_end);
        if self.medium.end_of(from, sector.saturating_add(Self::SECTOR), |byte| byte != 0 && byte != 0xff)? != from {
            return Err(FlashError::Damaged);
        }
        let mut offset = cursor.offset.saturating_add(Self::ALIGN);
        while offset < piece_end {
            if let Step::Item(item) = self.step(&mut Cursor { offset, ..cursor })?
                && item.header.kind == Kind::Marker
                && self.is_whole(&item)?
            {
                return Err(FlashError::Damaged);
            }
            offset = offset.saturating_add(Self::ALIGN);
        }
        Ok(())
    }

    /// True where the item's bytes are those that were written.
    pub(crate) fn is_whole(&self, item: &Item) -> Result<bool, Fault<F>> {
        let mut digest = Header::digest(item.header.kind, item.header.len);
        let (mut at, mut left) = (item.body(), u32::from(item.header.len));
        let mut chunk = Zeroizing::new([0; CHUNK]);
        while left > 0 {
            let len = left.min(CHUNK_LEN);
            let piece = chunk.get_mut(..wide(len)).unwrap_or_default();
            self.medium.read(at, piece)?;
            digest.update(piece);
            (at, left) = (at.saturating_add(len), left.saturating_sub(len));
        }
        Ok(digest.finalize() == item.header.crc)
    }

    /// The item at this address, whole.
    pub(crate) fn item(&self, address: u32) -> Result<Item, Fault<F>> {
        let item = self.item_unchecked(address)?;
        if self.is_whole(&item)? { Ok(item) } else { Err(FlashError::Damaged) }
    }

    /// The item at this address, whose body may have changed.
    pub(crate) fn item_unchecked(&self, address: u32) -> Result<Item, Fault<F>> {
        let mut bytes = [0; 8];
        self.medium.read(address, &mut bytes)?;
        Header::from_bytes(bytes).map(|header| Item { address, header }).ok_or(FlashError::Damaged)
    }

    /// Reads back what was written from the cursor on, before a marker makes it count.
    pub(crate) fn check_written(&self, mut cursor: Cursor) -> Result<(), Fault<F>> {
        loop {
            match self.step(&mut cursor)? {
                Step::Item(item) if self.is_whole(&item)? => {}
                Step::End if (cursor.sector, cursor.offset) == (self.head, self.at) => return Ok(()),
                _ => return Err(FlashError::Damaged),
            }
        }
    }

    fn marker(&self, item: &Item) -> Result<Marker, Fault<F>> {
        let mut bytes = [0; 16];
        self.medium.read(item.body(), &mut bytes)?;
        Ok(Marker::from_bytes(bytes))
    }

    /// Writes an item, whose body comes in two parts.
    pub(crate) fn append(&mut self, kind: Kind, first: &[u8], second: &[u8]) -> Result<(), Fault<F>> {
        let header = Header::new(kind, first, second).ok_or(FlashError::NoPlace)?;
        let mut at = self.place(&header)?;
        let bytes = header.to_bytes();
        let mut rest = bytes.iter().chain(first).chain(second);
        let mut left = header.size(Self::ALIGN);
        let mut chunk = Zeroizing::new([0; CHUNK]);
        while left > 0 {
            let len = left.min(CHUNK_LEN);
            let piece = chunk.get_mut(..wide(len)).unwrap_or_default();
            piece.fill(0xff);
            for (slot, byte) in piece.iter_mut().zip(&mut rest) {
                *slot = *byte;
            }
            self.medium.write(at, piece)?;
            (at, left) = (at.saturating_add(len), left.saturating_sub(len));
        }
        Ok(())
    }

    /// Writes another copy of an item.
    pub(crate) fn copy(&mut self, item: &Item) -> Result<(), Fault<F>> {
        let mut to = self.place(&item.header)?;
        let (mut from, mut left) = (item.address, item.header.size(Self::ALIGN));
        let mut chunk = Zeroizing::new([0; CHUNK]);
        while left > 0 {
            let len = left.min(CHUNK_LEN);
            let piece = chunk.get_mut(..wide(len)).unwrap_or_default();
            self.medium.read(from, piece)?;
            self.medium.write(to, piece)?;
            (from, to, left) = (from.saturating_add(len), to.saturating_add(len), left.saturating_sub(len));
        }
        Ok(())
    }

    /// Where an item of this size goes, by way of the next sector where this one has no room for it.
    fn place(&mut self, header: &Header) -> Result<u32, Fault<F>> {
        let size = header.size(Self::ALIGN);
        let needed = if header.kind == Kind::Marker { size } else { size.saturating_add(self.marker_size()) };
        if self.at.saturating_add(needed) > Self::SECTOR {
            self.advance()?;
        }
        let address = self.head.saturating_mul(Self::SECTOR).saturating_add(self.at);
        self.at = self.at.saturating_add(size);
        Ok(address)
    }

    /// Opens the next sector, which is free.
    pub(crate) fn advance(&mut self) -> Result<(), Fault<F>> {
        let next = self.after(self.head);
        let number = self.number.checked_add(1).filter(|_| self.used < self.medium.sectors());
        let number = number.ok_or(FlashError::Damaged)?;
        self.medium.number(next, number)?;
        (self.head, self.number, self.at) = (next, number, SECTOR_HEADER);
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// True where a batch of items with bodies of these lengths finds room, and a sector stays free for [collecting](Self::copy).
    pub(crate) fn fits(&self, bodies: impl Iterator<Item = usize>) -> bool {
        let (mut at, mut more) = (self.at, 0_u32);
        let marker = self.marker_size();
        for body in bodies {
            let size = padded(HEADER_LEN.saturating_add(narrow(body)), Self::ALIGN);
            if at.saturating_add(size).saturating_add(marker) > Self::SECTOR {
                (at, more) = (SECTOR_HEADER, more.saturating_add(1));
            }
            at = at.saturating_add(size);
        }
        // A batch of nothing but its marker.
        if at.saturating_add(marker) > Self::SECTOR {
            more = more.saturating_add(1);
        }
        self.used.saturating_add(more) < self.medium.sectors()
    }

    /// Puts the log's end behind its last marker: what came later was no whole batch. The newest sector goes first.
    pub(crate) fn roll_back(&mut self, to: Cursor) -> Result<(), Fault<F>> {
        while self.head != to.sector {
            self.medium.clean(self.head)?;
            self.head = self.back(1);
            self.number = self.number.saturating_sub(1);
            self.used = self.used.saturating_sub(1);
        }
        let sector = to.sector.saturating_mul(Self::SECTOR);
        let from = sector.saturating_add(to.offset);
        let end = self.medium.end_of(from, sector.saturating_add(Self::SECTOR), |byte| byte != 0xff)?;
        self.medium.zero(from, end)?;
        self.at = padded(end.saturating_sub(sector), Self::ALIGN);
        Ok(())
    }

    /// Erases the oldest sector.
    pub(crate) fn drop_tail(&mut self) -> Result<(), Fault<F>> {
        self.medium.clean(self.tail())?;
        self.used = self.used.saturating_sub(1);
        Ok(())
    }

    /// Overwrites an item's body, for good. Its state says so first, so that a tear is not taken for damage; its CRC goes last.
    pub(crate) fn scrub(&mut self, item: &Item) -> Result<(), Fault<F>> {
        if item.header.is_dying() && item.header.crc == 0 {
            return Ok(());
        }
        let dying = item.header.dying();
        self.medium.write(item.address, &dying.to_bytes())?;
        self.medium.zero(item.body(), item.body().saturating_add(u32::from(item.header.len)))?;
        self.medium.write(item.address, &Header { crc: 0, ..dying }.to_bytes())
    }

    const fn marker_size(&self) -> u32 {
        padded(MARKER_LEN, Self::ALIGN)
    }
}
