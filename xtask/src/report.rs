//! What a stage says at its end.

/// What a stage has to say when it passed.
#[derive(Default)]
pub(crate) struct Report {
    /// A short remark for the table, such as "no earlier proto to compare with".
    pub(crate) remark: Option<String>,
    /// The closing lines of the test runner, word for word.
    pub(crate) closing: Vec<String>,
}

impl Report {
    pub(crate) fn remark(text: impl Into<String>) -> Self {
        Self { remark: Some(text.into()), closing: Vec::new() }
    }
}

/// A test runner that ended with failing tests: the error keeps its closing lines for the end of the log.
#[derive(Debug)]
pub(crate) struct TestsFailed {
    pub(crate) what: String,
    pub(crate) closing: Vec<String>,
}

impl std::fmt::Display for TestsFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for TestsFailed {}
