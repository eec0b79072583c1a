/**
 * The messages of `proto/`, as they cross the boundary to the native module. Made by `n8n-node/src/types.rs`; do not
 * edit. A name that ends in `Input` is a message on its way to the core: what is left out is not given.
 */

import type { IDataObject } from 'n8n-workflow';

export type AccountHealth =
	| 'ok'
	| 'expiring'
	| 'needs_reconnect';

export type CaptionUnit =
	| 'utf16'
	| 'code_points'
	| 'bytes';

export type EventType =
	| 'post_created'
	| 'post_updated'
	| 'post_status_changed'
	| 'post_deleted'
	| 'post_details'
	| 'account_connected'
	| 'account_needs_reconnect'
	| 'account_disconnected'
	| 'post_progress'
	| 'webhook_disabled';

export type FacebookTransfer =
	| 'upload'
	| 'file_url';

export type InstagramTransfer =
	| 'video_url'
	| 'resumable';

export type LoginFlavour =
	| 'tiktok'
	| 'facebook_login'
	| 'instagram_login'
	| 'google';

export type OnLongCaption =
	| 'refuse'
	| 'cut';

export type Platform =
	| 'tiktok'
	| 'instagram'
	| 'facebook'
	| 'youtube';

export type PostOrder =
	| 'newest_first'
	| 'oldest_first';

export type PostStatus =
	| 'draft'
	| 'scheduled'
	| 'publishing'
	| 'confirming'
	| 'published'
	| 'failed'
	| 'cancelled'
	| 'needs_review'
	| 'delivered';

export type PublishNowResult =
	| 'started'
	| 'already_under_way'
	| 'superseded';

export type RefreshResult =
	| 'refreshed'
	| 'still_valid'
	| 'not_refreshable';

export type Resolution =
	| 'published'
	| 'not_published';

export type Scheduler =
	| 'core'
	| 'n8n';

export type StepOutcome =
	| 'sending'
	| 'accepted'
	| 'no_effect'
	| 'unknown'
	| 'found'
	| 'absent';

export type TikTokTransfer =
	| 'file_upload'
	| 'pull_from_url';

export type WebhookDeliveryStatus =
	| 'pending'
	| 'delivered'
	| 'failed';

export type YouTubePublish =
	| 'two_steps'
	| 'one_step';

export interface Account {
	id: number;
	wp_user_id: number;
	platform: Platform | null;
	account_id: string;
	account_name: string;
	account_username: string;
	account_email: string;
	profile_picture_url: string;
	token_expires_at: string | null;
	token_scope: string[];
	is_active: boolean;
	last_token_refresh: string | null;
	metadata: IDataObject | null;
	created_at: string | null;
	updated_at: string | null;
	health: AccountHealth | null;
	health_reason: string;
	login_flavour: LoginFlavour | null;
	refresh_token_expires_at: string | null;
	missing_scope: string[];
}

export interface AccountSummary {
	id: number;
	platform: Platform | null;
	account_name: string;
	account_username: string;
	health: AccountHealth | null;
	token_expires_at: string | null;
	is_active: boolean;
}

export interface AiMetadataInput {
	titles?: string[];
	description?: string;
	hashtags?: string[];
	transcription?: string;
}

export interface AiMetadata {
	titles: string[];
	description: string;
	hashtags: string[];
	transcription: string;
}

export interface AnalyticsGains {
	total: AnalyticsNumbers | null;
	steps: AnalyticsPoint[];
	step: string | null;
}

export interface AnalyticsNumbers {
	views: number | null;
	likes: number | null;
	comments: number | null;
	shares: number | null;
	saves: number | null;
	reach: number | null;
	engagement_rate: number | null;
}

export interface AnalyticsPoint {
	at: string | null;
	numbers: AnalyticsNumbers | null;
}

export interface AppBudget {
	name: string;
	used: number;
	total: number;
	resets_at: string | null;
}

export interface Attempt {
	number: number;
	steps: AttemptStep[];
}

