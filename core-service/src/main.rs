//! The binary `aurareels`: everything is in the library, see `cli`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    aurareels_core::cli::main().await
}
