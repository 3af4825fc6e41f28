// SPDX-License-Identifier: 0BSD
//! The loop of `uffd_fill.c` in Rust.  It takes whatever has a descriptor: `userfaultfd::Uffd` of the crate does.
//!
//! The crate (0.9) has no MOVE, and it hands out the out-field of COPY as a count, also if it is `-EAGAIN`.  So the ioctls
//! are issued here, and only a positive out-field is a count.

use std::io::Error;
use std::os::fd::AsRawFd;

const EAGAIN: i32 = 11;
const EBUSY: i32 = 16;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
const EIO: i32 = 5;
const ENOENT: i32 = 2;

const MOVE: u64 = 0xC028_AA05;
const COPY: u64 = 0xC028_AA03;
const ZEROPAGE: u64 = 0xC020_AA04;
const WAKE: u64 = 0x8010_AA02;

const AGAIN_LIMIT: u32 = 100_000;
const UNCLEAR_LIMIT: u32 = 100;
const UNTOUCHED: i64 = 0x5555_5555_5555_5555;

extern "C" {
    fn ioctl(fd: i32, request: u64, ...) -> i32;
    fn mincore(address: u64, bytes: usize, resident: *mut u8) -> i32;
    fn sched_yield() -> i32;
}

/// Of MOVE and of COPY, which have the same form.
#[repr(C)]
struct Transfer {
    dst: u64,
    src: u64,
    len: u64,
    mode: u64,
    out: i64,
}

#[repr(C)]
struct Zero {
    start: u64,
    len: u64,
    mode: u64,
    out: i64,
}

#[repr(C)]
struct Range {
    start: u64,
    len: u64,
}

/// What one call did.  `Part` is progress, also if it was all; its errno appears when the rest is asked for.
enum Answer {
    Part(u64),
    Nothing { errno: i32, refused: bool },
}

fn answer(rc: i32, out: i64) -> Answer {
    let errno = if rc == 0 { 0 } else { Error::last_os_error().raw_os_error().unwrap_or(EIO) };
    if rc == 0 || (errno == EAGAIN && out > 0 && out != UNTOUCHED) {
        return Answer::Part(out as u64);
    }
    Answer::Nothing { errno, refused: out == UNTOUCHED }
}

#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Move,
    Copy,
    Zero,
}

/// Pages, by what became of them.
#[derive(Default, Debug)]
pub struct Count {
    pub moved: u64,
    pub copied: u64,
    pub zeroed: u64,
    pub already: u64,
}

fn call(fd: i32, verb: Verb, dst: u64, src: u64, len: u64) -> Answer {
    if verb == Verb::Zero {
        let mut arg = Zero { start: dst, len, mode: 0, out: UNTOUCHED };
        let rc = unsafe { ioctl(fd, ZEROPAGE, &mut arg) };
        return answer(rc, arg.out);
    }
    let mut arg = Transfer { dst, src, len, mode: 0, out: UNTOUCHED };
    let rc = unsafe { ioctl(fd, if verb == Verb::Move { MOVE } else { COPY }, &mut arg) };
    answer(rc, arg.out)
}

/// EEXIST proves that a page is there, not that its waiters were woken.
fn wake(fd: i32, start: u64, len: u64) -> Result<(), Error> {
    let arg = Range { start, len };
    if unsafe { ioctl(fd, WAKE, &arg) } < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

/// How to fill a page for which MOVE gave ENOENT: a hole with zeroes, one that is there nevertheless (a THP that is being
/// migrated, before 6.17 on x86) by a copy. Without a mapping there is no way.
fn after_enoent(address: u64, page: u64) -> Option<Verb> {
    let mut resident = 0u8;
    let mapped = unsafe { mincore(address, page as usize, &mut resident) == 0 };
    mapped.then(|| if resident & 1 == 1 { Verb::Copy } else { Verb::Zero })
}

/// Make every page of `[dst, dst + len)` present with the contents of `src`.
///
/// # Safety
///
/// Both ranges are page-aligned, each in one mapping of this process; no other thread uses the source.
pub unsafe fn fill<U: AsRawFd>(uffd: &U, dst: u64, src: u64, len: u64, page: u64) -> Result<Count, Error> {
    let fd = uffd.as_raw_fd();
    let (mut count, mut at, mut again, mut verb) = (Count::default(), 0, 0, Verb::Move);
    while at < len {
        let part = if verb == Verb::Move { len - at } else { page };
        match call(fd, verb, dst + at, src + at, part) {
            Answer::Part(done) => {
                match verb {
                    Verb::Move => count.moved += done / page,
                    Verb::Copy => count.copied += done / page,
                    Verb::Zero => count.zeroed += done / page,
                }
                at += done;
                (verb, again) = (Verb::Move, 0);
            }
            Answer::Nothing { errno: EAGAIN, .. } if again < AGAIN_LIMIT => {
                again += 1;
                sched_yield();
            }
            Answer::Nothing { errno: EEXIST, .. } => {
                wake(fd, dst + at, page)?;
                count.already += 1;
                at += page;
                (verb, again) = (Verb::Move, 0);
            }
            Answer::Nothing { errno: EBUSY, .. } if verb == Verb::Move => verb = Verb::Copy,
            Answer::Nothing { errno: ENOENT, .. } if verb == Verb::Move => match after_enoent(src + at, page) {
                Some(other) => verb = other,
                None => return Err(Error::from_raw_os_error(ENOENT)),
            },
            Answer::Nothing { errno: EINVAL, refused: false } if verb == Verb::Move && again < UNCLEAR_LIMIT => {
                again += 1;
                sched_yield();
            }
            Answer::Nothing { errno, .. } => return Err(Error::from_raw_os_error(if errno == 0 { EIO } else { errno })),
        }
    }
    Ok(count)
}
