//! Video jobs: saved, read, listed, deleted; posts that name one alone take its video and cover, once.

use aurareels_proto::v1::{
    AiMetadata, CreateDraftRequest, DeleteMediaRequest, DeleteVideoJobRequest, GetMediaRequest, GetVideoJobRequest,
    ListVideoJobsRequest, PostContent, PublishPostsRequest, PutVideoJobRequest, SchedulePostsRequest,
    UpdatePostRequest, ValidatePostsRequest, VideoJob,
};
use aurareels_tests::{
    Login, User, World, content,
    posting::{at, publish, schedule},
    video,
};
use chrono::TimeDelta;
use prost_types::FieldMask;
use tonic::{Code, Status};

const TITLES: [&str; 2] = ["A dog on a surfboard", "Waves & paws 🐕"];

/// A job with a video and what a language model says of it.
fn job(id: &str, video_url: &str) -> VideoJob {
    VideoJob {
        video_job_id: id.to_owned(),
        video_url: video_url.to_owned(),
        ai_metadata: Some(AiMetadata {
            titles: TITLES.map(str::to_owned).to_vec(),
            description: "A dog surfs.".to_owned(),
            hashtags: vec!["dog".to_owned(), "#surf".to_owned()],
            transcription: "Woof.".to_owned(),
        }),
        ..VideoJob::default()
    }
}

/// A post's content: the video of a job and this caption.
fn by_job(id: &str, caption: &str) -> PostContent {
    PostContent {
        video_job_id: id.to_owned(),
        caption: caption.to_owned(),
        privacy_level: "PUBLIC".to_owned(),
        ..PostContent::default()
    }
}

/// An address of `video` as it is answered: the values of a query may grant access.
fn shown(address: &str) -> String {
    address.replace("size=500000", "size=hidden").replace("duration=5", "duration=hidden")
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() })
}

async fn put(user: User<'_>, job: VideoJob, fields: &[&str]) -> Result<VideoJob, Status> {
    let request = PutVideoJobRequest { video_job: Some(job), update_mask: mask(fields) };
    user.media().put_video_job(request).await.map(tonic::Response::into_inner)
}

