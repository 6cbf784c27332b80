//! Ctrl-C as a request to stop: the work ends between two fields and leaves nothing half-written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that Ctrl-C sets. Where the system takes no handler, Ctrl-C ends the process at once as it always did.
pub(super) fn on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let request = Arc::clone(&stop);
    // METHOD: only the interrupt is taken. A hang-up that the caller chose to ignore (nohup) must stay ignored, and
    // taking it as well would refuse the interrupt there.
    let _ = ctrlc::set_handler(move || request.store(true, Ordering::Relaxed));
    stop
}
