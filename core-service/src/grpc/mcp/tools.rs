//! The tools that agents have: a table of RPCs of the public API, with what an agent has to know of each.

use std::{borrow::Cow, sync::LazyLock};

use prost_reflect::MethodDescriptor;
use rmcp::model::{Tool, ToolAnnotations};

use super::schema;
use crate::{
    app::api_keys::Scope,
    grpc::{auth::scopes, connect},
};

/// What calling a tool does to the world.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing.
    Reads,
    /// It adds something that can be taken back, or asks a platform again.
    Adds,
    /// It changes something that is there, or makes something public.
    Changes,
}

/// A line of the table.
struct Entry {
    name: &'static str,
    title: &'static str,
    rpc: &'static str,
    effect: Effect,
    required: &'static [&'static str],
    /// Fields of the request that no agent needs.
    left_out: &'static [&'static str],
    description: &'static str,
}

/// How an agent repeats itself.
const KEYS: &str = "Repeating it is safe: without request_key a key is derived from what is posted (account, video, \
     caption and time), and the same key comes back to the same posts, with existed = true. To post the same again on \
     purpose, set allow_duplicate and a request_key of its own.";

const ENTRIES: &[Entry] = &[
    Entry {
        name: "list_accounts",
        title: "List accounts",
        rpc: "/aurareels.v1.AccountService/ListAccounts",
        effect: Effect::Reads,
        required: &[],
        left_out: &[],
        description: "Lists the connected social accounts, with platform, name and health. Their ids are what posts are made for.",
    },
    Entry {
        name: "get_publish_options",
        title: "Get publish options",
        rpc: "/aurareels.v1.AccountService/GetPublishOptions",
        effect: Effect::Reads,
        required: &["id"],
        left_out: &[],
        description: "Asks the platform what may be chosen for a post of this account now: privacy levels (TikTok needs one of them), comments, duets, longest video.",
    },
    Entry {
        name: "get_quota",
        title: "Get quota",
        rpc: "/aurareels.v1.AccountService/GetQuota",
        effect: Effect::Reads,
        required: &["id"],
        left_out: &[],
        description: "Tells how many posts this account may still publish, and until when it would wait otherwise.",
    },
    Entry {
        name: "get_video_requirements",
        title: "Get video requirements",
        rpc: "/aurareels.v1.PlatformService/GetVideoRequirements",
        effect: Effect::Reads,
        required: &["platform"],
        left_out: &[],
        description: "Tells what a platform asks of a video and its caption: formats, sizes, lengths.",
    },
    Entry {
        name: "probe_video",
        title: "Look at a video",
        rpc: "/aurareels.v1.MediaService/ProbeVideo",
        effect: Effect::Reads,
        required: &[],
        left_out: &[],
        description: "Looks at a video without posting it: what it is, and every rule that it breaks, by platform.",
    },
    Entry {
        name: "list_video_jobs",
        title: "List video jobs",
        rpc: "/aurareels.v1.MediaService/ListVideoJobs",
        effect: Effect::Reads,
        required: &[],
        left_out: &[],
        description: "Lists the saved video jobs: videos that wait to be posted, with suggested titles, descriptions and hashtags.",
    },
    Entry {
        name: "get_video_job",
        title: "Get a video job",
        rpc: "/aurareels.v1.MediaService/GetVideoJob",
        effect: Effect::Reads,
        required: &["video_job_id"],
        left_out: &[],
        description: "Tells one video job, with its transcription.",
    },
    Entry {
        name: "list_media",
        title: "List uploads",
        rpc: "/aurareels.v1.MediaService/ListMedia",
        effect: Effect::Reads,
        required: &[],
        left_out: &[],
        description: "Lists uploaded videos; content.media_id of a post names one of them.",
    },
    Entry {
        name: "validate_posts",
        title: "Check posts",
        rpc: "/aurareels.v1.PostService/ValidatePosts",
        effect: Effect::Reads,
        required: &["accounts", "content"],
        left_out: &[],
        description: "Checks posts without making them: every broken rule of every account at once, each with its field and remedy, and the text that would be sent.",
    },
    Entry {
        name: "list_posts",
        title: "List posts",
        rpc: "/aurareels.v1.PostService/ListPosts",
        effect: Effect::Reads,
        required: &[],
        left_out: &["skip"],
        description: "Lists posts by status, platform, account, time or words. What comes next: statuses = [POST_STATUS_SCHEDULED], order = POST_ORDER_OLDEST_FIRST.",
    },
    Entry {
        name: "get_post",
        title: "Get a post",
        rpc: "/aurareels.v1.PostService/GetPost",
        effect: Effect::Reads,
        required: &["id"],
        left_out: &[],
        description: "Tells where a post stands: its status, link, what it waits for, why it failed and what helps, and what was done so far.",
    },
    Entry {
        name: "get_post_analytics",
        title: "Get a post's numbers",
        rpc: "/aurareels.v1.AnalyticsService/GetPostAnalytics",
        effect: Effect::Reads,
        required: &["post_id"],
        left_out: &[],
        description: "Tells views, likes, comments, shares and their history of a published post, as last read.",
    },
    Entry {
        name: "list_analytics",
        title: "List numbers",
        rpc: "/aurareels.v1.AnalyticsService/ListAnalytics",
        effect: Effect::Reads,
        required: &[],
        left_out: &[],
        description: "Lists published posts with their numbers, and what they gained in a window of time.",
    },
    Entry {
        name: "sync_post_analytics",
        title: "Read a post's numbers now",
        rpc: "/aurareels.v1.AnalyticsService/SyncPostAnalytics",
        effect: Effect::Adds,
        required: &["post_id"],
        left_out: &[],
        description: "Has the numbers of a published post read from its platform now; may take 20 seconds.",
    },
    Entry {
        name: "schedule_posts",
        title: "Schedule posts",
        rpc: "/aurareels.v1.PostService/SchedulePosts",
        effect: Effect::Adds,
        required: &["accounts", "content", "scheduled_at"],
        left_out: &["video_job", "scheduler"],
        description: "Schedules one video on several accounts: one post each, all or none.",
    },
    Entry {
        name: "create_draft",
        title: "Keep a draft",
        rpc: "/aurareels.v1.PostService/CreateDraft",
        effect: Effect::Adds,
        required: &["account_id", "content"],
        left_out: &[],
        description: "Keeps a post as a draft for a person to look at. A draft has a key only where request_key gives one: without it, repeating makes another draft.",
    },
    Entry {
        name: "publish_posts",
        title: "Publish posts now",
        rpc: "/aurareels.v1.PostService/PublishPosts",
        effect: Effect::Changes,
        required: &["accounts", "content"],
        left_out: &["video_job"],
        description: "Publishes one video now, on several accounts: one post each, all or none. It cannot be taken back. The answer comes at once; get_post tells when it is live.",
    },
    Entry {
        name: "publish_post_now",
        title: "Publish an existing post now",
        rpc: "/aurareels.v1.PostService/PublishPostNow",
        effect: Effect::Changes,
        required: &["id"],
        left_out: &[],
        description: "Publishes a draft or a scheduled post now. It cannot be taken back. For one that is on its way or live nothing happens.",
    },
    Entry {
        name: "update_post",
        title: "Change a post",
        rpc: "/aurareels.v1.PostService/UpdatePost",
        effect: Effect::Changes,
        required: &["id", "content", "update_mask"],
        left_out: &[],
        description: "Changes what a draft or scheduled post says. update_mask names the fields, such as \"caption,hashtags\".",
    },
    Entry {
        name: "reschedule_post",
        title: "Reschedule a post",
        rpc: "/aurareels.v1.PostService/ReschedulePost",
        effect: Effect::Changes,
        required: &["id", "scheduled_at"],
        left_out: &[],
        description: "Moves a draft or scheduled post to another time; a draft becomes scheduled.",
    },
    Entry {
        name: "cancel_post",
        title: "Cancel a post",
        rpc: "/aurareels.v1.PostService/CancelPost",
        effect: Effect::Changes,
        required: &["id"],
        left_out: &[],
        description: "Cancels a draft or scheduled post, or one that is on its way while nothing of it is visible. Refused with TOO_LATE afterwards.",
    },
    Entry {
        name: "retry_post",
        title: "Retry a failed post",
        rpc: "/aurareels.v1.PostService/RetryPost",
        effect: Effect::Changes,
        required: &["id"],
        left_out: &[],
        description: "Goes on with a failed post, which is proven not to be on the platform. Look at its error first.",
    },
    Entry {
        name: "reconcile_post",
        title: "Look again at the platform",
        rpc: "/aurareels.v1.PostService/ReconcilePost",
        effect: Effect::Adds,
        required: &["id"],
        left_out: &[],
        description: "Looks again at the platform for a post that is confirming or needs review. Posts nothing.",
    },
];

