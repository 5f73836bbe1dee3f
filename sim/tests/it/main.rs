//! Integration tests of `sim`: the command line as users type it, and the numbers against reference values.

mod command_line;
mod reference;
mod simulation;
