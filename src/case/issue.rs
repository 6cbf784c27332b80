//! When a report is issued. No clock: the time is given or follows from the order, so that the same work gives the same
//! bytes. Without either it is not known; the time of an image file is never one of issue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Order;
use crate::time::Timestamp;

/// Where the time of issue came from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssueSource {
    /// Given by the caller.
    Given,
    /// When the order says that the specimen was received.
    Received,
    /// When the order says that the blood was taken.
    Collected,
}

/// The time that reports and messages are issued at. No clock: it is given, or follows from the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueTime {
    /// The time.
    pub at: Timestamp,
    /// Where it came from.
    pub source: IssueSource,
}

impl IssueTime {
    /// The best of what is known: given, else received, else collected.
    pub fn resolve(given: Option<&Timestamp>, order: Option<&Order>) -> Option<Self> {
        let of_order = |item: fn(&Order) -> &Option<Timestamp>| order.and_then(|order| item(order).clone());
        [
            (given.cloned(), IssueSource::Given),
            (of_order(|order| &order.received_at), IssueSource::Received),
            (of_order(|order| &order.collected_at), IssueSource::Collected),
        ]
        .into_iter()
        .find_map(|(at, source)| Some(Self { at: at?, source }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_known_time_is_taken() {
        let time = |day: u8| Timestamp::parse(&format!("2025-01-0{day}T00:00:00Z")).ok();
        let order = Order { received_at: time(3), collected_at: time(2), ..Order::default() };
        let collected = Order { collected_at: time(2), ..Order::default() };
        let of = |given: Option<Timestamp>, order: Option<&Order>| {
            IssueTime::resolve(given.as_ref(), order).map(|issued| (issued.at, issued.source))
        };
        let expected = |day, source| time(day).map(|at| (at, source));
        assert_eq!(of(time(4), Some(&order)), expected(4, IssueSource::Given));
        assert_eq!(of(None, Some(&order)), expected(3, IssueSource::Received));
        assert_eq!(of(None, Some(&collected)), expected(2, IssueSource::Collected));
        assert_eq!(of(None, Some(&Order::default())), None);
        assert_eq!(of(None, None), None);
    }
}
