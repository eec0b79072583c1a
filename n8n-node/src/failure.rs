//! The one shape in which everything that goes wrong arrives in JavaScript.
//!
//! `code` is the gRPC code's name, `reason` a stable word: the core's `ErrorInfo.reason`, or one of [`Reason`] where no
//! answer of the core exists. The difference between "was not sent" and "may have been done" matters to callers:
//! [`Reason::CoreUnreachable`] is the former, [`Reason::ConnectionLost`] and [`Reason::NoAnswer`] are the latter.

use std::{collections::HashMap, error::Error as _, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Reasons that the addon itself gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No connection could be made: nothing was sent.
    CoreUnreachable,
    /// The connection broke: what was asked may have been done.
    ConnectionLost,
    /// No answer within the deadline: what was asked may have been done.
    NoAnswer,
    /// The caller cancelled: what was asked may have been done.
    Cancelled,
    /// The process was asked to end while something was waited for; what was asked goes on in the core.
    ProcessEnds,
    /// The address of the core cannot be used.
    AddressInvalid,
    /// The CA certificate cannot be read.
    CertificateInvalid,
    /// The API key or the user id cannot be sent as a header.
    CredentialInvalid,
    /// The request does not fit the message: a mistake of the calling code.
    RequestInvalid,
    /// The answer cannot be read: the core speaks another version.
    AnswerUnreadable,
    /// The addon itself is broken.
    Bug,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::CoreUnreachable => "CORE_UNREACHABLE",
            Self::ConnectionLost => "CONNECTION_LOST",
            Self::NoAnswer => "NO_ANSWER",
            Self::Cancelled => "CANCELLED",
            Self::ProcessEnds => "PROCESS_ENDS",
            Self::AddressInvalid => "ADDRESS_INVALID",
            Self::CertificateInvalid => "CERTIFICATE_INVALID",
            Self::CredentialInvalid => "CREDENTIAL_INVALID",
            Self::RequestInvalid => "REQUEST_INVALID",
            Self::AnswerUnreadable => "ANSWER_UNREADABLE",
            Self::Bug => "ADDON_BUG",
        }
    }

    fn code(self) -> Code {
        match self {
            Self::CoreUnreachable | Self::ConnectionLost | Self::ProcessEnds => Code::Unavailable,
            Self::NoAnswer => Code::DeadlineExceeded,
            Self::Cancelled => Code::Cancelled,
            Self::AddressInvalid | Self::CertificateInvalid | Self::CredentialInvalid | Self::RequestInvalid => {
                Code::InvalidArgument
            }
            Self::AnswerUnreadable | Self::Bug => Code::Internal,
        }
    }
}

/// A field that the core refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldViolation {
    /// The field: "content.caption".
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) description: String,
}

/// What went wrong. Boxed where it travels in a `Result`, because it is large and rare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The gRPC code.
    pub(crate) code: Code,
    /// A stable word; empty when an answer carried none.
    pub(crate) reason: String,
    /// A sentence for people.
    pub(crate) message: String,
    /// Facts by name: `remedy` says what to do.
    pub(crate) metadata: HashMap<String, String>,
    /// When it makes sense to ask again, where the core knows.
    pub(crate) retry_delay: Option<Duration>,
    /// Every field that was refused.
    pub(crate) field_violations: Vec<FieldViolation>,
}

impl Failure {
    /// A failure that no answer of the core stands behind.
    pub(crate) fn own(reason: Reason, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            code: reason.code(),
            reason: reason.name().to_owned(),
            message: message.into(),
            metadata: HashMap::new(),
            retry_delay: None,
            field_violations: Vec::new(),
        })
    }

    /// Whether a stream may be opened again after it.
    pub(crate) fn is_passing(&self) -> bool {
        match self.code {
            Code::Unavailable
            | Code::Unknown
            | Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            | Code::DataLoss => true,
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => false,
        }
    }
}

