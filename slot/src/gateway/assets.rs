//! The pages: the console at `/`, the playground at `/playground/`. They are in the program, gzipped, as
//! browsers take them; no file is read.
//!
//! A page may load scripts and styles from here, talk to here, and nothing else: a name or a reason that
//! comes from elsewhere and holds HTML has nothing to gain. What a page names carries a hash of its
//! content in its own name and may be kept for ever; the page itself is asked for each time, and answered
//! 304 if it is the same.

use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::Served;
use super::answer::Refusal;

/// What `npm run build` has made, as far as it is gzipped; by the build script.
static PAGES: Dir<'_> = include_dir!("$OUT_DIR/pages");

pub(super) fn routes() -> Router<Arc<Served>> {
    Router::new()
        .route(
            "/",
            get(async |headers: HeaderMap| page("console", &headers)),
        )
        .route(
            "/assets/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| {
                asset(&format!("console/assets/{path}"), &headers)
            }),
        )
        .route(
            "/playground",
            get(async || Redirect::permanent("/playground/")),
        )
        .route(
            "/playground/",
            get(async |headers: HeaderMap| page("playground", &headers)),
        )
        .route(
            "/playground/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| {
                asset(&format!("playground/{path}"), &headers)
            }),
        )
}

/// An answer that sets its own `Cache-Control`; all others must not be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct MayBeKept;

/// A page's HTML.
fn page(name: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    file(&format!("{name}/index.html"), headers, "no-cache")
}

/// What scripts of this path may do; a worker has the policy that its own script came with.
fn policy(path: &str) -> &'static str {
    if path.starts_with("playground/") {
        WITH_WASM
    } else {
        POLICY
    }
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// The playground runs the driver in the browser.
const WITH_WASM: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
                         style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                         base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Something that a page names.
fn asset(path: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    file(path, headers, "public, max-age=31536000, immutable")
}

fn file(path: &str, headers: &HeaderMap, kept: &'static str) -> Result<Response, Refusal> {
    let compressed = PAGES.get_file(format!("{path}.gz"));
    let compressed = compressed.ok_or_else(|| {
        let sentence = "there is nothing at this path";
        Refusal::new(StatusCode::NOT_FOUND, sentence)
    })?;
    let is_compressed = takes_gzip(headers);
    let content = if is_compressed {
        Cow::Borrowed(compressed.contents())
    } else {
        let plain = unzipped(compressed.contents()).map_err(|_| {
            let sentence = "this page cannot be read";
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, sentence)
        })?;
        Cow::Owned(plain)
    };
    let tag = tag(&content);
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|known| known == tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content.into_response()
    };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    answer.insert(header::ETAG, tag);
    answer.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy(path)),
    );
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    answer.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(path)),
    );
    if is_compressed {
        let gzip = HeaderValue::from_static("gzip");
        answer.insert(header::CONTENT_ENCODING, gzip);
    }
    response.extensions_mut().insert(MayBeKept);
    Ok(response)
}

fn unzipped(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(content).read_to_end(&mut plain)?;
    Ok(plain)
}

/// Browsers all say `gzip, deflate, …`; what says it in another way gets what is not compressed.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get(header::ACCEPT_ENCODING);
    let given = given.and_then(|given| given.to_str().ok());
    given.is_some_and(|given| given.split(',').any(|coding| coding.trim() == "gzip"))
}

fn tag(content: &[u8]) -> HeaderValue {
    let hash = hex::encode(&Sha256::digest(content)[..16]);
    #[expect(
        clippy::expect_used,
        reason = "hexadecimal digits may stand in a header"
    )]
    HeaderValue::from_str(&format!("\"{hash}\"")).expect("hexadecimal digits are a header value")
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
