//! The thread on which all work runs, made when the module is loaded.
//!
//! One is enough: calls wait for the core, and what is computed between takes microseconds. napi's own choice, a thread for
//! each processor, costs every call one more switch between threads, and n8n's process dozens of threads on a large machine.

#[napi_derive::module_init]
fn one_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    // Where the system gives no thread, napi tries its own way at the first call, and that call says so.
    if let Ok(runtime) = runtime {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}