export interface AttemptStep {
	number: number;
	step: string;
	point_of_no_return: boolean;
	outcome: StepOutcome | null;
	sent_at: string | null;
	answered_at: string | null;
	evidence: IDataObject | null;
}

export interface CancelPostRequestInput {
	id?: number;
}

export interface CheckAccountRequestInput {
	id?: number;
}

export interface CompleteConnectRequestInput {
	platform?: Platform | null;
	code?: string;
	state?: string;
	browser_secret?: string;
}

export interface CompleteConnectResponse {
	accounts: Account[];
	missing_scope: string[];
}

export interface ConnectAccountRequestInput {
	platform?: Platform | null;
	login_flavour?: LoginFlavour | null;
	redirect_uri?: string;
	account_id?: number | null;
	browser_secret?: string;
	ends_at_core?: boolean;
}

export interface ConnectAccountResponse {
	auth_url: string;
	state: string;
	expires_at: string | null;
}

export interface CreateDraftRequestInput {
	account_id?: number;
	content?: PostContentInput | null;
	scheduled_at?: ScheduleTimeInput | null;
	request_key?: string;
}

export interface CreateWebhookEndpointRequestInput {
	url?: string;
	description?: string;
	event_types?: string[];
	platforms?: Platform[];
	all_users?: boolean;
}

export interface CreateWebhookEndpointResponse {
	endpoint: WebhookEndpoint | null;
	secret: string;
}

export interface DeleteDraftRequestInput {
	id?: number;
}

export type DeleteDraftResponse = Record<string, never>;

export interface DeleteMediaRequestInput {
	media_id?: string;
}

export type DeleteMediaResponse = Record<string, never>;

export interface DeleteVideoJobRequestInput {
	video_job_id?: string;
}

export type DeleteVideoJobResponse = Record<string, never>;

export interface DeleteWebhookEndpointRequestInput {
	id?: number;
}

export type DeleteWebhookEndpointResponse = Record<string, never>;

export interface DisconnectAccountRequestInput {
	id?: number;
}

export interface DisconnectAccountResponse {
	account: Account | null;
	revoked: boolean;
	message: string;
	failed_posts: number;
}

export interface Event {
	sequence: number;
	type: EventType | null;
	created_at: string | null;
	post_id: number;
	account_id: number;
	previous_status: PostStatus | null;
	status: PostStatus | null;
	post: Post | null;
	account: Account | null;
	reason: string;
	wp_user_id: number;
	webhook_id: number;
}

export interface FacebookOptionsInput {
	transfer?: FacebookTransfer | null;
	title?: string;
	first_comment?: string;
}

export interface FacebookOptions {
	transfer: FacebookTransfer | null;
	title: string;
	first_comment: string;
}

export interface GetAccountRequestInput {
	id?: number;
}

export interface GetMediaRequestInput {
	media_id?: string;
}

export interface GetPostAnalyticsRequestInput {
	post_id?: number;
}

export interface GetPostRequestInput {
	id?: number;
}

export interface GetPublishOptionsRequestInput {
	id?: number;
}

export interface GetQuotaRequestInput {
	id?: number;
}

export interface GetUploadRequestInput {
	upload_id?: string;
}

export interface GetVideoJobRequestInput {
	video_job_id?: string;
}

export interface GetVideoRequirementsRequestInput {
	platform?: Platform | null;
}

export interface GetWebhookDeliveryRequestInput {
	id?: number;
}

export interface GetWebhookEndpointRequestInput {
	id?: number;
}

export interface InstagramOptionsInput {
	transfer?: InstagramTransfer | null;
	share_to_feed?: boolean | null;
	thumb_offset_ms?: number | null;
	collaborators?: string[];
	audio_name?: string;
	is_ai_generated?: boolean;
	first_comment?: string;
}

export interface InstagramOptions {
	transfer: InstagramTransfer | null;
	share_to_feed: boolean | null;
	thumb_offset_ms: number | null;
	collaborators: string[];
	audio_name: string;
	is_ai_generated: boolean;
	first_comment: string;
}

