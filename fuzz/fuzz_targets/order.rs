//! The order file, and the order file of a drop folder: refused, or one that reads back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schistoquant::case::Order;
use schistoquant::watch::DropOrder;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(order) = Order::from_json(bytes) {
        let text = serde_json::to_vec(&order).expect("a plain record");
        assert_eq!(Order::from_json(&text).expect("its own text"), order);
    }
    // A message or a resource gives an order that JSON holds as well.
    if let Ok(order) = Order::read(bytes) {
        let text = serde_json::to_vec(&order).expect("a plain record");
        assert_eq!(Order::read(&text).expect("its own text"), order);
    }
    if let Ok(order) = serde_json::from_slice::<DropOrder>(bytes) {
        let text = serde_json::to_vec(&order).expect("a plain record");
        assert_eq!(serde_json::from_slice::<DropOrder>(&text).expect("its own text"), order);
    }
});
