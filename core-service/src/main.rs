//! The binary `aurareels`: everything is in the library, see `cli`.

use std::process::ExitCode;

/// Thousands of small, short-lived pieces per second from many threads: measured against glibc's in docs/measurements.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    aurareels_core::cli::main().await
}