export interface ListAccountsRequestInput {
	platform?: Platform | null;
	active?: boolean | null;
	page_size?: number;
	page_token?: string;
}

export interface ListAccountsResponse {
	accounts: Account[];
	next_page_token: string;
}

export interface ListAnalyticsRequestInput {
	social_account_id?: number;
	platform?: Platform | null;
	since?: string | null;
	until?: string | null;
	step?: string | null;
	page_size?: number;
	page_token?: string;
	with_history?: boolean;
}

export interface ListAnalyticsResponse {
	posts: PostAnalytics[];
	next_page_token: string;
	gains: AnalyticsGains | null;
}

export interface ListEventsRequestInput {
	after_sequence?: number | null;
	page_size?: number;
}

export interface ListEventsResponse {
	events: Event[];
	position: number;
}

export interface ListMediaRequestInput {
	page_size?: number;
	page_token?: string;
}

export interface ListMediaResponse {
	media: Media[];
	next_page_token: string;
	used_bytes: number;
	quota_bytes: number;
}

export type ListPlatformsRequestInput = Record<string, never>;

export interface ListPlatformsResponse {
	platforms: PlatformInfo[];
	core_version: string;
	time_zone_rules: string;
}

export interface ListPostsRequestInput {
	statuses?: PostStatus[];
	platform?: Platform | null;
	account_id?: number;
	from?: string | null;
	until?: string | null;
	video_job_id?: string;
	page_size?: number;
	page_token?: string;
	skip?: number;
	include_total?: boolean;
	search?: string;
	order?: PostOrder | null;
}

export interface ListPostsResponse {
	posts: Post[];
	next_page_token: string;
	total: number | null;
}

export interface ListVideoJobsRequestInput {
	page_size?: number;
	page_token?: string;
}

export interface ListVideoJobsResponse {
	video_jobs: VideoJob[];
	next_page_token: string;
}

export interface ListWebhookDeliveriesRequestInput {
	endpoint_id?: number;
	status?: WebhookDeliveryStatus | null;
	page_size?: number;
	page_token?: string;
}

export interface ListWebhookDeliveriesResponse {
	deliveries: WebhookDelivery[];
	next_page_token: string;
}

export interface ListWebhookEndpointsRequestInput {
	all_users?: boolean;
}

export interface ListWebhookEndpointsResponse {
	endpoints: WebhookEndpoint[];
}

export interface Media {
	media_id: string;
	sha256: string;
	size_bytes: number;
	file_name: string;
	content_type: string;
	facts: VideoFacts | null;
	checks: VideoCheck[];
	warnings: Warning[];
	created_at: string | null;
	expires_at: string | null;
	existed: boolean;
}

export interface PlatformInfo {
	platform: Platform | null;
	display_name: string;
	configured: boolean;
	login_flavours: LoginFlavour[];
	missing_settings: string[];
}

export interface PlatformNumber {
	name: string;
	value: number;
}

export interface PlatformOptionsInput {
	tiktok?: TikTokOptionsInput | null;
	instagram?: InstagramOptionsInput | null;
	facebook?: FacebookOptionsInput | null;
	youtube?: YouTubeOptionsInput | null;
}

export interface PlatformOptions {
	tiktok: TikTokOptions | null;
	instagram: InstagramOptions | null;
	facebook: FacebookOptions | null;
	youtube: YouTubeOptions | null;
}

export interface Post {
	id: number;
	wp_user_id: number;
	video_job_id: string;
	social_account_id: number;
	platform: Platform | null;
	status: PostStatus | null;
	scheduled_at: string | null;
	published_at: string | null;
	platform_post_id: string;
	platform_post_url: string;
	video_url: string;
	thumbnail_url: string;
	caption: string;
	hashtags: string[];
	mentions: string[];
	location: string;
	privacy_level: string;
	allow_comments: boolean | null;
	allow_duet: boolean | null;
	allow_stitch: boolean | null;
	error_message: string;
	retry_count: number;
	last_retry_at: string | null;
	metadata: IDataObject | null;
	created_at: string | null;
	updated_at: string | null;
	account: AccountSummary | null;
	error: PostError | null;
	revision: number;
	request_key: string;
	request_key_derived: boolean;
	scheduler: Scheduler | null;
	platform_options: PlatformOptions | null;
	warnings: Warning[];
	waiting_until: string | null;
	waiting_for: string;
	retry_available: boolean;
	full_caption: string;
	uploaded_bytes: number | null;
	video_size_bytes: number | null;
	all_platform_post_ids: string[];
	attempts: Attempt[];
	media_id: string;
	late_policy_seconds: number;
}

