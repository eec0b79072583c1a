//! What the routes of the dashboard share.

use std::sync::Arc;

use super::{super::auth::session::Cookies, files::Files, wrong_tries::WrongTries};
use crate::app::dashboard::Dashboard;

/// What the dashboard needs.
pub(in crate::grpc) struct Desk {
    pub(super) dashboard: Arc<Dashboard>,
    pub(super) cookies: Cookies,
    pub(super) files: Files,
    pub(super) wrong_tries: WrongTries,
}
