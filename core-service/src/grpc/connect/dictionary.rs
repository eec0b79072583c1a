//! All RPCs by their paths, all messages by their names, and the two forms of a message.

use prost_reflect::{DescriptorPool, MethodDescriptor};

/// What is known of all RPCs and of the details of errors.
pub(in crate::grpc) struct Dictionary(pub(super) DescriptorPool);

impl Dictionary {
    /// That of this release.
    pub(in crate::grpc) fn new() -> anyhow::Result<Self> {
        let mut pool = DescriptorPool::new();
        for set in [
            aurareels_proto::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_types::pb::FILE_DESCRIPTOR_SET,
        ] {
            pool.decode_file_descriptor_set(set)?;
        }
        Ok(Self(pool))
    }

    /// The RPC of a path.
    pub(in crate::grpc) fn method(&self, path: &str) -> Option<MethodDescriptor> {
        let (service, name) = path.strip_prefix('/')?.split_once('/')?;
        self.0.get_service_by_name(service)?.methods().find(|method| method.name() == name)
    }
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Protobuf,
}
