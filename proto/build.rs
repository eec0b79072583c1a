//! Generates the Rust types from the protos without an installed `protoc`: protox is a compiler in Rust.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let protos = root.join("aurareels/v1");
    println!("cargo:rerun-if-changed={}", protos.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&protos)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "proto"));
    files.sort();
    let descriptors = protox::compile(&files, [&root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("aurareels_descriptor.bin"), descriptors.encode_to_vec())?;
    // Chunks of a video are handed on without being copied.
    let mut config = tonic_prost_build::Config::new();
    // What a message is called: by it the command line finds the names of its fields.
    config.enable_type_names();
    let builder = tonic_prost_build::configure().bytes(".aurareels.v1.UploadMediaRequest.chunk");
    builder.compile_fds_with_config(descriptors, config)?;
    Ok(())
}
