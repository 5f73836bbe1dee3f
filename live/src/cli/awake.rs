//! Keeping the processors awake.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use sim::console::Failure;

/// Where Linux takes requests for how soon a sleeping processor must go on (PM QoS, `power/pm_qos_interface`).
const DEVICE: &str = "/dev/cpu_dma_latency";

/// A request that no processor sleeps, for as long as this value lives: an idle one polls.
///
/// A job wakes threads of driver, API, broker and consumer one after another. On a virtual machine the hypervisor takes
/// a sleeping processor away, and how soon it gives it back is a good part of the overheads and most of what they move
/// by. Tools that measure latencies make the same request.
#[derive(Debug)]
pub struct Awake {
    /// The request ends when this is closed.
    _request: File,
}

impl Awake {
    /// Makes the request.
    ///
    /// # Errors
    /// [`Failure::BadInput`] where the system has no such device, or keeps it for others.
    pub fn request() -> Result<Self, Failure> {
        Self::at(Path::new(DEVICE))
    }

    fn at(device: &Path) -> Result<Self, Failure> {
        let asked = OpenOptions::new().write(true).open(device).and_then(|mut request| {
            // Microseconds, as the four bytes of an integer.
            request.write_all(&0_i32.to_ne_bytes())?;
            Ok(request)
        });
        asked.map(|request| Awake { _request: request }).map_err(|error| {
            Failure::BadInput(format!(
                "--awake: {}: {error}\n  rule: Linux keeps processors awake for whoever may write to this device\n  \
                 remedy: run as root, or leave --awake out",
                device.display()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_no_microsecond() {
        let device = tempfile::NamedTempFile::new().unwrap();
        let _awake = Awake::at(device.path()).unwrap();
        assert_eq!(std::fs::read(device.path()).unwrap(), [0; 4]);
    }

    #[test]
    fn where_there_is_no_such_device_the_remedy_is_named() {
        let error = Awake::at(Path::new("/nonexistent/cpu_dma_latency")).unwrap_err().to_string();
        assert!(error.contains("--awake") && error.contains("remedy: run as root"), "{error}");
    }
}
