//! What the core takes in when it is built: the migrations, fault points, the dashboard.
//!
//! sqlx embeds the migrations and does not notice new files by itself. Fault points are compiled in only for the crash suite
//! (`src/fault.rs`). The built dashboard (`dashboard/dist`) goes into the binary, each file as it is and compressed:
//! compressing here costs no request anything, and lets the strongest levels be used. A checkout without the built files
//! gets a page that says so, so that the core can always be built with Rust alone.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

/// Kinds of files: what browsers are told, and whether compressing is worth it.
const KINDS: &[(&str, &str, bool)] = &[
    ("css", "text/css; charset=utf-8", true),
    ("html", "text/html; charset=utf-8", true),
    ("ico", "image/x-icon", false),
    ("js", "text/javascript; charset=utf-8", true),
    ("json", "application/json", true),
    ("map", "application/json", true),
    ("png", "image/png", false),
    ("svg", "image/svg+xml", true),
    ("txt", "text/plain; charset=utf-8", true),
    ("webmanifest", "application/manifest+json", true),
    ("webp", "image/webp", false),
    ("woff2", "font/woff2", false),
];

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>AuraReels</title>\
     <p>This core was built without its dashboard (dashboard/dist).</p></html>";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-env-changed=AURAREELS_FAULT_BUILD");
    if env::var("AURAREELS_FAULT_BUILD").as_deref() == Ok("1") {
        println!("cargo::rustc-cfg=aurareels_fault");
        println!("cargo::rustc-env=AURAREELS_FAULT_BUILD=1");
    }
    embed_dashboard();
}

fn embed_dashboard() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboard/dist");
    let mut files = Vec::new();
    // Also where it is missing: a core that was built without it is built again as soon as it is there.
    println!("cargo::rerun-if-changed={}", dist.display());
    if dist.is_dir() {
        collect(&dist, &mut files);
    }
    files.sort();
    let index = dist.join("index.html");
    let page = fs::read_to_string(&index).unwrap_or_else(|_| NOT_BUILT.to_owned());
    fs::write(out.join("index.html"), page).expect("the index is written");
    let mut table = String::from("&[\n");
    for (number, file) in files.iter().filter(|file| **file != index).enumerate() {
        table.push_str(&entry(&dist, file, &out.join(format!("dashboard_{number}"))));
    }
    table.push_str("]\n");
    fs::write(out.join("dashboard.rs"), table).expect("the table is written");
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the built files can be listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// The row of a file; `compressed` is where its compressed forms go.
fn entry(dist: &Path, file: &Path, compressed: &Path) -> String {
    let name = file.strip_prefix(dist).expect("a file inside").to_str().expect("names are Unicode").replace('\\', "/");
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let kind = KINDS.iter().find(|(known, ..)| *known == extension);
    let (_, content_type, compressible) = kind
        .unwrap_or_else(|| panic!("dashboard/dist/{name}: core-service/build.rs knows no kind of file `{extension}`"));
    let bytes = fs::read(file).expect("the file can be read");
    let mut forms = Vec::new();
    for (coding, form) in [("br", brotli(&bytes)), ("gz", gzip(&bytes))] {
        forms.push(if *compressible && form.len() < bytes.len() {
            let path = compressed.with_extension(coding);
            fs::write(&path, form).expect("the compressed file is written");
            format!("Some(include_bytes!({path:?}))")
        } else {
            "None".to_owned()
        });
    }
    let [brotli, gzip] = <[String; 2]>::try_from(forms).expect("two forms");
    let file = file.canonicalize().expect("the file is there");
    format!(
        "    File {{ name: {name:?}, content_type: {content_type:?}, plain: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip} }},\n"
    )
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    // The strongest level takes ten times as long and saves a tenth: worth it for what people load.
    let quality = if env::var_os("PROFILE").is_some_and(|profile| profile == "release") { 11 } else { 9 };
    let parameters = brotli::enc::BrotliEncoderParams { quality, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters).expect("memory takes it");
    compressed
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}
