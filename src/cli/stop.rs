//! Ctrl-C and termination as a request to stop: the work ends between two fields and leaves nothing half-written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that Ctrl-C sets. Where the system takes no handler, Ctrl-C ends the process at once as it always did.
pub(super) fn on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let request = Arc::clone(&stop);
    let _ = ctrlc::try_set_handler(move || request.store(true, Ordering::Relaxed));
    stop
}