/// Whether doing a tool's work twice makes no more than doing it once. A draft without a key, and a retry of a post that
/// has failed again, do.
const NOT_IDEMPOTENT: &[&str] = &["create_draft", "retry_post"];

/// A tool, ready to be shown and called.
pub(super) struct Known {
    pub(super) tool: Tool,
    pub(super) method: MethodDescriptor,
    /// A key that may only read may call it.
    pub(super) only_reads: bool,
}

static KNOWN: LazyLock<Result<Vec<Known>, String>> = LazyLock::new(|| {
    let dictionary = connect::dictionary().map_err(|error| format!("{error:#}"))?;
    let known = ENTRIES.iter().map(|entry| {
        let method = dictionary.method(entry.rpc).ok_or_else(|| format!("{} is no RPC", entry.rpc))?;
        Ok(Known { tool: tool(entry, &method), method, only_reads: only_reads(entry.rpc) })
    });
    known.collect()
});

/// All of them.
pub(super) fn all() -> Result<&'static [Known], String> {
    KNOWN.as_deref().map_err(Clone::clone)
}

/// The tool of this name.
pub(super) fn find(name: &str) -> Option<&'static Known> {
    all().ok()?.iter().find(|known| known.tool.name == name)
}

fn only_reads(rpc: &str) -> bool {
    scopes::find(rpc).is_some_and(|rpc| rpc.scope == Scope::Read)
}

