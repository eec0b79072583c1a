//! Generated types, clients and servers of `aurareels.v1`, shared by the core, the n8n addon and the tests.
//! The `.proto` files beside this one are the dictionary of the project; nothing here is edited by hand.

/// Package `aurareels.v1`.
#[allow(missing_docs, clippy::all, unreachable_pub)]
pub mod v1 {
    tonic::include_proto!("aurareels.v1");
}

/// The compiled descriptors of all files, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/aurareels_descriptor.bin"));