impl From<Status> for Box<Failure> {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        if details.error_info().is_none()
            && let Some(reason) = transport_reason(&status)
        {
            return Failure::own(reason, transport_text(&status));
        }
        let info = details.error_info();
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        Self::new(Failure {
            code: status.code(),
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            metadata: info.map(|info| info.metadata.clone()).unwrap_or_default(),
            retry_delay: details.retry_info().and_then(|info| info.retry_delay),
            field_violations: violations
                .iter()
                .map(|v| FieldViolation { field: v.field.clone(), description: v.description.clone() })
                .collect(),
        })
    }
}

/// What a status without the core's details says about the connection. tonic reports a connection that could not be
/// made as `tonic::ConnectError` in the chain of sources; one that broke has another source, or none and a text of h2's.
fn transport_reason(status: &Status) -> Option<Reason> {
    let mut source = status.source();
    while let Some(error) = source {
        if error.is::<tonic::ConnectError>() {
            return Some(Reason::CoreUnreachable);
        }
        source = error.source();
    }
    match status.code() {
        Code::DeadlineExceeded => Some(Reason::NoAnswer),
        Code::Cancelled if status.message() == "Timeout expired" => Some(Reason::NoAnswer),
        // A proxy or a core that is stopping answers UNAVAILABLE by itself, without a source: then nobody knows.
        Code::Unavailable | Code::Cancelled => Some(Reason::ConnectionLost),
        Code::Unknown | Code::Internal if status.source().is_some() => Some(Reason::ConnectionLost),
        _ => None,
    }
}

/// The whole chain in one line: "transport error" alone helps nobody.
fn transport_text(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = status.source();
    while let Some(error) = source {
        let part = error.to_string();
        if !text.contains(&part) {
            text = if text.is_empty() { part } else { format!("{text}: {part}") };
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn details_of_the_core_are_kept() {
        let mut details = ErrorDetails::new();
        details.set_error_info("CAPTION_TOO_LONG", "aurareels", [("remedy".to_owned(), "shorten it".to_owned())]);
        details.set_retry_info(Some(Duration::from_millis(1500)));
        details.add_bad_request_violation("content.caption", "2300 of 2200 UTF-16 units");
        let failure =
            Box::<Failure>::from(Status::with_error_details(Code::InvalidArgument, "caption is too long", details));
        assert_eq!(failure.code, Code::InvalidArgument);
        assert_eq!(failure.reason, "CAPTION_TOO_LONG");
        assert_eq!(failure.message, "caption is too long");
        assert_eq!(failure.metadata["remedy"], "shorten it");
        assert_eq!(failure.retry_delay, Some(Duration::from_millis(1500)));
        let violation =
            FieldViolation { field: "content.caption".to_owned(), description: "2300 of 2200 UTF-16 units".to_owned() };
        assert_eq!(failure.field_violations, [violation]);
        assert!(!failure.is_passing());
    }

    #[test]
    fn an_answer_of_unavailable_with_details_stays_the_cores_word() {
        let mut details = ErrorDetails::new();
        details.set_error_info("DATABASE_UNAVAILABLE", "aurareels", HashMap::new());
        let failure =
            Box::<Failure>::from(Status::with_error_details(Code::Unavailable, "the database is away", details));
        assert_eq!((failure.reason.as_str(), failure.is_passing()), ("DATABASE_UNAVAILABLE", true));
    }

    #[test]
    fn a_cut_stream_and_a_timeout_say_that_the_outcome_is_unknown() {
        let cut = Status::from_error(Box::new(std::io::Error::other("error reading a body from connection")));
        assert_eq!(Box::<Failure>::from(cut).reason, "CONNECTION_LOST");
        assert_eq!(Box::<Failure>::from(Status::cancelled("Timeout expired")).reason, "NO_ANSWER");
        assert_eq!(Box::<Failure>::from(Status::unavailable("")).reason, "CONNECTION_LOST");
    }
}
