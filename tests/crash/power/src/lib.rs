//! A library that is loaded before the C library (`LD_PRELOAD`) and writes down what a core does to the files of its
//! database: each write, each cut, each sync. `tests/crash/src/power.rs` rebuilds from that what a disk would hold after a
//! loss of power, when only what was synced is sure to be there.
//!
//! Works for SQLite because it does all its writing by `write` or `pwrite` and all its syncing by `fsync` or `fdatasync`
//! (no mapped files but the `-shm` index, which is made anew after a crash). Everything else passes through untouched.
//!
//! | variable | what |
//! |---|---|
//! | `POWER_DATABASE` | path of the database; `-wal` and `-journal` beside it are watched too |
//! | `POWER_LOG` | the record that is appended to |
//! | `POWER_LIES` | set: syncs are reported as done and not recorded, as by a disk that lies |
//!
//! A record: operation (1 byte), file (1 byte), offset and length (8 bytes each, little endian), then the bytes.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "a library below the C library cannot be written without")]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use libc::{O_APPEND, O_CLOEXEC, O_CREAT, O_WRONLY, RTLD_NEXT, SEEK_CUR, off_t, size_t, ssize_t};

const WRITE: u8 = b'w';
const CUT: u8 = b't';
const SYNC: u8 = b's';
const REMOVE: u8 = b'r';

/// Which file of the database each descriptor is: 0 for none, 1 the database, 2 its `-wal`, 3 its `-journal`.
static FILES: [AtomicU8; 4096] = [const { AtomicU8::new(0) }; 4096];

struct Record {
    database: String,
    log: c_int,
    lies: bool,
}

/// Held over an operation and its record, so that the record has the order of the operations.
static ORDER: Mutex<()> = Mutex::new(());

fn record() -> Option<&'static Record> {
    static RECORD: OnceLock<Option<Record>> = OnceLock::new();
    RECORD
        .get_or_init(|| {
            let database = std::env::var("POWER_DATABASE").ok()?;
            let path = CString::new(std::env::var("POWER_LOG").ok()?).ok()?;
            // SAFETY: the real `open`, with a path that ends in NUL.
            let log = unsafe { real_open()(path.as_ptr(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) };
            assert!(log >= 0, "POWER_LOG cannot be opened");
            Some(Record { database, log, lies: std::env::var_os("POWER_LIES").is_some() })
        })
        .as_ref()
}

fn in_order() -> MutexGuard<'static, ()> {
    ORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn file_of(path: &CStr) -> u8 {
    let (Some(record), Ok(path)) = (record(), path.to_str()) else { return 0 };
    match path.strip_prefix(record.database.as_str()) {
        Some("") => 1,
        Some("-wal") => 2,
        Some("-journal") => 3,
        _ => 0,
    }
}

fn watched(fd: c_int) -> Option<u8> {
    let file = FILES.get(usize::try_from(fd).ok()?)?.load(Ordering::Acquire);
    (file != 0).then_some(file)
}

fn note(operation: u8, file: u8, offset: u64, bytes: &[u8], length: u64) {
    let Some(record) = record() else { return };
    let mut entry = Vec::with_capacity(18 + bytes.len());
    entry.extend([operation, file]);
    entry.extend(offset.to_le_bytes());
    entry.extend(length.to_le_bytes());
    entry.extend(bytes);
    let mut left = entry.as_slice();
    while !left.is_empty() {
        // SAFETY: the real `write`, from a buffer of that length.
        let written = unsafe { real_write()(record.log, left.as_ptr().cast(), left.len()) };
        let Ok(written) = usize::try_from(written) else { std::process::abort() };
        left = &left[written..];
    }
}

macro_rules! real {
    ($getter:ident, $name:literal, $type:ty) => {
        fn $getter() -> $type {
            static REAL: OnceLock<usize> = OnceLock::new();
            let address = *REAL.get_or_init(|| {
                // SAFETY: the name ends in NUL; the C library has it.
                let found = unsafe { libc::dlsym(RTLD_NEXT, $name.as_ptr()) };
                assert!(!found.is_null(), "the C library lacks a function");
                found as usize
            });
            // SAFETY: the address is that of a function of this type.
            unsafe { std::mem::transmute::<usize, $type>(address) }
        }
    };
}

