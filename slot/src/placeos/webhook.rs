//! A webhook's answer as core takes it.

use std::collections::BTreeMap;

use placeos_wire::exec::Webhook;
use serde_json::json;

use crate::module::Response;

/// The largest body and head of a webhook's request, in bytes, as in the gateway.
const BODY: usize = 1 << 20;
const HEAD: usize = 64 << 10;

/// The answer of a webhook as PlaceOS takes it: status, headers, body.
pub(super) fn triple(response: Response) -> String {
    let headers: BTreeMap<_, _> = response.headers.into_iter().collect();
    json!([response.status, headers, response.body]).to_string()
}

/// Why a request is not passed on to the module, if it is larger than any that means something.
pub(super) fn too_large(request: &Webhook) -> Option<Response> {
    let head = request.headers.iter();
    let head: usize = head.map(|(name, value)| name.len() + value.len()).sum();
    let (status, what) = if request.body.len() > BODY {
        (413, "body")
    } else if head > HEAD {
        (431, "head")
    } else {
        return None;
    };
    Some(Response {
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: json!({ "error": format!("the request's {what} is too large") }).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_triple() {
        let response = Response {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: "[]".to_owned(),
        };
        assert_eq!(
            triple(response),
            r#"[200,{"Content-Type":"application/json"},"[]"]"#
        );
    }
}
