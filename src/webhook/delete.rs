//! DELETE unsubscribes.

use crate::driver::Driver;
use crate::host::Host;
use crate::settings::Contract;

use super::Response;
use super::body::Body;

impl<H: Host + 'static> Driver<H> {
    /// Unsubscribes `{"webhook": url}`. Once it is answered no attempt starts. A URL that the
    /// operator lists stays removed until it has left the list, or is POSTed.
    pub async fn delete(&self, body: &[u8]) -> Response {
        self.unsubscribe(body)
            .await
            .unwrap_or_else(|refusal| refusal)
    }

    async fn unsubscribe(&self, body: &[u8]) -> Result<Response, Response> {
        let inner = &*self.0;
        let url = Body::parse(body)?.webhook()?;
        if inner.state.borrow().awaits_settings {
            return Err(super::awaits_settings());
        }
        let removed = self.change_book(|book, mut keys| {
            let next = book.without(&url, &mut keys);
            let was_there = next.is_some();
            (next, was_there)
        });
        match removed.await {
            Ok(true) => Ok(Response::empty(202)),
            // Today's driver answers 202 to this one too.
            Ok(false) if inner.state.borrow().settings.contract == Contract::Deployed => {
                Ok(Response::empty(202))
            }
            Ok(false) => Err(Response::error(
                404,
                "there is no subscription of this webhook",
            )),
            Err(error) => {
                inner.warn(&format!("a subscription could not be removed: {error}"));
                Err(Response::error(
                    503,
                    "the removal is not known to be saved; it is safe to repeat the request",
                ))
            }
        }
    }
}
