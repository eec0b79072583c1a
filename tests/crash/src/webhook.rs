//! n8n's webhook, as far as the core can tell: it takes its time, and answers when it is told to.

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
};

/// A server that answers each request with 200 once it is told to.
pub(crate) struct Webhook {
    pub(crate) address: String,
    asked: watch::Receiver<bool>,
    answer: watch::Sender<bool>,
}

impl Webhook {
    /// Opens one that answers nothing yet.
    pub(crate) async fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/webhook/aurareels-social-schedule", listener.local_addr()?);
        let (ask, asked) = watch::channel(false);
        let (answer, may_answer) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut line, _)) = listener.accept().await {
                let (ask, mut may_answer) = (ask.clone(), may_answer.clone());
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    // Small requests arrive whole, and a broken one is the core's to notice.
                    let _ = line.read(&mut head).await;
                    ask.send_replace(true);
                    let _ = may_answer.wait_for(|may| *may).await;
                    let _ =
                        line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
                });
            }
        });
        Ok(Self { address, asked, answer })
    }

    /// Whether anything was asked.
    pub(crate) fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Answers what was asked, and from now on at once.
    pub(crate) fn answer(&self) {
        self.answer.send_replace(true);
    }
}
