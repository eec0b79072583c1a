//! What a refused call tells: the status with its google.rpc details.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A refused call.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// The message.
    pub message: String,
    /// `ErrorInfo.reason`.
    pub reason: String,
    /// `ErrorInfo.metadata`.
    pub metadata: HashMap<String, String>,
    /// `BadRequest`: field and reason of each violation.
    pub fields: Vec<(String, String)>,
    /// All details, for people.
    pub details: String,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().cloned();
        let fields = details.bad_request().map(|bad| &bad.field_violations).into_iter().flatten();
        if let Some(info) = &info {
            assert_eq!(info.domain, "aurareels", "{status:?}");
        }
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            reason: info.as_ref().map(|info| info.reason.clone()).unwrap_or_default(),
            metadata: info.map(|info| info.metadata).unwrap_or_default(),
            fields: fields.map(|field| (field.field.clone(), field.reason.clone())).collect(),
            details: format!("{details:?}"),
        }
    }
}

impl Refusal {
    /// Demands a code and a reason, and a message for people.
    #[track_caller]
    pub fn is(&self, code: Code, reason: &str) -> &Self {
        assert_eq!((self.code, self.reason.as_str()), (code, reason), "{self:#?}");
        assert!(!self.message.is_empty(), "{self:#?}");
        self
    }

    /// Demands that this field is named, for this reason.
    #[track_caller]
    pub fn names(&self, field: &str, reason: &str) -> &Self {
        let named = self.fields.iter().any(|(name, why)| name == field && why == reason);
        assert!(named, "{field} {reason} is not named: {self:#?}");
        self
    }
}
