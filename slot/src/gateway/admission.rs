//! What holds for every request, whatever its route, before anybody looks at it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Served;
use super::answer::Refusal;
use super::connections::ReachedAt;
use super::host::Authority;
use super::pages;

/// Lets a request through that is addressed to this gateway, of a length and a form that it takes, and
/// not made by a page from elsewhere.
pub(super) async fn admit(
    State(served): State<Arc<Served>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let addressed = check(&served, &request)?;
    request.extensions_mut().insert(addressed);
    Ok(next.run(request).await)
}

/// Answers what the request is addressed to.
fn check(served: &Served, request: &Request) -> Result<Authority, Refusal> {
    let (uri, headers) = (request.uri(), request.headers());
    let length = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if length > served.limits.target_bytes {
        return Err(Refusal::new(
            StatusCode::URI_TOO_LONG,
            format!(
                "the URL is longer than {} bytes",
                served.limits.target_bytes
            ),
        ));
    }
    check_coding(headers)?;
    let reached = request.extensions().get::<ReachedAt>();
    #[expect(
        clippy::expect_used,
        reason = "`connections::answer` gives it to every request"
    )]
    let reached = *reached.expect("a request has come by a connection");
    let hosts = &served.site.hosts;
    let addressed = hosts.addressed(request.version(), uri, headers, reached)?;
    pages::check(headers, &addressed)?;
    Ok(addressed)
}

/// Hyper takes any list of codings that ends in `chunked`, and undoes only that one: what the module
/// would get of the others is not what was meant (RFC 9112, section 6.1).
fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_plain = match codings.next() {
        None => true,
        Some(coding) => {
            coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none()
        }
    };
    is_plain.then_some(()).ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "a body may be chunked, and not encoded in any other way",
        )
    })
}
