//! Integration tests of `analysis`: pairs of run folders whose truth is known, and the command line.

mod command_line;
mod comparison;
mod support;
