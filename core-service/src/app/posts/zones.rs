//! Posts that were scheduled by a wall time follow the rules of its zone until they fire (design §5): each version of the
//! rules is applied once, as a reschedule.

use tracing::{info, warn};

use super::{Posts, Result};
use crate::{
    domain::{
        ids::PostId,
        post::Status,
        schedule::{self, WallTime},
    },
    store::{posts::CasResult, wall_times::OlderWallTime},
    zones::Rules,
};

/// Wall times per batch.
const BATCH: i64 = 200;

impl Posts {
    /// Recomputes wall times whose zone rules are older than the current ones. Returns how many posts were moved.
    pub async fn follow_zones(&self) -> Result<usize> {
        let rules = self.settings.zones.refresh();
        let mut moved = 0;
        loop {
            let older = self.store.wall_times_before(rules.version(), BATCH).await?;
            let found = older.len();
            let mut settled = 0;
            for one in older {
                match self.follow_zone(one, &rules).await? {
                    Followed::Moved => (moved, settled) = (moved + 1, settled + 1),
                    Followed::Stays => settled += 1,
                    // It is being processed: it is checked again later.
                    Followed::Busy => {}
                }
            }
            if settled == 0 || found < BATCH as usize {
                return Ok(moved);
            }
        }
    }

    async fn follow_zone(&self, older: OlderWallTime, rules: &Rules) -> Result<Followed> {
        let OlderWallTime { post: id, user, wall, counts } = older;
        if !counts {
            self.store.forget_wall_time(id).await?;
            return Ok(Followed::Stays);
        }
        let Some(at) = read(id, &wall, rules) else {
            self.store.wall_time_read(id, rules.version()).await?;
            return Ok(Followed::Stays);
        };
        let post = self.store.post_of_user(user, id).await?;
        let waits = |post: &crate::domain::post::Post| {
            post.unread.is_none() && post.status == Status::Scheduled && post.scheduled_at == Some(wall.at)
        };
        let Some(mut post) = post.filter(waits) else { return Ok(Followed::Busy) };
        let now = self.clock.now();
        self.move_to(&mut post, at, now);
        let (from, wall) = (wall.at, WallTime { at, rules: rules.version().to_owned(), ..wall });
        let (local, zone) = (wall.local.clone(), wall.zone.clone());
        match self.store.update_waiting(post, Some(wall), now).await? {
            CasResult::Done(_) => {
                info!(post.id = %id, %from, %at, local, zone, rules = %rules, "a zone has newer rules: the post was rescheduled");
                Ok(Followed::Moved)
            }
            CasResult::Gone | CasResult::Refused(_) => Ok(Followed::Busy),
        }
    }
}

/// The result for a wall time.
enum Followed {
    Moved,
    Stays,
    Busy,
}

