//! Everything in the data directory is its owner's alone.

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use aurareels_tests::{World, is_about_files};

use crate::process::{Served, run};

/// Everything in a directory, and itself, with its mode.
fn modes(directory: &Path, into: &mut Vec<(PathBuf, u32)>) {
    into.push((directory.to_owned(), mode(directory)));
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            modes(&path, into);
        } else {
            into.push((path.clone(), mode(&path)));
        }
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// The files, each of which must be its owner's alone.
fn files(directory: &Path) -> Vec<String> {
    let mut all = Vec::new();
    modes(directory, &mut all);
    for (path, mode) in &all {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{} has {mode:o}", path.display());
    }
    let names = all.iter().filter(|(path, _)| path.is_file()).map(|(path, _)| path.file_name().expect("a name"));
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_core_writes_is_its_owners_alone_whatever_the_umask() {
    if is_about_files("it is about the files of the database") {
        return;
    }
    let mut world = World::start().await;
    world.stop_core().await;
    for umask in ["000", "027", "277"] {
        let mut settings = world.settings().clone();
        let directory = world.data_dir().join(format!("umask-{umask}"));
        settings.insert("AURAREELS_DATA_DIR".to_owned(), directory.display().to_string());
        let served = Served::start_under(umask, &settings, &world.http).await;
        let output = run(&settings, &["api-key", "create", "--user", "5", "--scopes", "publish"]).await;
        assert!(output.status.success(), "{output:?}");
        let key = String::from_utf8(output.stdout).expect("text").trim().to_owned();
        world.speak_to(&served.url);
        world.key = key;
        let video = world.file("mine", 200_000).await;
        world.user(5).upload(&video).await;
        let names = files(&directory);
        for name in ["aurareels.db", "aurareels.db-wal", "aurareels.db-shm", "aurareels.mark", "aurareels.lock"] {
            assert!(names.iter().any(|known| known == name), "{umask}: no {name}: {names:?}");
        }
        assert!(names.iter().any(|name| name.ends_with(".mp4")), "{umask}: no upload: {names:?}");
        let backup = directory.with_extension("backup");
        let output = run(&settings, &["backup", backup.to_str().expect("UTF-8")]).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(mode(&backup), 0o600);
        served.terminate().await;
        files(&directory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_core_left_open_to_others_is_closed_at_the_next_start() {
    let mut world = World::start().await;
    let video = world.file("mine", 200_000).await;
    world.me().upload(&video).await;
    world.stop_core().await;
    let mut all = Vec::new();
    modes(&world.data_dir(), &mut all);
    for (path, mode) in all {
        std::fs::set_permissions(&path, Permissions::from_mode(mode | 0o055)).expect("opened");
    }
    let served = Served::start(world.settings(), &world.http).await;
    files(&world.data_dir());
    let log = served.log();
    assert_eq!(log.matches("now only their owner can").count(), 1, "{log}");
    served.terminate().await;
}
