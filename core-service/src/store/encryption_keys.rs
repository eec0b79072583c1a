//! encryption_keys
