//! Read the arguments, run the command, print the cause chain once, leave with its exit code.
fn main() {}
