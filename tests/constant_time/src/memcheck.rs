//! What the program says to valgrind's memcheck, and asks it: client requests (valgrind/valgrind.h and valgrind/memcheck.h).
//!
//! A request is an instruction sequence that does nothing on a processor, and that valgrind knows.

/// Marks these bytes as secret: memcheck takes them for undefined, and reports every jump and every address that depends on them.
pub(crate) fn mark(bytes: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, [address(bytes), bytes.len(), 0], 0);
}

/// What leaves is public, whatever it was made of.
///
/// # Panics
/// Where nothing of it is marked: then no secret went in, and the check would check nothing.
pub(crate) fn publish(bytes: &[u8]) {
    assert!(is_marked(bytes), "nothing secret went into what leaves here");
    request(MAKE_MEM_DEFINED, [address(bytes), bytes.len(), 0], 0);
}

/// Makes public what may hold marked bytes or not.
pub(crate) fn publish_all(bytes: &[u8]) {
    request(MAKE_MEM_DEFINED, [address(bytes), bytes.len(), 0], 0);
}

/// Whether any bit of it is marked.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    let mut bits = vec![0_u8; bytes.len()];
    let answer = request(GET_VBITS, [address(bytes), bits.as_mut_ptr().expose_provenance(), bytes.len()], 0);
    assert_eq!(answer, 1, "valgrind does not tell what is marked");
    bits.iter().any(|bits| *bits != 0)
}

/// Whether valgrind runs this program.
pub(crate) fn is_running() -> bool {
    request(RUNNING_ON_VALGRIND, [0; 3], 0) != 0
}

/// Runs `work` without reports: what comes before the operation that is looked at.
pub(crate) fn unreported<T>(work: impl FnOnce() -> T) -> T {
    request(CHANGE_ERR_DISABLEMENT, [1, 0, 0], 0);
    let outcome = work();
    request(CHANGE_ERR_DISABLEMENT, [usize::MAX, 0, 0], 0);
    outcome
}

fn address(bytes: &[u8]) -> usize {
    bytes.as_ptr().expose_provenance()
}

/// The answer, or `otherwise` where valgrind does not run.
#[cfg(target_arch = "x86_64")]
fn request(code: usize, [a, b, c]: [usize; 3], otherwise: usize) -> usize {
    let arguments = [code, a, b, c, 0, 0];
    let mut answer = otherwise;
    // SAFETY: on a processor the four rotations by 128 bits in all and the exchange of a register with itself change nothing but
    // flags. Under valgrind `rdx` is set, and shadow memory; with GET_VBITS also the bytes at `b`, which belong to the caller's
    // exclusive buffer of length `c`. The arguments stay alive through the call.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inout("rdx") answer,
            in("rax") arguments.as_ptr(),
            out("rdi") _,
            options(nostack),
        );
    }
    answer
}

/// Other processors have other sequences; nothing was measured there.
#[cfg(not(target_arch = "x86_64"))]
fn request(_: usize, _: [usize; 3], otherwise: usize) -> usize {
    otherwise
}

const RUNNING_ON_VALGRIND: usize = 0x1001;
const CHANGE_ERR_DISABLEMENT: usize = 0x1801;
/// Of the tool whose letters are M and C.
const MEMCHECK: usize = 0x4d43_0000;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;
const GET_VBITS: usize = MEMCHECK + 8;
