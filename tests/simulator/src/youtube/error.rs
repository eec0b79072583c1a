//! Errors as Google sends them: `{"error": {code, message, errors: [{domain, reason, message}], status}}`.
//!
//! A client decides by `errors[0].reason`; messages may hold HTML, and `status` is only in newer answers. The token
//! endpoint has a flat envelope of its own.

use serde_json::{Value, json};

use crate::reply::{self, Reply};
use crate::youtube::rules::Rules;

/// A refused API call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) domain: &'static str,
    pub(crate) message: String,
    /// `location` and `locationType`.
    pub(crate) location: Option<(String, &'static str)>,
}

/// status, reason, domain, message.
type Row = (u16, &'static str, &'static str, &'static str);

/// Every reason of the sheet's §2.
const ROWS: &[Row] = &[
    (400, "invalidTitle", "youtube.video", "The request metadata specifies an invalid or empty video title."),
    (400, "invalidDescription", "youtube.video", "The request metadata specifies an invalid video description."),
    (400, "invalidTags", "youtube.video", "The request metadata specifies invalid video keywords."),
    (400, "invalidCategoryId", "youtube.video", "The request metadata specifies an invalid video category ID."),
    (400, "invalidFilename", "youtube.video", "The video filename specified in the Slug header is invalid."),
    (400, "invalidVideoMetadata", "youtube.video", "The request metadata is invalid."),
    (
        400,
        "invalidRecordingDetails",
        "youtube.video",
        "The recordingDetails object contains invalid recording details.",
    ),
    (400, "invalidVideoGameRating", "youtube.video", "The request metadata specifies an invalid video game rating."),
    (
        400,
        "defaultLanguageNotSet",
        "youtube.video",
        "The request is trying to add localized video details without specifying the default language of the video details.",
    ),
    (400, "invalidPublishAt", "youtube.video", "The request metadata specifies an invalid scheduled publishing time."),
    (400, "channelOrVideoIdMissing", "youtube.commentThread", "The commentThread resource names no channel or video."),
    (400, "commentTextRequired", "youtube.commentThread", "The comment has no text."),
    (400, "commentTextTooLong", "youtube.commentThread", "The comment's text is too long."),
    (400, "processingFailure", "youtube.commentThread", "The API server failed to process the request."),
    (403, "commentsDisabled", "youtube.commentThread", "The video has disabled comments."),
    (400, "mediaBodyRequired", "youtube.video", "The request does not include the video content."),
    (400, "uploadLimitExceeded", "youtube.video", "The user has exceeded the number of videos they may upload."),
    (400, "invalidImage", "youtube.thumbnail", "The provided image content is invalid."),
    (400, "missingRequiredParameter", "youtube.parameter", "The request is missing a required parameter."),
    (400, "unexpectedParameter", "youtube.parameter", "The request specifies an unexpected parameter."),
    (
        400,
        "incompatibleParameters",
        "youtube.parameter",
        "The request specifies two or more parameters that cannot be used in the same request.",
    ),
    (
        400,
        "invalidFilters",
        "youtube.parameter",
        "The request contains an invalid combination of search filters and/or restrictions.",
    ),
    (400, "invalidPageToken", "youtube.parameter", "The request specifies an invalid page token."),
    (400, "unknownPart", "youtube.part", "The part parameter names an unknown part."),
    (400, "invalidValue", "youtube.parameter", "The request contains an invalid value."),
    (400, "badRequest", "global", "Invalid JSON payload received."),
    (401, "authError", "global", "Invalid Credentials"),
    (401, "required", "global", "Login Required."),
    (
        401,
        "authorizationRequired",
        "youtube.common",
        "The request uses the mine parameter but is not properly authorized.",
    ),
    (401, "youtubeSignupRequired", "youtube.header", "Unauthorized"),
    (
        403,
        "quotaExceeded",
        "youtube.quota",
        "The request cannot be completed because you have exceeded your <a href=\"/youtube/v3/getting-started#quota\">quota</a>.",
    ),
    (403, "dailyLimitExceeded", "usageLimits", "Daily Limit Exceeded"),
    (403, "rateLimitExceeded", "usageLimits", "Rate Limit Exceeded"),
    (403, "userRateLimitExceeded", "usageLimits", "User Rate Limit Exceeded"),
    (429, "rateLimitExceeded", "usageLimits", "Resource has been exhausted (e.g. check quota)."),
    (
        429,
        "uploadRateLimitExceeded",
        "youtube.thumbnail",
        "The channel has uploaded too many thumbnails recently. Please try the request again later.",
    ),
    (403, "forbidden", "youtube.common", "Access forbidden. The request may not be properly authorized."),
    (403, "forbiddenPrivacySetting", "youtube.video", "The request metadata specifies an invalid privacy setting."),
    (403, "forbiddenLicenseSetting", "youtube.video", "The request metadata specifies an invalid license."),
    (403, "insufficientPermissions", "global", "Request had insufficient authentication scopes."),
    (
        403,
        "accessNotConfigured",
        "usageLimits",
        "YouTube Data API v3 has not been used in project 300000000003 before or it is disabled.",
    ),
    (403, "authenticatedUserAccountClosed", "youtube.common", "The authenticated user's YouTube account is closed."),
    (
        403,
        "authenticatedUserAccountSuspended",
        "youtube.common",
        "The authenticated user's YouTube account is suspended.",
    ),
    (
        403,
        "authenticatedUserNotChannel",
        "youtube.common",
        "The authenticated user's account is not a YouTube channel.",
    ),
    (
        403,
        "accountDelegationForbidden",
        "youtube.common",
        "The authenticated user may not act on behalf of the specified Google account.",
    ),
    (404, "videoNotFound", "youtube.video", "The video that you are trying to access cannot be found."),
    (
        404,
        "playlistNotFound",
        "youtube.playlistItem",
        "The playlist identified with the request's <code>playlistId</code> parameter cannot be found.",
    ),
    (404, "notFound", "global", "Not Found"),
    (409, "conflict", "global", "The operation conflicts with another one."),
    (412, "failedPrecondition", "youtube.thumbnail", "The thumbnail cannot be set at the moment."),
    (500, "backendError", "global", "Backend Error"),
    (500, "internalServerError", "global", "Internal error encountered."),
    (503, "backendError", "global", "Backend Error"),
    (503, "serviceUnavailable", "global", "The service is currently unavailable."),
];

/// Every refusal that the sheet knows, whatever request Google lists it for, as fault rules give them.
pub(crate) fn refusals() -> Vec<crate::refusal::Refusal> {
    let refusal = |row: &Row| {
        let body = Refusal::from_row(row).body(&Rules::default());
        crate::refusal::Refusal { name: format!("{} {}", row.0, row.1), status: row.0, body: Some(body) }
    };
    ROWS.iter().map(refusal).collect()
}

impl Refusal {
    /// A row of the table; the first with this reason.
    pub(crate) fn of(reason: &str) -> Self {
        let row = ROWS.iter().find(|row| row.1 == reason).unwrap_or(&(400, "badRequest", "global", "Bad Request"));
        Refusal::from_row(row)
    }

    fn from_row(row: &Row) -> Self {
        Refusal {
            status: row.0,
            reason: row.1.to_owned(),
            domain: row.2,
            message: row.3.to_owned(),
            location: match row.1 {
                "authError" | "required" | "youtubeSignupRequired" => Some(("Authorization".to_owned(), "header")),
                _ => None,
            },
        }
    }

    /// `quotaExceeded` or `503/backendError`, as the control API names errors; `None` if there is no such row.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let row = match text.split_once('/') {
            None => ROWS.iter().find(|row| row.1 == text)?,
            Some((status, reason)) => {
                let status: u16 = status.parse().ok()?;
                ROWS.iter().find(|row| row.0 == status && row.1 == reason)?
            }
        };
        Some(Refusal::from_row(row))
    }

    /// The same refusal with other words.
    pub(crate) fn say(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The same refusal about a parameter or a field of the body.
    pub(crate) fn at(mut self, location: &str, kind: &'static str) -> Self {
        self.location = Some((location.to_owned(), kind));
        self
    }

    /// A query parameter that must be there.
    pub(crate) fn missing(parameter: &str) -> Self {
        Refusal::of("missingRequiredParameter")
            .say(format!("The request is missing a required parameter: {parameter}"))
            .at(parameter, "parameter")
    }

    /// The envelope.
    pub(crate) fn body(&self, rules: &Rules) -> Value {
        let message = if rules.html_in_messages { self.message.clone() } else { without_tags(&self.message) };
        let mut entry = json!({ "message": message, "domain": self.domain, "reason": self.reason });
        if let Some((location, kind)) = &self.location {
            entry["location"] = json!(location);
            entry["locationType"] = json!(kind);
        }
        let mut error = json!({ "code": self.status, "message": message, "errors": [entry] });
        if rules.error_status {
            error["status"] = json!(match self.status {
                400 => "INVALID_ARGUMENT",
                401 => "UNAUTHENTICATED",
                403 => "PERMISSION_DENIED",
                404 => "NOT_FOUND",
                409 => "ABORTED",
                412 => "FAILED_PRECONDITION",
                429 => "RESOURCE_EXHAUSTED",
                503 => "UNAVAILABLE",
                _ => "INTERNAL",
            });
        }
        json!({ "error": error })
    }

    /// The envelope as an answer.
    pub(crate) fn reply(&self, rules: &Rules) -> Reply {
        let reply = reply::json(self.status, &self.body(rules));
        if self.status == 401 {
            reply::header(
                reply,
                "www-authenticate",
                "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"",
            )
        } else {
            reply
        }
    }
}

fn without_tags(text: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => plain.push(letter),
            _ => {}
        }
    }
    plain
}

/// The token endpoint's own envelope.
pub(crate) fn oauth(status: u16, error: &str, description: &str) -> Reply {
    let body = json!({ "error": error, "error_description": description });
    reply::header(reply::json(status, &body), "cache-control", "no-cache, no-store, max-age=0, must-revalidate")
}