export interface PostAnalytics {
	post_id: number;
	social_account_id: number;
	platform: Platform | null;
	published_at: string | null;
	numbers: AnalyticsNumbers | null;
	platform_numbers: PlatformNumber[];
	last_synced_at: string | null;
	next_sync_at: string | null;
	problem: PostError | null;
	history: AnalyticsPoint[];
}

export interface PostContentInput {
	video_job_id?: string;
	video_url?: string;
	media_id?: string;
	thumbnail_url?: string;
	caption?: string;
	hashtags?: string[];
	mentions?: string[];
	location?: string;
	privacy_level?: string;
	allow_comments?: boolean | null;
	allow_duet?: boolean | null;
	allow_stitch?: boolean | null;
	metadata?: IDataObject | null;
	platform_options?: PlatformOptionsInput | null;
	on_long_caption?: OnLongCaption | null;
	keep_copy?: boolean;
}

export interface PostError {
	code: string;
	rule: string;
	message: string;
	remediation: string;
	retryable: boolean;
}

export interface ProbeVideoRequestInput {
	video_url?: string;
	media_id?: string;
	platforms?: Platform[];
}

export interface ProbeVideoResponse {
	valid: boolean;
	facts: VideoFacts | null;
	violations: Violation[];
	checks: VideoCheck[];
}

export interface PublishOptions {
	account_id: number;
	platform: Platform | null;
	privacy_level_options: string[];
	comment_disabled: boolean;
	duet_disabled: boolean;
	stitch_disabled: boolean;
	max_video_post_duration_sec: number;
	creator_nickname: string;
	creator_username: string;
	creator_avatar_url: string;
	can_post: boolean;
	reason: string;
}

export interface PublishPostNowRequestInput {
	id?: number;
	expected_scheduled_at?: string | null;
}

export interface PublishPostNowResponse {
	result: PublishNowResult | null;
	post: Post | null;
	message: string;
}

export interface PublishPostsRequestInput {
	accounts?: number[];
	content?: PostContentInput | null;
	request_key?: string;
	allow_duplicate?: boolean;
	variations?: VariationInput[];
	video_job?: VideoJobInput | null;
}

export interface PublishPostsResponse {
	posts: Post[];
	existed: boolean[];
}

export interface PutVideoJobRequestInput {
	video_job?: VideoJobInput | null;
	update_mask?: string | null;
}

export interface Quota {
	account_id: number;
	platform: Platform | null;
	used: number | null;
	total: number | null;
	window_seconds: number;
	published_by_aurareels: number;
	daily_limit: number | null;
	daily_remaining: number | null;
	blocked_until: string | null;
	app_budgets: AppBudget[];
}

export interface ReconcilePostRequestInput {
	id?: number;
}

export interface RedeliverWebhookRequestInput {
	id?: number;
}

export interface RefreshTokenRequestInput {
	id?: number;
	only_if_needed?: boolean;
}

export interface RefreshTokenResponse {
	result: RefreshResult | null;
	expires_at: string | null;
	message: string;
	account: Account | null;
}

export interface ReschedulePostRequestInput {
	id?: number;
	scheduled_at?: ScheduleTimeInput | null;
	revision?: number | null;
}

export interface ResolvePostRequestInput {
	id?: number;
	resolution?: Resolution | null;
	platform_post_id?: string;
	platform_post_url?: string;
	note?: string;
}

export interface RetryPostRequestInput {
	id?: number;
}

export interface RotateWebhookSecretRequestInput {
	id?: number;
	overlap?: string | null;
}

