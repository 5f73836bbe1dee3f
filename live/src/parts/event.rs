//! `events.csv`: what a process saw of a message, one row an event.

use super::reader::number;
use crate::witness::Service;

/// The columns of the table.
pub(super) const COLUMNS: [&str; 8] =
    ["event", "id", "at_ns", "start_ns", "done_ns", "acked_ns", "server", "attempts"];

/// Something that happened to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The message.
    pub id: String,
    /// What happened.
    pub sight: Sight,
}

/// What was seen, with its instants in ns on the clock of whoever saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// A driver sent the request.
    Sent(u64),
    /// A driver had the answer that the message is queued.
    Responded(u64),
    /// A driver had another answer, or none.
    Refused(u64),
    /// The API had read the request.
    Accepted(u64),
    /// The broker's confirm reached the API.
    Confirmed(u64),
    /// A server completed the message.
    Served(Service),
    /// A server gave the message up.
    DeadLettered(Service),
}

impl Sight {
    fn name(&self) -> &'static str {
        match self {
            Sight::Sent(_) => "sent",
            Sight::Responded(_) => "responded",
            Sight::Refused(_) => "refused",
            Sight::Accepted(_) => "accepted",
            Sight::Confirmed(_) => "confirmed",
            Sight::Served(_) => "served",
            Sight::DeadLettered(_) => "dead_lettered",
        }
    }
}

impl Event {
    /// The event as a row.
    pub(super) fn row(&self) -> [String; COLUMNS.len()] {
        let (name, id) = (self.sight.name().to_owned(), self.id.clone());
        let none = String::new;
        match &self.sight {
            Sight::Sent(at_ns)
            | Sight::Responded(at_ns)
            | Sight::Refused(at_ns)
            | Sight::Accepted(at_ns)
            | Sight::Confirmed(at_ns) => {
                [name, id, at_ns.to_string(), none(), none(), none(), none(), none()]
            }
            Sight::Served(service) | Sight::DeadLettered(service) => [
                name,
                id,
                service.received_ns.to_string(),
                service.start_ns.to_string(),
                service.done_ns.to_string(),
                service.acked_ns.map_or_else(none, |at_ns| at_ns.to_string()),
                service.server.to_string(),
                service.attempts.to_string(),
            ],
        }
    }

    /// The event of a row that has a value for each column.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub(super) fn of(row: &csv::StringRecord) -> Result<Self, String> {
        let number = |column| number(row, &COLUMNS, column);
        let small = |column: usize| -> Result<u32, String> {
            u32::try_from(number(column)?).map_err(|_| format!("`{}` is too large", COLUMNS[column]))
        };
        let at_ns = number(2)?;
        let service = || -> Result<Service, String> {
            let service = Service {
                received_ns: at_ns,
                start_ns: number(3)?,
                done_ns: number(4)?,
                acked_ns: if row[5].is_empty() { None } else { Some(number(5)?) },
                server: small(6)?,
                attempts: small(7)?,
            };
            let instants = [at_ns, service.start_ns, service.done_ns];
            match instants.is_sorted() && service.acked_ns.is_none_or(|acked_ns| acked_ns >= service.done_ns)
            {
                true => Ok(service),
                false => {
                    Err("its instants are not in the order received, started, done, acknowledged".to_owned())
                }
            }
        };
        let sight = match &row[0] {
            "sent" => Sight::Sent(at_ns),
            "responded" => Sight::Responded(at_ns),
            "refused" => Sight::Refused(at_ns),
            "accepted" => Sight::Accepted(at_ns),
            "confirmed" => Sight::Confirmed(at_ns),
            "served" => Sight::Served(service()?),
            "dead_lettered" => Sight::DeadLettered(service()?),
            other => return Err(format!("`{other}` is no event")),
        };
        Ok(Event { id: row[1].to_owned(), sight })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_back_as_it_was_written() {
        let service =
            Service { server: 3, received_ns: 1, start_ns: 2, done_ns: 30, acked_ns: None, attempts: 2 };
        let acked = Service { acked_ns: Some(31), ..service };
        let sights = [
            Sight::Sent(1),
            Sight::Responded(2),
            Sight::Refused(3),
            Sight::Accepted(4),
            Sight::Confirmed(u64::MAX),
            Sight::Served(service),
            Sight::DeadLettered(acked),
        ];
        for sight in sights {
            let event = Event { id: "order, \"17\"\n".into(), sight };
            assert_eq!(Event::of(&csv::StringRecord::from(event.row().to_vec())), Ok(event));
        }
    }

    #[test]
    fn a_row_of_another_form_is_refused_with_its_column() {
        let row = |text: &str| Event::of(&csv::StringRecord::from(text.split(',').collect::<Vec<_>>()));
        for (text, part) in [
            ("sent,a,x,,,,,", "`at_ns` is `x`"),
            ("born,a,1,,,,,", "`born` is no event"),
            ("served,a,1,2,,,0,1", "`done_ns` is ``"),
            ("served,a,1,2,3,,5000000000,1", "`server` is too large"),
            ("served,a,1,3,2,,0,1", "not in the order"),
            ("dead_lettered,a,1,2,3,2,0,1", "not in the order"),
        ] {
            assert!(row(text).unwrap_err().contains(part), "{text}");
        }
    }
}
