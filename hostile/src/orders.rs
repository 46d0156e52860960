//! What the component was told to do, and where: `in` has the names of exports, a space between them.

use std::cell::RefCell;

thread_local! {
    static ORDERS: RefCell<Orders> = RefCell::default();
}

#[derive(Default)]
struct Orders {
    places: String,
    deed: String,
}

/// Takes the settings, `{"in": "…", "do": "…"}`: of the pieces between quotes the second and the fourth
/// are values.
pub(crate) fn take(settings: &str) {
    let mut values = settings.split('"').skip(3).step_by(4);
    let mut next = || values.next().unwrap_or_default().to_owned();
    ORDERS.set(Orders {
        places: next(),
        deed: next(),
    });
}

/// What is to be done in the export `place`; nothing, most of the time.
pub(crate) fn deed_in(place: &str) -> String {
    ORDERS.with_borrow(|orders| {
        let is_meant = orders.places.split(' ').any(|meant| meant == place);
        if is_meant {
            orders.deed.clone()
        } else {
            String::new()
        }
    })
}
