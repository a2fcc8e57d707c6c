//! A linked image, read: how large its parts are, and who refers to whom.

use std::path::Path;

use addr2line::gimli::{self, EndianSlice, LittleEndian};
use object::read::elf::ElfFile32;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionFlags, SymbolKind, elf};

use crate::Outcome;

/// An image's file.
pub(crate) struct Image {
    bytes: Vec<u8>,
}

/// What an image takes of the board's memories, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Code, constants, and the initial values of variables.
    pub(crate) flash: u64,
    /// Variables; the stack is not among them.
    pub(crate) ram: u64,
}

/// A function of the image.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) address: u64,
    pub(crate) size: u64,
}

impl Function {
    fn holds(&self, address: u64) -> bool {
        (self.address..self.address + self.size.max(1)).contains(&address)
    }
}

/// Something that refers to a function.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Where: the address of the call, or of the pointer.
    pub(crate) from: u64,
    /// The function that is referred to.
    pub(crate) to: u64,
    /// Whether it stands in code.
    pub(crate) in_code: bool,
}

/// A function at a place in the code: one that was called, or one that is inlined there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) function: String,
    pub(crate) file: String,
}

impl Image {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let bytes = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok(Self { bytes })
    }

    fn file(&self) -> Outcome<ElfFile32<'_>> {
        Ok(ElfFile32::parse(&*self.bytes)?)
    }

    /// How large it is. Only what is loaded or reserved counts, not what is for debuggers.
    pub(crate) fn size(&self) -> Outcome<Size> {
        let mut size = Size { flash: 0, ram: 0 };
        for section in self.file()?.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            let is_loaded = sh_flags.contains(elf::SHF_ALLOC);
            if is_loaded && section.file_range().is_some() {
                size.flash += section.size();
            }
            if is_loaded && section.address() >= RAM {
                size.ram += section.size();
            }
        }
        Ok(size)
    }

    /// The compiler that made it, as `rustc 1.95.0`: it says so in a section that isn't loaded.
    pub(crate) fn compiler(&self) -> Outcome<String> {
        let file = self.file()?;
        let section = file.section_by_name(".comment").ok_or("the image doesn't say which compiler made it")?;
        let text = String::from_utf8_lossy(section.data()?);
        let version = text.split_once("rustc version ").and_then(|(_, rest)| rest.split(' ').next());
        Ok(format!("rustc {}", version.ok_or("the image was made by another compiler than rustc")?))
    }

    /// All functions, largest first.
    pub(crate) fn functions(&self) -> Outcome<Vec<Function>> {
        let file = self.file()?;
        let functions = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
        let mut functions: Vec<_> = functions.map(|symbol| function_of(&symbol)).collect();
        functions.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
        Ok(functions)
    }

    /// Who refers to functions: from the relocations, which the images keep (`--emit-relocs`).
    pub(crate) fn references(&self) -> Outcome<Vec<Reference>> {
        let file = self.file()?;
        let mut references = Vec::new();
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if !sh_flags.contains(elf::SHF_ALLOC) {
                continue;
            }
            let in_code = sh_flags.contains(elf::SHF_EXECINSTR);
            for (from, relocation) in section.relocations() {
                let RelocationTarget::Symbol(index) = relocation.target() else { continue };
                let to = file.symbol_by_index(index)?;
                if to.kind() == SymbolKind::Text {
                    references.push(Reference { from, to: function_of(&to).address, in_code });
                }
            }
        }
        if references.is_empty() {
            return Err("the image has no relocations: it was linked without --emit-relocs".into());
        }
        Ok(references)
    }

    /// What is at each of these addresses: the innermost function first.
    pub(crate) fn frames(&self, addresses: &[u64]) -> Outcome<Vec<Vec<Frame>>> {
        let file = self.file()?;
        let section = |id: gimli::SectionId| -> Result<_, gimli::Error> {
            let data = file.section_by_name(id.name()).and_then(|section| section.data().ok());
            Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
        };
        let context = addr2line::Context::from_dwarf(gimli::Dwarf::load(section)?)?;
        let mut all = Vec::new();
        for address in addresses {
            let mut frames = Vec::new();
            let mut found = context.find_frames(*address).skip_all_loads()?;
            while let Some(frame) = found.next()? {
                let function = frame.function.as_ref().map(|name| name.demangle().map(|name| tidy(&name)));
                let function = function.transpose()?.unwrap_or_default();
                let file = frame.location.and_then(|location| location.file).unwrap_or_default().to_owned();
                frames.push(Frame { function, file });
            }
            all.push(frames);
        }
        Ok(all)
    }

    /// The function that `address` is in.
    pub(crate) fn function_at(functions: &[Function], address: u64) -> Option<&Function> {
        functions.iter().find(|function| function.holds(address))
    }
}

fn function_of<'data>(symbol: &impl ObjectSymbol<'data>) -> Function {
    let name = symbol.name().unwrap_or_default();
    let name = addr2line::demangle(name, gimli::DW_LANG_Rust).unwrap_or_else(|| name.to_owned());
    // Bit 0 says that the function is Thumb code; the code begins at the even address.
    Function { name: tidy(&name), address: symbol.address() & !1, size: symbol.size() }
}

/// Without the hash that some compilers put behind a name.
fn tidy(name: &str) -> String {
    let hash =
        name.rsplit_once("::h").filter(|(_, hash)| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
    hash.map_or(name, |(name, _)| name).to_owned()
}

/// Where the board's RAM begins.
const RAM: u64 = 0x2000_0000;

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash goes, a name that only looks a little like one stays.
    #[test]
    fn names_lose_their_hash() {
        assert_eq!(tidy("cipher::stream::apply::h0123456789abcdef"), "cipher::stream::apply");
        assert_eq!(tidy("a::hash"), "a::hash");
    }
}