export interface RotateWebhookSecretResponse {
	endpoint: WebhookEndpoint | null;
	secret: string;
}

export interface SchedulePostsRequestInput {
	accounts?: number[];
	content?: PostContentInput | null;
	scheduled_at?: ScheduleTimeInput | null;
	request_key?: string;
	allow_duplicate?: boolean;
	scheduler?: Scheduler | null;
	late_policy_seconds?: number | null;
	variations?: VariationInput[];
	video_job?: VideoJobInput | null;
}

export interface SchedulePostsResponse {
	posts: Post[];
	existed: boolean[];
}

export interface ScheduleTimeInput {
	at?: string | null;
	text?: string | null;
	wall_time?: WallTimeInput | null;
}

export interface SendTestEventRequestInput {
	id?: number;
}

export interface SyncPostAnalyticsRequestInput {
	post_id?: number;
}

export interface TikTokOptionsInput {
	transfer?: TikTokTransfer | null;
	video_cover_timestamp_ms?: number | null;
	brand_content_toggle?: boolean;
	brand_organic_toggle?: boolean;
	is_aigc?: boolean;
}

export interface TikTokOptions {
	transfer: TikTokTransfer | null;
	video_cover_timestamp_ms: number | null;
	brand_content_toggle: boolean;
	brand_organic_toggle: boolean;
	is_aigc: boolean;
}

export interface UpdatePostRequestInput {
	id?: number;
	content?: PostContentInput | null;
	update_mask?: string | null;
	revision?: number | null;
}

export interface UpdateWebhookEndpointRequestInput {
	id?: number;
	update_mask?: string | null;
	url?: string;
	description?: string;
	event_types?: string[];
	platforms?: Platform[];
	is_active?: boolean;
}

export interface Upload {
	upload_id: string;
	received_bytes: number;
	size_bytes: number;
	media_id: string;
	expires_at: string | null;
}

export interface UploadMediaInfoInput {
	file_name?: string;
	content_type?: string;
	size_bytes?: number | null;
	sha256?: string;
	upload_id?: string;
	offset?: number;
}

export interface UploadMediaRequestInput {
	info?: UploadMediaInfoInput | null;
	chunk?: string | null;
}

export interface ValidatePostsRequestInput {
	accounts?: number[];
	content?: PostContentInput | null;
	scheduled_at?: ScheduleTimeInput | null;
	variations?: VariationInput[];
}

export interface ValidatePostsResponse {
	valid: boolean;
	violations: Violation[];
	posts: ValidatedPost[];
}

export interface ValidatedPost {
	account_id: number;
	full_caption: string;
	warnings: Warning[];
}

export interface VariationInput {
	account_id?: number;
	content?: PostContentInput | null;
	fields?: string | null;
}

export interface VideoCheck {
	platform: Platform | null;
	fits: boolean;
	violations: Violation[];
	warnings: Warning[];
}

export interface VideoFacts {
	size_bytes: number;
	format: string;
	duration: string | null;
	width_pixels: number | null;
	height_pixels: number | null;
	video_codec: string;
	frame_rate: number | null;
	has_audio: boolean | null;
	audio_codec: string;
	audio_sample_rate_hz: number | null;
	audio_channels: number | null;
	index_first: boolean | null;
}

export interface VideoJobInput {
	video_job_id?: string;
	wp_user_id?: number;
	video_url?: string;
	media_id?: string;
	thumbnail_url?: string;
	ai_metadata?: AiMetadataInput | null;
	has_video?: boolean;
	created_at?: string | null;
	updated_at?: string | null;
}

export interface VideoJob {
	video_job_id: string;
	wp_user_id: number;
	video_url: string;
	media_id: string;
	thumbnail_url: string;
	ai_metadata: AiMetadata | null;
	has_video: boolean;
	created_at: string | null;
	updated_at: string | null;
}

