//! The binary `aurareels`: everything is in the library, see `cli`.

use std::process::ExitCode;

/// A seventh of a call's CPU was spent in the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    aurareels_core::cli::main().await
}