type Open = unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int;
type OfFd = unsafe extern "C" fn(c_int) -> c_int;
type Write = unsafe extern "C" fn(c_int, *const c_void, size_t) -> ssize_t;
type WriteAt = unsafe extern "C" fn(c_int, *const c_void, size_t, off_t) -> ssize_t;
type Cut = unsafe extern "C" fn(c_int, off_t) -> c_int;
type Remove = unsafe extern "C" fn(*const c_char) -> c_int;

real!(real_open, c"open", Open);
real!(real_close, c"close", OfFd);
real!(real_write, c"write", Write);
real!(real_write_at, c"pwrite", WriteAt);
real!(real_cut, c"ftruncate", Cut);
real!(real_fsync, c"fsync", OfFd);
real!(real_fdatasync, c"fdatasync", OfFd);
real!(real_remove, c"unlink", Remove);

/// # Safety
///
/// As the C library's. The mode is passed on whether it was given or not; it is read only where one is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: the caller's arguments.
    let fd = unsafe { real_open()(path, flags, mode) };
    if let Some(slot) = usize::try_from(fd).ok().and_then(|fd| FILES.get(fd)) {
        // SAFETY: a path that could be opened ends in NUL.
        slot.store(file_of(unsafe { CStr::from_ptr(path) }), Ordering::Release);
    }
    fd
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: the same on 64-bit Linux.
    unsafe { open(path, flags, mode) }
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn close(fd: c_int) -> c_int {
    if let Some(slot) = usize::try_from(fd).ok().and_then(|fd| FILES.get(fd)) {
        slot.store(0, Ordering::Release);
    }
    // SAFETY: the caller's argument.
    unsafe { real_close()(fd) }
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    let Some(file) = watched(fd) else {
        // SAFETY: the caller's arguments.
        return unsafe { real_write()(fd, bytes, count) };
    };
    let _order = in_order();
    // SAFETY: asks where the descriptor stands.
    let at = unsafe { libc::lseek(fd, 0, SEEK_CUR) };
    // SAFETY: the caller's arguments.
    let written = unsafe { real_write()(fd, bytes, count) };
    // SAFETY: the caller's buffer.
    unsafe { written_at(file, at, bytes, written) };
    written
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(fd: c_int, bytes: *const c_void, count: size_t, at: off_t) -> ssize_t {
    let Some(file) = watched(fd) else {
        // SAFETY: the caller's arguments.
        return unsafe { real_write_at()(fd, bytes, count, at) };
    };
    let _order = in_order();
    // SAFETY: the caller's arguments.
    let written = unsafe { real_write_at()(fd, bytes, count, at) };
    // SAFETY: the caller's buffer.
    unsafe { written_at(file, at, bytes, written) };
    written
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, count: size_t, at: off_t) -> ssize_t {
    // SAFETY: the same on 64-bit Linux.
    unsafe { pwrite(fd, bytes, count, at) }
}

unsafe fn written_at(file: u8, at: off_t, bytes: *const c_void, written: ssize_t) {
    let (Ok(at), Ok(length)) = (u64::try_from(at), usize::try_from(written)) else { return };
    // SAFETY: so many bytes of the buffer were just written.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
    note(WRITE, file, at, bytes, length as u64);
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    let _order = in_order();
    // SAFETY: the caller's arguments.
    let outcome = unsafe { real_cut()(fd, length) };
    if let (Some(file), 0, Ok(length)) = (watched(fd), outcome, u64::try_from(length)) {
        note(CUT, file, length, &[], 0);
    }
    outcome
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    // SAFETY: the same on 64-bit Linux.
    unsafe { ftruncate(fd, length) }
}

fn synced(fd: c_int, sync: OfFd) -> c_int {
    let Some(file) = watched(fd) else {
        // SAFETY: the caller's argument.
        return unsafe { sync(fd) };
    };
    let _order = in_order();
    if record().is_some_and(|record| record.lies) {
        return 0;
    }
    // SAFETY: the caller's argument.
    let outcome = unsafe { sync(fd) };
    if outcome == 0 {
        note(SYNC, file, 0, &[], 0);
    }
    outcome
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, real_fsync())
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, real_fdatasync())
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    let _order = in_order();
    // SAFETY: the caller's argument.
    let outcome = unsafe { real_remove()(path) };
    if outcome == 0 {
        // SAFETY: a path that could be removed ends in NUL.
        let file = file_of(unsafe { CStr::from_ptr(path) });
        if file != 0 {
            note(REMOVE, file, 0, &[], 0);
        }
    }
    outcome
}
