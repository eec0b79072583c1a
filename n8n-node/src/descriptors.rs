//! The descriptors of the API, and the boundary's words for its enums.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(aurareels_proto::FILE_DESCRIPTOR_SET).expect("the descriptors are made by our own build")
});

/// All descriptors of the API.
pub(crate) fn pool() -> &'static DescriptorPool {
    &POOL
}

/// Every message of the API, and none of google.protobuf.
pub(crate) fn messages() -> impl Iterator<Item = MessageDescriptor> {
    pool().all_messages().filter(|message| !is_well_known(message))
}

/// The words of an enum: what stands before each value, and the value behind it in small letters.
pub(crate) fn prefix(of: &EnumDescriptor) -> String {
    let zero = of.get_value(0).map(|value| value.name().to_owned()).unwrap_or_default();
    zero.strip_suffix("UNSPECIFIED").unwrap_or_default().to_owned()
}

/// The boundary's word for a value of an enum; `None` for "unspecified".
pub(crate) fn enum_word(of: &EnumDescriptor, number: i32) -> Option<String> {
    let value = of.get_value(number).filter(|_| number != 0)?;
    let name = value.name();
    Some(name.strip_prefix(&prefix(of)).unwrap_or(name).to_lowercase())
}

/// Whether a message is one of google.protobuf, which has a JSON form of its own.
pub(crate) fn is_well_known(message: &MessageDescriptor) -> bool {
    message.package_name() == "google.protobuf"
}
