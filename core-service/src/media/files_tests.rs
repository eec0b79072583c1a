//! Files that break off, disks that are full, leftovers of dead cores.

use futures_util::TryStreamExt;

use super::*;

const VIDEO: &[u8] = include_bytes!("testdata/faststart.mp4");

fn open() -> (Files, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (Files::open(directory.path().join("media"), 0).unwrap(), directory)
}

fn names(files: &Files) -> Vec<String> {
    let entries = std::fs::read_dir(&*files.directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn received(files: &Files, bytes: &'static [u8]) -> Complete {
    let mut incoming = files.begin(Some(bytes.len() as u64)).await.unwrap();
    for chunk in bytes.chunks(1000) {
        incoming.write(Bytes::from_static(chunk)).await.unwrap();
    }
    assert_eq!(incoming.size(), bytes.len() as u64);
    incoming.complete().await.unwrap()
}

#[tokio::test]
async fn a_file_is_hashed_measured_and_read_back() {
    let (files, _directory) = open();
    let mut complete = received(&files, VIDEO).await;
    assert_eq!(complete.media_id().as_str(), hex::encode(Sha256::digest(VIDEO)));
    assert!(names(&files)[0].ends_with(".part"), "no final name before it is kept: {:?}", names(&files));
    let facts = complete.inspect().await.unwrap();
    assert_eq!((facts.container, facts.size_bytes), (Container::Mp4, VIDEO.len() as u64));
    let written = complete.keep(facts.container).await.unwrap();
    assert_eq!(names(&files), [written.name()]);
    let read: Vec<Bytes> = files.stream(written.name(), 10, 5009).await.unwrap().try_collect().await.unwrap();
    assert_eq!(read.concat(), &VIDEO[10..5010]);
    let beyond = files.stream(written.name(), 0, VIDEO.len() as u64).await.unwrap();
    assert!(beyond.try_collect::<Vec<Bytes>>().await.is_err(), "a file that ends early is an error");
    written.discard().await.unwrap();
    assert_eq!(names(&files), [""; 0]);
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing() {
    let (files, _directory) = open();
    let mut incoming = files.begin(None).await.unwrap();
    incoming.write(Bytes::from_static(VIDEO)).await.unwrap();
    drop(incoming);
    assert_eq!(names(&files), [""; 0]);
    drop(received(&files, VIDEO).await);
    assert_eq!(names(&files), [""; 0]);
}

#[tokio::test]
async fn text_is_no_video() {
    let (files, _directory) = open();
    let mut complete = received(&files, b"hello, this is a text in a file that is named like a video").await;
    match complete.inspect().await {
        Err(ProbeError::Refused(violation)) => assert_eq!(violation.rule, "VIDEO_FORMAT_INVALID"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_being_written_is_not_abandoned_and_strangers_are_not_ours() {
    let (files, _directory) = open();
    let known = received(&files, VIDEO).await.keep(Container::Mp4).await.unwrap();
    let orphan = received(&files, VIDEO).await.keep(Container::Mov).await.unwrap();
    let mut busy = files.begin(None).await.unwrap();
    busy.write(Bytes::from_static(VIDEO)).await.unwrap();
    let stranger = files.path("notes.txt");
    std::fs::write(&stranger, "mine").unwrap();
    let left_behind = files.path(&format!("{}.part", "0".repeat(32)));
    std::fs::write(&left_behind, "half").unwrap();
    let abandoned = async || {
        let mut found = Vec::new();
        for name in files.names().await.unwrap() {
            found.extend(files.abandoned(&name).await.unwrap());
        }
        found
    };
    let of_the_dead = abandoned().await.pop().unwrap();
    assert!(abandoned().await.is_empty(), "it is held now, and all others are");
    assert!(of_the_dead.name().ends_with(".part"));
    of_the_dead.discard().await.unwrap();
    assert!(!left_behind.exists());
    assert!(known.name().ends_with(".mp4"));
    drop((known, orphan));
    assert_eq!(abandoned().await.len(), 2);
    drop(busy);
    assert_eq!((names(&files).len(), files.names().await.unwrap().len()), (3, 2));
}

#[tokio::test]
async fn the_reserve_of_the_disk_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::open(directory.path().to_owned(), u64::MAX).unwrap();
    assert!(matches!(files.begin(None).await, Err(FileError::Full { reserve: u64::MAX, .. })));
    let (files, _directory) = open();
    assert!(matches!(files.begin(Some(u64::MAX)).await, Err(FileError::Full { .. })), "too large for the disk");
    assert_eq!(names(&files), [""; 0]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told_as_such_and_the_file_is_gone() {
    let (files, _directory) = open();
    let mut incoming = files.begin(None).await.unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    incoming.writer.as_mut().unwrap().file = full;
    assert!(matches!(incoming.write(Bytes::from_static(VIDEO)).await, Err(FileError::Full { .. })));
    assert!(incoming.write(Bytes::from_static(VIDEO)).await.is_err(), "nothing goes on after a failed write");
    drop(incoming);
    assert_eq!(names(&files), [""; 0]);
}