async fn delete(user: User<'_>, id: &str) {
    let request = DeleteVideoJobRequest { video_job_id: id.to_owned() };
    user.media().delete_video_job(request).await.expect("deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_alone_is_published_scheduled_drafted_and_validated() {
    let world = World::start().await;
    let me = world.me();
    let cover = format!("{}/c/1.jpg", world.sim.url(aurareels_simulator::Host::Media));
    let address = video(&world, "of-a-job");
    let saved = put(me, VideoJob { thumbnail_url: cover.clone(), ..job("job-1", &address) }, &[]).await.unwrap();
    assert_eq!((saved.wp_user_id, saved.has_video, saved.video_url.as_str()), (me.id, true, shown(&address).as_str()));
    let read = me.media().get_video_job(GetVideoJobRequest { video_job_id: "job-1".into() }).await.unwrap();
    assert_eq!(read.into_inner(), saved, "as it was answered when it was saved");
    let accounts = [me.account(Login::Tiktok).await, me.account(Login::Facebook).await];
    let validate = |caption| ValidatePostsRequest {
        accounts: accounts.to_vec(),
        content: Some(by_job("job-1", caption)),
        ..Default::default()
    };
    let valid = me.posts().validate_posts(validate("Valid")).await.unwrap().into_inner();
    assert!(valid.valid, "{valid:#?}");
    let posted = me.publish(&accounts, by_job("job-1", "By its job")).await;
    let due = world.now() + TimeDelta::hours(3);
    let scheduled = me.posts().schedule_posts(schedule(&accounts[..1], by_job("job-1", "Later"), at(due))).await;
    let scheduled = scheduled.unwrap().into_inner().posts[0].id;
    let draft =
        CreateDraftRequest { account_id: accounts[0], content: Some(by_job("job-1", "A draft")), ..Default::default() };
    let draft = me.posts().create_draft(draft).await.unwrap().into_inner();
    assert_eq!((draft.video_url, draft.thumbnail_url), (shown(&address), cover));
    for id in posted {
        let post = me.published(id).await;
        assert_eq!((post.video_job_id.as_str(), post.video_url), ("job-1", shown(&address)));
    }
    // Deleted while a post waits: the post has what it needs.
    delete(me, "job-1").await;
    world.advance(TimeDelta::hours(3));
    me.published(scheduled).await;
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_comes_back_to_its_posts_whatever_became_of_the_job() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    put(me, job("job-1", &video(&world, "first")), &[]).await.unwrap();
    let request = || publish(&[account], by_job("job-1", "Once"));
    let id = me.posts().publish_posts(request()).await.unwrap().into_inner().posts[0].id;
    let again = async |why: &str| {
        let answer = me.posts().publish_posts(request()).await.unwrap_or_else(|error| panic!("{why}: {error:?}"));
        let answer = answer.into_inner();
        assert_eq!((answer.posts[0].id, answer.existed), (id, vec![true]), "{why}");
    };
    again("a call that timed out").await;
    me.published(id).await;
    let other = VideoJob {
        thumbnail_url: "https://cdn.example/other.jpg".into(),
        ..job("job-1", "https://gone.example/v.mp4")
    };
    put(me, other, &[]).await.unwrap();
    again("the job has another video and cover").await;
    put(me, VideoJob { video_job_id: "job-1".into(), ..Default::default() }, &["video_url"]).await.unwrap();
    again("the job has no video any more").await;
    delete(me, "job-1").await;
    again("the job is gone").await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_brings_its_job_saves_and_posts_it_in_one_call() {
    let world = World::start().await;
    let (me, other) = (world.me(), world.user(2));
    let account = me.account(Login::Tiktok).await;
    let brought = VideoJob { wp_user_id: me.id, ..job("job-1", &video(&world, "brought")) };
    let request = || PublishPostsRequest {
        video_job: Some(brought.clone()),
        ..publish(&[account], by_job("job-1", "With its job"))
    };
    let id = me.posts().publish_posts(request()).await.unwrap().into_inner().posts[0].id;
    assert!(me.published(id).await.video_url.contains("/brought.mp4"));
    let get = |id: &str| GetVideoJobRequest { video_job_id: id.to_owned() };
    let saved = me.media().get_video_job(get("job-1")).await.unwrap().into_inner();
    assert_eq!((saved.has_video, saved.ai_metadata), (true, brought.ai_metadata.clone()));
    let again = me.posts().publish_posts(request()).await.unwrap().into_inner();
    assert_eq!((again.posts[0].id, again.existed), (id, vec![true]));
    // The newest video of a job is the one that is posted.
    let scheduled = SchedulePostsRequest {
        video_job: Some(VideoJob { video_url: video(&world, "made-anew"), ..brought.clone() }),
        ..schedule(&[account], by_job("job-1", "Later"), at(world.now() + TimeDelta::hours(1)))
    };
    let scheduled = me.posts().schedule_posts(scheduled).await.unwrap().into_inner().posts[0].id;
    world.advance(TimeDelta::hours(1));
    assert!(me.published(scheduled).await.video_url.contains("/made-anew.mp4"));
    // Nobody saves another user's job, and a request does not bring another job than its own.
    let foreign = VideoJob { wp_user_id: other.id, ..job("theirs", &video(&world, "theirs")) };
    let foreign = PublishPostsRequest {
        video_job: Some(foreign),
        ..publish(&[account], PostContent { video_job_id: "theirs".into(), ..content(&world, "Refused") })
    };
    me.refused(me.posts().publish_posts(foreign)).await.is(Code::NotFound, "VIDEO_JOB_NOT_FOUND");
    let mixed = PublishPostsRequest { video_job: Some(brought), ..publish(&[account], by_job("job-2", "Refused")) };
    let refused = me.refused(me.posts().publish_posts(mixed)).await;
    refused.is(Code::InvalidArgument, "INVALID_FIELD");
    assert!(refused.message.contains("video_job.video_job_id"), "{refused:#?}");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_job_is_none_and_one_without_a_video_is_refused_everywhere() {
    let world = World::start().await;
    let (me, other) = (world.me(), world.user(2));
    let account = me.account(Login::Tiktok).await;
    put(other, job("theirs", &video(&world, "theirs")), &[]).await.unwrap();
    let words = VideoJob { video_url: String::new(), ..job("no video", "") };
    put(me, words, &[]).await.unwrap();
    let due = || at(world.now() + TimeDelta::hours(3));
    let kept = me.schedule_one(account, "Kept", world.now() + TimeDelta::hours(1)).await;
    for (id, code, reason) in [
        ("theirs", Code::NotFound, "VIDEO_JOB_NOT_FOUND"),
        ("nobody's", Code::NotFound, "VIDEO_JOB_NOT_FOUND"),
        ("no video", Code::FailedPrecondition, "VIDEO_JOB_WITHOUT_VIDEO"),
    ] {
        let content = || by_job(id, "Refused");
        me.refused(me.posts().publish_posts(publish(&[account], content()))).await.is(code, reason);
        me.refused(me.posts().schedule_posts(schedule(&[account], content(), due()))).await.is(code, reason);
        let draft = CreateDraftRequest { account_id: account, content: Some(content()), ..Default::default() };
        me.refused(me.posts().create_draft(draft)).await.is(code, reason);
        let validate = ValidatePostsRequest { accounts: vec![account], content: Some(content()), ..Default::default() };
        me.refused(me.posts().validate_posts(validate)).await.is(code, reason);
        let update = UpdatePostRequest {
            id: kept,
            content: Some(content()),
            update_mask: mask(&["video_job_id"]),
            ..Default::default()
        };
        let refused = me.refused(me.posts().update_post(update)).await;
        refused.is(code, reason);
        assert!(refused.message.contains(id), "{refused:#?}");
    }
    // The owner that the caller's tables name is compared with the user of the call.
    let foreign = VideoJob { wp_user_id: other.id, ..job("claimed", &video(&world, "claimed")) };
    me.refused(put(me, foreign.clone(), &[])).await.is(Code::NotFound, "VIDEO_JOB_NOT_FOUND");
    put(other, foreign, &[]).await.unwrap();
    // Two users may name their jobs alike, and each posts their own.
    put(me, job("theirs", &video(&world, "mine")), &[]).await.unwrap();
    let mine = me.publish(&[account], by_job("theirs", "My own")).await[0];
    assert!(me.published(mine).await.video_url.contains("/mine.mp4"));
    // A name without a saved job goes with a video of the request, as before.
    let labelled = PostContent { video_job_id: "only a name".into(), ..content(&world, "Named") };
    let labelled = me.publish(&[account], labelled).await[0];
    me.published(labelled).await;
    world.advance(TimeDelta::hours(1));
    me.published(kept).await;
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_a_job_takes_its_video_and_cover() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let media = me.upload(&world.file("new", 300_000).await).await;
    let uploaded = VideoJob { video_url: String::new(), media_id: media.media_id.clone(), ..job("uploaded", "") };
    put(me, uploaded, &[]).await.unwrap();
    let id = me.schedule_one(account, "Edited", world.now() + TimeDelta::hours(1)).await;
    let update = UpdatePostRequest {
        id,
        content: Some(by_job("uploaded", "")),
        update_mask: mask(&["video_job_id"]),
        ..Default::default()
    };
    let edited = me.posts().update_post(update).await.unwrap().into_inner();
    assert_eq!(
        (edited.video_job_id.as_str(), edited.media_id.as_str(), edited.video_url.as_str(), edited.caption.as_str()),
        ("uploaded", media.media_id.as_str(), "", "Edited")
    );
    world.advance(TimeDelta::hours(1));
    me.published(id).await;
    let visible = world.sim.posts();
    assert_eq!(visible[0].sha256.as_deref(), Some(media.sha256.as_str()), "{visible:#?}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_kept_as_long_as_a_job_names_it() {
    let world = World::start().await;
    let me = world.me();
    let media = me.upload(&world.file("kept", 300_000).await).await;
    let get = || GetMediaRequest { media_id: media.media_id.clone() };
    let by_upload = VideoJob { video_url: String::new(), media_id: media.media_id.clone(), ..job("job-1", "") };
    put(me, by_upload, &[]).await.unwrap();
    let kept = me.media().get_media(get()).await.unwrap().into_inner();
    assert!(kept.expires_at.is_none(), "{kept:#?}");
    let refused = me.refused(me.media().delete_media(DeleteMediaRequest { media_id: media.media_id.clone() })).await;
    refused.is(Code::FailedPrecondition, "MEDIA_IN_USE");
    assert!(refused.message.contains("video job job-1"), "{refused:#?}");
    world.advance(TimeDelta::days(60));
    world.idle().await;
    let account = me.account(Login::Facebook).await;
    let id = me.publish(&[account], by_job("job-1", "Two months later")).await[0];
    me.published(id).await;
    world.advance(TimeDelta::days(60));
    delete(me, "job-1").await;
    world.wait_for("gone", async || me.media().get_media(get()).await.err()).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_stays_where_it_is_not_named() {
    let world = World::start().await;
    let me = world.me();
    let address = video(&world, "parts");
    put(me, job("job-1", &address), &[]).await.unwrap();
    // What a language model says later.
    let ai = AiMetadata { titles: vec!["Better".into()], description: "Not saved".into(), ..Default::default() };
    let words = VideoJob { ai_metadata: Some(ai), ..job("job-1", "") };
    let saved = put(me, words, &["ai_metadata.titles", "ai_metadata.hashtags"]).await.unwrap();
    let ai = saved.ai_metadata.clone().unwrap();
    assert_eq!((saved.video_url, ai.titles, ai.hashtags), (shown(&address), vec!["Better".into()], vec![]));
    assert_eq!((ai.description.as_str(), ai.transcription.as_str()), ("A dog surfs.", "Woof."));
    // Read, changed and saved as a whole, it keeps its address although that is not shown.
    let read = me.media().get_video_job(GetVideoJobRequest { video_job_id: "job-1".into() }).await.unwrap();
    put(me, read.into_inner(), &[]).await.unwrap();
    let account = me.account(Login::Facebook).await;
    let id = me.publish(&[account], by_job("job-1", "As it was saved")).await[0];
    me.published(id).await;
    // One video takes the other away.
    let media = me.upload(&world.file("parts", 200_000).await).await;
    let by_upload = VideoJob { media_id: media.media_id.clone(), video_url: String::new(), ..job("job-1", "") };
    let saved = put(me, by_upload, &["media_id"]).await.unwrap();
    assert_eq!((saved.video_url.as_str(), saved.media_id), ("", media.media_id));
    let whole = put(me, VideoJob { video_job_id: "job-1".into(), ..Default::default() }, &[]).await.unwrap();
    assert!(!whole.has_video && whole.ai_metadata == Some(AiMetadata::default()), "{whole:#?}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_paged_newest_first() {
    let world = World::start().await;
    let me = world.me();
    for number in 0..7 {
        put(me, job(&format!("job-{number}"), "https://cdn.example/v.mp4"), &[]).await.unwrap();
    }
    // Saved again, it keeps its place.
    put(me, job("job-2", "https://cdn.example/w.mp4"), &[]).await.unwrap();
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListVideoJobsRequest { page_size: 3, page_token };
        let page = me.media().list_video_jobs(request).await.unwrap().into_inner();
        assert!(page.video_jobs.len() <= 3);
        listed.extend(page.video_jobs);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let names: Vec<&str> = listed.iter().map(|job| job.video_job_id.as_str()).collect();
    assert_eq!(names, ["job-6", "job-5", "job-4", "job-3", "job-2", "job-1", "job-0"]);
    let ai = listed[4].ai_metadata.clone().unwrap();
    assert_eq!(
        (ai.titles, ai.transcription.as_str()),
        (TITLES.map(str::to_owned).to_vec(), ""),
        "without transcription"
    );
    assert_eq!(listed[4].video_url, "https://cdn.example/w.mp4");
    for (page_size, token) in [(101, ""), (501, ""), (-1, ""), (1, "x")] {
        let request = ListVideoJobsRequest { page_size, page_token: token.to_owned() };
        me.refused(me.media().list_video_jobs(request)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    }
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_names_the_field_and_changes_nothing() {
    let world = World::start().await;
    let me = world.me();
    let kept = put(me, job("job-1", "https://cdn.example/v.mp4"), &[]).await.unwrap();
    let ai = |ai: AiMetadata| VideoJob { ai_metadata: Some(ai), ..job("job-1", "") };
    let text = |length: usize| "x".repeat(length);
    let wrong = [
        (job("", ""), "video_job.video_job_id"),
        (job(" ", ""), "video_job.video_job_id"),
        (job(&text(256), ""), "video_job.video_job_id"),
        (job("a\nb", ""), "video_job.video_job_id"),
        (job("job-1", "ftp://cdn.example/v.mp4"), "video_job.video_url"),
        (job("job-1", &format!("https://cdn.example/{}", text(4096))), "video_job.video_url"),
        (VideoJob { media_id: "x".into(), ..job("job-1", "") }, "video_job.media_id"),
        (VideoJob { thumbnail_url: "cover.jpg".into(), ..job("job-1", "") }, "video_job.thumbnail_url"),
        (VideoJob { wp_user_id: -1, ..job("job-1", "") }, "video_job.wp_user_id"),
        (ai(AiMetadata { titles: vec![text(10); 51], ..Default::default() }), "video_job.ai_metadata.titles"),
        (ai(AiMetadata { titles: vec![text(4097)], ..Default::default() }), "video_job.ai_metadata.titles"),
        (ai(AiMetadata { hashtags: vec![text(1); 101], ..Default::default() }), "video_job.ai_metadata.hashtags"),
        (ai(AiMetadata { description: text(8193), ..Default::default() }), "video_job.ai_metadata.description"),
        (
            ai(AiMetadata { transcription: text(256 * 1024 + 1), ..Default::default() }),
            "video_job.ai_metadata.transcription",
        ),
    ];
    for (job, field) in wrong {
        let refused = me.refused(put(me, job, &[])).await;
        refused.is(Code::InvalidArgument, "INVALID_FIELD");
        assert!(refused.fields.iter().any(|(named, _)| named == field), "{field}: {refused:#?}");
    }
    let both = VideoJob { media_id: "0".repeat(64), ..job("job-1", "https://cdn.example/v.mp4") };
    me.refused(put(me, both, &[])).await.names("video_job.media_id", "INVALID_FIELD");
    let unknown = VideoJob { media_id: "0".repeat(64), ..job("job-1", "") };
    me.refused(put(me, unknown, &[])).await.is(Code::NotFound, "MEDIA_NOT_FOUND");
    me.refused(put(me, job("job-1", ""), &["nothing"])).await.names("update_mask", "INVALID_FIELD");
    let nameless = GetVideoJobRequest::default();
    me.refused(me.media().get_video_job(nameless)).await.names("video_job_id", "INVALID_FIELD");
    let longest = ai(AiMetadata { transcription: text(256 * 1024), ..Default::default() });
    put(me, longest, &["ai_metadata.transcription"]).await.expect("the longest that is kept");
    let now = me.media().get_video_job(GetVideoJobRequest { video_job_id: "job-1".into() }).await.unwrap().into_inner();
    assert_eq!((now.video_url, now.ai_metadata.unwrap().titles), (kept.video_url, TITLES.map(str::to_owned).to_vec()));
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_saved_by_many_at_once_is_one() {
    let world = World::start().await;
    let me = world.me();
    let address = video(&world, "many");
    let saved = futures_util::future::join_all((0..16).map(|_| put(me, job("job-1", &address), &[]))).await;
    assert!(saved.iter().all(Result::is_ok), "{saved:#?}");
    let listed = me.media().list_video_jobs(ListVideoJobsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.video_jobs.len(), 1);
    world.finish(0).await;
}
