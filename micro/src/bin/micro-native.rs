//! `micro-native`: does the work of an event natively, as often as it is told.

use std::io;

use micro::work;

fn main() -> io::Result<()> {
    micro_orders::obey(|order| {
        let work = match order.work.as_str() {
            "parse" => work::parse,
            "sign" => work::sign,
            "serialise" => work::serialise,
            "notify" => work::notify,
            "event" => work::event,
            other => panic!("{other} is not done natively"),
        };
        work(order.times)
    })
}
