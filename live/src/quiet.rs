//! Reading values that may hold a secret: a complaint about them never shows them.

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};

/// Reads a value like its [`FromStr`], and complains without repeating it; white space around it is left out, since
/// secrets from files often end with a line break.
#[derive(Debug)]
pub(crate) struct Quiet<T>(PhantomData<fn() -> T>);

impl<T> Quiet<T> {
    /// The parser.
    pub const fn new() -> Self {
        Quiet(PhantomData)
    }
}

impl<T> Clone for Quiet<T> {
    fn clone(&self) -> Self {
        Quiet::new()
    }
}

impl<T> TypedValueParser for Quiet<T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let parsed = value.to_str().ok_or_else(|| "it is not UTF-8".to_owned());
        parsed.and_then(|text| text.trim().parse()).map_err(|problem: String| {
            let name = argument.and_then(Arg::get_long).unwrap_or("value");
            let variable = argument.and_then(Arg::get_env).and_then(OsStr::to_str);
            let variable = variable.map_or_else(String::new, |name| format!(" ({name})"));
            Error::raw(ErrorKind::ValueValidation, format!("--{name}{variable}: {problem}\n"))
                .with_cmd(command)
        })
    }
}
