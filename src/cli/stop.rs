//! Ctrl-C and SIGTERM as requests to stop: the work ends between two fields and leaves nothing half-written.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};

/// A flag that Ctrl-C and SIGTERM set. Where the system takes no handler, they end the process at once as they always did.
pub(super) fn on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    // METHOD: a hang-up is not taken: one that the caller chose to ignore (nohup) must stay ignored.
    for signal in [SIGINT, SIGTERM] {
        let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
    }
    stop
}