export interface VideoRequirements {
	platform: Platform | null;
	min_duration: string | null;
	max_duration: string | null;
	max_size_bytes: number;
	formats: string[];
	codecs: string[];
	aspect_ratios: string[];
	min_side_pixels: number;
	max_side_pixels: number;
	max_width_pixels: number;
	min_resolution: string;
	recommended_resolution: string;
	min_frame_rate: number;
	max_frame_rate: number;
	max_caption_length: number;
	caption_unit: CaptionUnit | null;
	max_hashtags: number;
	max_mentions: number;
	source_url: string;
	video_url_schemes: string[];
}

export interface Violation {
	account_id: number;
	field: string;
	rule: string;
	measured: string;
	limit: string;
	remedy: string;
	message: string;
}

export interface WallTimeInput {
	local?: string;
	time_zone?: string;
}

export interface Warning {
	code: string;
	field: string;
	message: string;
}

export interface WatchPostsRequestInput {
	after_sequence?: number | null;
	post_ids?: number[];
	types?: EventType[];
	include_progress?: boolean;
}

export interface WatchPostsResponse {
	event: Event | null;
	position: number;
}

export interface WebhookDelivery {
	id: number;
	endpoint_id: number;
	webhook_id: string;
	event_type: string;
	event_sequence: number;
	post_id: number;
	account_id: number;
	status: WebhookDeliveryStatus | null;
	next_try_at: string | null;
	try_count: number;
	tries: WebhookTry[];
	body: string;
	last_try: WebhookTry | null;
	created_at: string | null;
	ended_at: string | null;
}

export interface WebhookEndpoint {
	id: number;
	wp_user_id: number;
	url: string;
	description: string;
	event_types: string[];
	platforms: Platform[];
	is_active: boolean;
	disabled_reason: string;
	disabled_at: string | null;
	failing_since: string | null;
	old_secret_expires_at: string | null;
	created_at: string | null;
	updated_at: string | null;
}

export interface WebhookTry {
	number: number;
	sent_at: string | null;
	duration_ms: number;
	status_code: number;
	answer: string;
	error: string;
}

export interface YouTubeOptionsInput {
	title?: string;
	tags?: string[];
	category_id?: string;
	made_for_kids?: boolean | null;
	contains_synthetic_media?: boolean | null;
	notify_subscribers?: boolean | null;
	publish?: YouTubePublish | null;
	embeddable?: boolean | null;
	creative_commons?: boolean;
	first_comment?: string;
}

export interface YouTubeOptions {
	title: string;
	tags: string[];
	category_id: string;
	made_for_kids: boolean | null;
	contains_synthetic_media: boolean | null;
	notify_subscribers: boolean | null;
	publish: YouTubePublish | null;
	embeddable: boolean | null;
	creative_commons: boolean;
	first_comment: string;
}

