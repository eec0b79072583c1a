//! `/dashboard/`: the page and its files ([`files`]), and the sessions of those who use it ([`sessions`]).
//!
//! Guaranteed: files and page are the same for everybody and need no session; what a session shows comes through the RPCs.

mod desk;
mod files;
mod sessions;
mod wrong_tries;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get},
};
use url::Url;

use self::{desk::Desk, files::Files, wrong_tries::WrongTries};
use super::auth::session::Cookies;
use crate::app::dashboard::Dashboard;

/// Longest body of a request.
const BODY: usize = 4096;

/// The routes, for the core at this address.
pub(super) fn router(dashboard: Arc<Dashboard>, public_url: &Url) -> Router {
    let (cookies, files) = (Cookies::of(public_url), Files::of(public_url));
    let desk = Desk { dashboard, cookies, files, wrong_tries: WrongTries::default() };
    Router::new()
        .route("/dashboard", get(to_the_page))
        .route("/dashboard/", get(index))
        .route("/dashboard/session", get(sessions::mine).post(sessions::log_in).delete(sessions::log_out))
        .route("/dashboard/sessions", get(view_or_list))
        .route("/dashboard/sessions/{id}", delete(sessions::end))
        .route("/dashboard/{*path}", get(below))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(Arc::new(desk))
}

/// By a relative address: the core may be reached below a path.
async fn to_the_page() -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, HeaderValue::from_static("dashboard/"))]).into_response()
}

async fn index(State(desk): State<Arc<Desk>>) -> Response {
    desk.files.index()
}

/// The address is that of a view too: who opens it wants the page, which then asks for the list.
async fn view_or_list(state: State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    match accepts.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html")) {
        true => index(state).await,
        false => sessions::list(state, headers).await,
    }
}

async fn below(
    State(desk): State<Arc<Desk>>,
    Path(path): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    match desk.files.at(&path, &headers) {
        Some(response) => response,
        None => super::pages::unknown(request).await,
    }
}
