//! The accounts of a run: made in proportion to its posts, connected as their owners would, and connected again.

use anyhow::{Context, Result};
use aurareels_core::domain::{
    ids::AccountId,
    platform::{LoginFlavour, Platform},
};
use serde_json::json;

use super::plan;
use crate::{mode::Upload, rig::Rig};

/// Posts of an account, about: a search reads what its account has published lately, and real accounts publish some dozens
/// a day.
const PER_ACCOUNT: usize = 100;

/// The connected accounts.
#[derive(Default)]
pub(super) struct Accounts {
    tiktok: Vec<AccountId>,
    facebook: Vec<AccountId>,
    instagram: Vec<AccountId>,
    pages: Vec<AccountId>,
    channels: Vec<AccountId>,
}

impl Accounts {
    /// How many there are.
    pub(super) fn numbers(&self) -> plan::Accounts {
        plan::Accounts {
            tiktok: self.tiktok.len(),
            facebook: self.facebook.len(),
            instagram: self.instagram.len(),
            pages: self.pages.len(),
            channels: self.channels.len(),
        }
    }

    /// The one that a post of the plan is for.
    pub(super) fn of(&self, upload: Upload, index: usize) -> AccountId {
        match upload {
            Upload::TiktokSingle | Upload::TiktokMulti | Upload::TiktokPull => self.tiktok[index],
            Upload::FacebookResumable | Upload::FacebookUrl => self.facebook[index],
            Upload::InstagramUrl => self.instagram[index],
            Upload::PageBytes | Upload::PageUrl => self.pages[index],
            Upload::YoutubeTwoSteps | Upload::YoutubeOneStep => self.channels[index],
        }
    }
}

/// Connects as many accounts as so many posts want.
pub(super) async fn connect(rig: &mut Rig, posts: usize) -> Result<Accounts> {
    let wanted = |twentieths: usize| (posts * twentieths / plan::TWENTIETHS).div_ceil(PER_ACCOUNT).max(2);
    for number in 0..wanted(plan::OF_TIKTOK).max(12) {
        let id = format!("-000chaos-creator-{number:03}");
        let spec = json!({"platform": "tiktok", "id": id, "name": "Chaos", "username": format!("chaos{number}")});
        rig.control("accounts", spec).await?;
        rig.connect(Platform::Tiktok, None, Some(&id)).await?;
    }
    let generous = json!({"second_publish": "duplicate", "quota_total": 1_000_000, "container_limit": 1_000_000});
    rig.control("meta/behaviour", json!({ "set": generous })).await?;
    // One grant of a person brings all of his Pages and the accounts that are linked to them.
    let known = rig.sim.accounts();
    let person = known.iter().find_map(|account| account["person_id"].as_str()).context("nobody has a Page")?;
    for number in 0..wanted(plan::OF_FACEBOOK_LOGIN.max(plan::OF_PAGES)) {
        let spec = json!({"platform": "instagram", "username": format!("chaos.kitchen{number}"), "person": person});
        rig.control("accounts", spec).await?;
    }
    rig.connect(Platform::Instagram, Some(LoginFlavour::FacebookLogin), Some(person)).await?;
    for number in 0..wanted(plan::OF_INSTAGRAM_LOGIN) {
        let spec = json!({"platform": "instagram", "username": format!("chaos.films{number}"), "page": false});
        let made = rig.control("accounts", spec).await?;
        let id = made["id"].as_str().context("no id")?.to_owned();
        rig.connect(Platform::Instagram, Some(LoginFlavour::InstagramLogin), Some(&id)).await?;
    }
    let generous = json!({"second_finish": "duplicate", "reels_per_day": 1_000_000});
    rig.control("meta/facebook/behaviour", json!({ "set": generous })).await?;
    rig.connect(Platform::Facebook, Some(LoginFlavour::FacebookLogin), Some(person)).await?;
    for number in 0..wanted(plan::OF_CHANNELS) {
        let id = format!("UCchaoschannelchaos{number:05}");
        let spec = json!({"platform": "youtube", "id": id, "name": "Chaos", "username": format!("chaos{number}")});
        rig.control("accounts", spec).await?;
        rig.connect(Platform::Youtube, None, Some(&id)).await?;
    }
    let mut accounts = Accounts::default();
    let connected = "SELECT id, platform, login_flavour FROM aurareels_social_accounts ORDER BY id";
    for row in rig.database.rows(connected).await? {
        let id = AccountId(row.int("id")?);
        let flavour = row.opt_text("login_flavour")?.and_then(|flavour| flavour.parse().ok());
        match (row.text("platform")?.parse()?, flavour) {
            (Platform::Tiktok, _) => accounts.tiktok.push(id),
            (Platform::Facebook, _) => accounts.pages.push(id),
            (Platform::Youtube, _) => accounts.channels.push(id),
            (Platform::Instagram, Some(LoginFlavour::FacebookLogin)) => accounts.facebook.push(id),
            (Platform::Instagram, _) => accounts.instagram.push(id),
        }
    }
    Ok(accounts)
}

/// The owners of accounts that need them log in again.
pub(super) async fn reconnect(rig: &mut Rig) -> Result<usize> {
    let dead =
        "SELECT platform, account_id, login_flavour FROM aurareels_social_accounts WHERE health = 'needs_reconnect'";
    let mut renewed = 0;
    for row in rig.database.rows(dead).await? {
        let (platform, person) = (row.text("platform")?, row.text("account_id")?);
        let flavour: Option<LoginFlavour> = row.text("login_flavour")?.parse().ok();
        let platform: Platform = platform.parse()?;
        let done = match platform {
            Platform::Tiktok | Platform::Youtube => rig.connect(platform, None, Some(&person)).await,
            Platform::Instagram if flavour == Some(LoginFlavour::InstagramLogin) => {
                rig.connect(platform, flavour, Some(&person)).await
            }
            Platform::Instagram | Platform::Facebook => rig.connect(platform, flavour, None).await,
        };
        // The login itself meets faults; the owner tries again.
        renewed += usize::from(done.is_ok());
    }
    Ok(renewed)
}