fn tool(entry: &Entry, method: &MethodDescriptor) -> Tool {
    let Entry { name, title, effect, required, left_out, .. } = *entry;
    let has_key = name == "publish_posts" || name == "schedule_posts";
    let description = match has_key {
        true => Cow::Owned(format!("{} {KEYS}", entry.description)),
        false => Cow::Borrowed(entry.description),
    };
    let hints = ToolAnnotations::with_title(title)
        .read_only(effect == Effect::Reads)
        .destructive(effect == Effect::Changes)
        .idempotent(!NOT_IDEMPOTENT.contains(&name))
        .open_world(true);
    Tool::new(name, description, schema::of(&method.input(), left_out, required)).with_title(title).annotate(hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_an_rpc_whose_fields_are_described() {
        let known = all().unwrap();
        assert_eq!(known.len(), ENTRIES.len());
        for (entry, known) in ENTRIES.iter().zip(known) {
            let schema = serde_json::Value::Object((*known.tool.input_schema).clone());
            let properties = schema["properties"].as_object().unwrap();
            for name in entry.required {
                assert!(properties.contains_key(*name), "{}: {name}", entry.name);
            }
            for name in entry.left_out {
                assert!(known.method.input().get_field_by_name(name).is_some(), "{}: {name}", entry.name);
            }
            let definitions = schema["$defs"].as_object().into_iter().flatten().map(|(_, of)| &of["properties"]);
            for (name, field) in definitions.chain([&schema["properties"]]).flat_map(|of| of.as_object().unwrap()) {
                assert!(field["description"].as_str().is_some_and(|text| text.len() > 5), "{}: {name}", entry.name);
            }
            assert_eq!(entry.effect == Effect::Reads, known.only_reads, "{}", entry.name);
        }
    }

    #[test]
    fn an_agent_can_hold_the_tools() {
        let size: usize = all().unwrap().iter().map(|known| serde_json::to_string(&known.tool).unwrap().len()).sum();
        assert!(size < 100_000, "the tools take {size} bytes of an agent's attention");
    }
}