/** Every call with one answer. */
export interface Calls {
	'AccountService/ListAccounts': { request: ListAccountsRequestInput; answer: ListAccountsResponse };
	'AccountService/GetAccount': { request: GetAccountRequestInput; answer: Account };
	'AccountService/ConnectAccount': { request: ConnectAccountRequestInput; answer: ConnectAccountResponse };
	'AccountService/CompleteConnect': { request: CompleteConnectRequestInput; answer: CompleteConnectResponse };
	'AccountService/RefreshToken': { request: RefreshTokenRequestInput; answer: RefreshTokenResponse };
	'AccountService/DisconnectAccount': { request: DisconnectAccountRequestInput; answer: DisconnectAccountResponse };
	'AccountService/CheckAccount': { request: CheckAccountRequestInput; answer: Account };
	'AccountService/GetPublishOptions': { request: GetPublishOptionsRequestInput; answer: PublishOptions };
	'AccountService/GetQuota': { request: GetQuotaRequestInput; answer: Quota };
	'AnalyticsService/GetPostAnalytics': { request: GetPostAnalyticsRequestInput; answer: PostAnalytics };
	'AnalyticsService/SyncPostAnalytics': { request: SyncPostAnalyticsRequestInput; answer: PostAnalytics };
	'AnalyticsService/ListAnalytics': { request: ListAnalyticsRequestInput; answer: ListAnalyticsResponse };
	'PostService/PublishPosts': { request: PublishPostsRequestInput; answer: PublishPostsResponse };
	'PostService/SchedulePosts': { request: SchedulePostsRequestInput; answer: SchedulePostsResponse };
	'PostService/CreateDraft': { request: CreateDraftRequestInput; answer: Post };
	'PostService/UpdatePost': { request: UpdatePostRequestInput; answer: Post };
	'PostService/DeleteDraft': { request: DeleteDraftRequestInput; answer: DeleteDraftResponse };
	'PostService/ValidatePosts': { request: ValidatePostsRequestInput; answer: ValidatePostsResponse };
	'PostService/GetPost': { request: GetPostRequestInput; answer: Post };
	'PostService/ListPosts': { request: ListPostsRequestInput; answer: ListPostsResponse };
	'PostService/ReschedulePost': { request: ReschedulePostRequestInput; answer: Post };
	'PostService/CancelPost': { request: CancelPostRequestInput; answer: Post };
	'PostService/RetryPost': { request: RetryPostRequestInput; answer: Post };
	'PostService/PublishPostNow': { request: PublishPostNowRequestInput; answer: PublishPostNowResponse };
	'PostService/ReconcilePost': { request: ReconcilePostRequestInput; answer: Post };
	'PostService/ResolvePost': { request: ResolvePostRequestInput; answer: Post };
	'PostService/ListEvents': { request: ListEventsRequestInput; answer: ListEventsResponse };
	'MediaService/GetUpload': { request: GetUploadRequestInput; answer: Upload };
	'MediaService/GetMedia': { request: GetMediaRequestInput; answer: Media };
	'MediaService/ListMedia': { request: ListMediaRequestInput; answer: ListMediaResponse };
	'MediaService/DeleteMedia': { request: DeleteMediaRequestInput; answer: DeleteMediaResponse };
	'MediaService/ProbeVideo': { request: ProbeVideoRequestInput; answer: ProbeVideoResponse };
	'MediaService/PutVideoJob': { request: PutVideoJobRequestInput; answer: VideoJob };
	'MediaService/GetVideoJob': { request: GetVideoJobRequestInput; answer: VideoJob };
	'MediaService/ListVideoJobs': { request: ListVideoJobsRequestInput; answer: ListVideoJobsResponse };
	'MediaService/DeleteVideoJob': { request: DeleteVideoJobRequestInput; answer: DeleteVideoJobResponse };
	'PlatformService/ListPlatforms': { request: ListPlatformsRequestInput; answer: ListPlatformsResponse };
	'PlatformService/GetVideoRequirements': { request: GetVideoRequirementsRequestInput; answer: VideoRequirements };
	'WebhookService/CreateWebhookEndpoint': { request: CreateWebhookEndpointRequestInput; answer: CreateWebhookEndpointResponse };
	'WebhookService/GetWebhookEndpoint': { request: GetWebhookEndpointRequestInput; answer: WebhookEndpoint };
	'WebhookService/ListWebhookEndpoints': { request: ListWebhookEndpointsRequestInput; answer: ListWebhookEndpointsResponse };
	'WebhookService/UpdateWebhookEndpoint': { request: UpdateWebhookEndpointRequestInput; answer: WebhookEndpoint };
	'WebhookService/DeleteWebhookEndpoint': { request: DeleteWebhookEndpointRequestInput; answer: DeleteWebhookEndpointResponse };
	'WebhookService/RotateWebhookSecret': { request: RotateWebhookSecretRequestInput; answer: RotateWebhookSecretResponse };
	'WebhookService/SendTestEvent': { request: SendTestEventRequestInput; answer: WebhookDelivery };
	'WebhookService/ListWebhookDeliveries': { request: ListWebhookDeliveriesRequestInput; answer: ListWebhookDeliveriesResponse };
	'WebhookService/GetWebhookDelivery': { request: GetWebhookDeliveryRequestInput; answer: WebhookDelivery };
	'WebhookService/RedeliverWebhook': { request: RedeliverWebhookRequestInput; answer: WebhookDelivery };
}
