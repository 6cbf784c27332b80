//! Ctrl-C and termination as a request to stop: the work ends between two fields and leaves nothing half-written.

use crate::pipeline::Interrupt;

/// A request that Ctrl-C makes. Where the system takes no handler, Ctrl-C ends the process at once as it always did.
pub fn on_ctrl_c() -> Interrupt {
    let interrupt = Interrupt::default();
    let request = interrupt.clone();
    let _ = ctrlc::try_set_handler(move || request.request());
    interrupt
}
