//! sqlx embeds the migrations at compile time and does not notice new files by itself. Fault points are compiled in only
//! for the crash suite (`src/fault.rs`).

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-env-changed=AURAREELS_FAULT_BUILD");
    if std::env::var("AURAREELS_FAULT_BUILD").as_deref() == Ok("1") {
        println!("cargo:rustc-cfg=aurareels_fault");
        println!("cargo:rustc-env=AURAREELS_FAULT_BUILD=1");
    }
}
