//! The tables against what the pages say, written out so that a change of a row shows.

use super::*;

/// Every code of the sheets, with the class the engine must see. Written out, so that a change of the table shows.
#[test]
fn api_codes_are_classed_as_the_pages_say() {
    let now = DateTime::UNIX_EPOCH;
    let until = Some(now + RATE_LIMIT_WAIT);
    let expected = [
        ("access_token_invalid", FailureClass::AuthExpired),
        ("scope_not_authorized", FailureClass::NeedsReconnect),
        ("scope_permission_missed", FailureClass::NeedsReconnect),
        ("rate_limit_exceeded", FailureClass::RateLimited { until }),
        ("invalid_param", FailureClass::InvalidRequest),
        ("invalid_params", FailureClass::InvalidRequest),
        ("invalid_file_upload", FailureClass::InvalidMedia),
        ("spam_risk_too_many_posts", FailureClass::Quota { until: None }),
        ("spam_risk_too_many_pending_share", FailureClass::Quota { until: None }),
        ("spam_risk_user_banned_from_posting", FailureClass::Permanent),
        ("reached_active_user_cap", FailureClass::Quota { until: None }),
        ("unaudited_client_can_only_post_to_private_accounts", FailureClass::Permanent),
        ("url_ownership_unverified", FailureClass::Permanent),
        ("privacy_level_option_mismatch", FailureClass::InvalidRequest),
        ("invalid_publish_id", FailureClass::Permanent),
        ("token_not_authorized_for_specified_publish_id", FailureClass::Permanent),
        ("publish_not_cancellable", FailureClass::InvalidRequest),
        ("app_version_check_failed", FailureClass::Permanent),
        ("invalid_refresh_token", FailureClass::NeedsReconnect),
    ];
    for (code, class) in &expected {
        let failure = refusal(code, None, Some(now), None).unwrap();
        assert_eq!(&failure.class, class, "{code}");
        assert_eq!(failure.rule, *code);
        assert!(!failure.message.is_empty() && !failure.remediation.is_empty());
    }
    assert_eq!(expected.len(), REFUSALS.len(), "a row without expectation");
    for open in ["internal_error", "", "ok", "something_new"] {
        assert!(refusal(open, None, Some(now), None).is_none(), "`{open}` proves nothing");
    }
}

#[test]
fn fail_reasons_are_classed_as_the_page_says() {
    let expected = [
        ("file_format_check_failed", FailureClass::InvalidMedia),
        ("duration_check_failed", FailureClass::InvalidMedia),
        ("frame_rate_check_failed", FailureClass::InvalidMedia),
        ("picture_size_check_failed", FailureClass::InvalidMedia),
        ("internal", FailureClass::Transient),
        ("video_pull_failed", FailureClass::Transient),
        ("photo_pull_failed", FailureClass::Transient),
        ("publish_cancelled", FailureClass::Permanent),
        ("auth_removed", FailureClass::NeedsReconnect),
        ("spam_risk_too_many_posts", FailureClass::Quota { until: None }),
        ("spam_risk_user_banned_from_posting", FailureClass::Permanent),
        ("spam_risk_text", FailureClass::InvalidRequest),
        ("spam_risk", FailureClass::InvalidRequest),
    ];
    for (reason, class) in &expected {
        assert_eq!(&fail_reason(reason).class, class, "{reason}");
    }
    assert_eq!(expected.len(), FAIL_REASONS.len(), "a row without expectation");
    assert_eq!(fail_reason("new_reason").class, FailureClass::Permanent);
}

#[test]
fn oauth_errors_are_classed_as_the_page_says() {
    let expected = [
        ("access_denied", FailureClass::NeedsReconnect),
        ("invalid_client", FailureClass::Permanent),
        ("invalid_grant", FailureClass::NeedsReconnect),
        ("invalid_request", FailureClass::Permanent),
        ("invalid_scope", FailureClass::Permanent),
        ("unauthorized_client", FailureClass::Permanent),
        ("unsupported_grant_type", FailureClass::Permanent),
        ("unsupported_response_type", FailureClass::Permanent),
        ("non_sandbox_target", FailureClass::Permanent),
        ("server_error", FailureClass::Transient),
        ("temporarily_unavailable", FailureClass::Transient),
    ];
    for (error, class) in &expected {
        assert_eq!(&oauth(error).class, class, "{error}");
    }
    assert_eq!(expected.len(), OAUTH.len(), "a row without expectation");
    assert_eq!(oauth("new").class, FailureClass::Transient, "never ends a connection");
    assert!(is_oauth_trouble("server_error") && is_oauth_trouble("new") && !is_oauth_trouble("invalid_grant"));
}

#[test]
fn a_longer_wait_asked_for_is_kept_and_words_are_passed_on() {
    let now = DateTime::UNIX_EPOCH;
    let failure = refusal("rate_limit_exceeded", None, Some(now), Some(TimeDelta::seconds(90))).unwrap();
    assert_eq!(failure.class, FailureClass::RateLimited { until: Some(now + TimeDelta::seconds(90)) });
    let failure = refusal("invalid_params", Some("The chunk size\n is invalid"), None, None).unwrap();
    assert_eq!(failure.message, "TikTok refuses the request: The chunk size is invalid");
}
