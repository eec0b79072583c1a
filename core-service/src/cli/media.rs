//! `media …`: the uploads of a running core.

use std::path::PathBuf;

use aurareels_proto::v1;
use clap::Subcommand;

use super::{
    client::{Client, Server},
    output::Output,
    show,
    upload::upload,
};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Upload a video file. Its media id names it in requests.
    Upload {
        /// The file.
        file: PathBuf,
    },
    /// List the uploads, newest first.
    List,
    /// Delete an upload that no waiting post needs.
    Delete {
        /// Its media id.
        id: String,
    },
}

pub(super) async fn run(server: Server, action: Action) -> anyhow::Result<()> {
    let out = server.output();
    let client = server.client().await?;
    act(&client, out, action).await.map_err(show::readable)
}

async fn act(client: &Client, out: Output, action: Action) -> anyhow::Result<()> {
    match action {
        Action::Upload { file } => {
            let media = upload(client, &file).await?;
            out.message(&media, |media| table(std::slice::from_ref(media)))?;
        }
        Action::List => {
            let mut all = v1::ListMediaResponse::default();
            loop {
                let request = v1::ListMediaRequest { page_size: 100, page_token: all.next_page_token };
                let page = client.media().list_media(request).await?.into_inner();
                all.media.extend(page.media);
                all = v1::ListMediaResponse { media: all.media, ..page };
                if all.next_page_token.is_empty() {
                    break;
                }
            }
            out.message(&all, |all| {
                format!("{}\n{} of {} bytes are used", table(&all.media), all.used_bytes, all.quota_bytes)
            })?;
        }
        Action::Delete { id } => {
            client.media().delete_media(v1::DeleteMediaRequest { media_id: id.clone() }).await?;
            out.note(&format!("{id} was deleted"))?;
        }
    }
    Ok(())
}

fn table(media: &[v1::Media]) -> String {
    let mut table = show::table(["media id", "file", "bytes", "uploaded", "kept until", "fits"]);
    for one in media {
        let fits = one.checks.iter().filter(|check| check.fits).map(|check| show::platform(check.platform()));
        table.add_row([
            one.media_id.clone(),
            one.file_name.clone(),
            one.size_bytes.to_string(),
            show::time(one.created_at).map(show::minute).unwrap_or_default(),
            show::time(one.expires_at).map(show::minute).unwrap_or_default(),
            fits.collect::<Vec<_>>().join(", "),
        ]);
    }
    table.to_string()
}