/// The instant by these rules; `None` where it is the same, or there is none.
fn read(id: PostId, wall: &WallTime, rules: &Rules) -> Option<chrono::DateTime<chrono::Utc>> {
    let instant = rules.zone(&wall.zone).map(|zone| schedule::parse_wall(&wall.local, &zone));
    match instant {
        Some(Ok(instant)) => Some(instant.at).filter(|at| *at != wall.at),
        _ => {
            let WallTime { local, zone, .. } = wall;
            warn!(post.id = %id, local, zone, rules = %rules, "newer rules of a zone have no such time; the post keeps its instant");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::{
        app::{
            media::{MediaSettings, MediaStore, MediaStoreParts},
            platforms::Platforms,
            posts::PostSettings,
            testing::{ALICE, Replica, World},
        },
        domain::{
            account::Account,
            media::KeepPolicy,
            post::{Content, Post, SchedulerKind},
            request_key::{Asked, RequestKeys},
        },
        media::{ProbeSettings, Prober, files::Files, pull::PublicAddress},
        platform::Registry,
        progress::Uploads,
        store::creating::{Inserted, NewPost},
        zones::{Zones, tests::directory},
    };

    fn posts(world: &World, replica: &Replica, zones: Zones) -> Posts {
        let (store, clock, registry) = (replica.store.clone(), world.clock.clone(), Registry::default());
        let prober = Arc::new(Prober::new(&ProbeSettings::default()).unwrap());
        let hour = TimeDelta::hours(1);
        let media_store = MediaStore::new(MediaStoreParts {
            store: store.clone(),
            clock: clock.clone(),
            platforms: Platforms::new(registry.clone()),
            prober: prober.clone(),
            files: Files::open(world.dir.path().join("media"), 0).unwrap(),
            address: PublicAddress::new(None, false),
            settings: MediaSettings {
                quota_bytes: 0,
                keep: KeepPolicy { unused: hour, done: hour, failed: hour },
                idle: std::time::Duration::from_secs(60),
                prepare_lead: hour,
            },
        });
        let settings = PostSettings {
            scheduler: SchedulerKind::Core,
            has_workflow: false,
            late_policy_seconds: 60,
            prepare_lead: hour,
            zones,
        };
        Posts::new(store, clock, registry, prober, media_store, Uploads::default(), settings)
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// A scheduled post, by the wall time 2030-12-25 18:00 in Vancouver.
    async fn scheduled(replica: &Replica, account: &Account, key: &str, rules: &Rules) -> Post {
        let (local, zone) = ("2030-12-25T18:00:00".to_owned(), "America/Vancouver".to_owned());
        let at = schedule::parse_wall(&local, &rules.zone(&zone).unwrap()).unwrap().at;
        let content = Content { video_url: "https://a.example/v.mp4".into(), ..Content::default() };
        let post = Post {
            scheduled_at: Some(at),
            request_key: Some(key.to_owned()),
            next_step_at: Some(at),
            content: content.clone(),
            ..Post::blank(account, Status::Scheduled, account.created_at)
        };
        let keys = RequestKeys::of(account, &content, "", key, Asked::default(), Some(key.to_owned()));
        let wall = Some(WallTime { local, zone, at, rules: rules.version().to_owned() });
        match replica.store.insert_posts(vec![NewPost { post, keys, wall }]).await.unwrap().remove(0) {
            Inserted::New(post) => post,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_wall_time_follows_newer_rules_as_one_reschedule() {
        let (world, replica) = World::new().await;
        let account = replica.connect(ALICE).await.remove(0);
        let system = tempfile::tempdir().unwrap();
        let zones = Zones::of([system.path().to_owned()]);
        let post = scheduled(&replica, &account, "one", &zones.rules()).await;
        assert_eq!(post.scheduled_at, Some(utc("2030-12-26T01:00:00Z")));
        let moved_by_hand = scheduled(&replica, &account, "two", &zones.rules()).await;
        let other = Post { scheduled_at: Some(utc("2030-12-27T00:00:00Z")), ..moved_by_hand };
        replica.store.update_waiting(other.clone(), None, world.clock.now()).await.unwrap();
        let posts = posts(&world, &replica, zones);
        assert_eq!(posts.follow_zones().await.unwrap(), 0, "the same rules");

        directory(system.path(), "2099a", -5, &["America/Vancouver"]);
        assert_eq!(posts.follow_zones().await.unwrap(), 1);
        let read = async |id| replica.store.post_of_user(ALICE.user, id).await.unwrap().unwrap();
        let after = read(post.id).await;
        assert_eq!((after.status, after.scheduled_at), (Status::Scheduled, Some(utc("2030-12-25T23:00:00Z"))));
        assert_eq!(after.next_step_at, Some(utc("2030-12-25T22:00:00Z")), "its preparation moves along");
        assert!(after.revision > post.revision);
        assert_eq!(read(other.id).await.scheduled_at, other.scheduled_at, "rescheduled by hand meanwhile");
        assert_eq!(posts.follow_zones().await.unwrap(), 0, "once");
        assert_eq!(read(post.id).await, after);
    }

    #[tokio::test]
    async fn a_core_with_older_rules_does_not_move_posts_back() {
        let (world, replica) = World::new().await;
        let account = replica.connect(ALICE).await.remove(0);
        let system = tempfile::tempdir().unwrap();
        directory(system.path(), "2099a", -5, &["America/Vancouver"]);
        let newer = Zones::of([system.path().to_owned()]);
        let post = scheduled(&replica, &account, "one", &newer.rules()).await;
        assert_eq!(posts(&world, &replica, Zones::of([])).follow_zones().await.unwrap(), 0);
        assert_eq!(
            replica.store.post_of_user(ALICE.user, post.id).await.unwrap().unwrap().scheduled_at,
            post.scheduled_at
        );
    }
}
