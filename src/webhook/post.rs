//! POST subscribes.

use crate::book::Full;
use crate::driver::Driver;
use crate::host::Host;

use super::Response;
use super::body::Body;

impl<H: Host + 'static> Driver<H> {
    /// Subscribes `{"webhook": url, "secret"?: text}`. A URL that is subscribed keeps its
    /// subscription, with the new secret or none, and is open from now on; a repetition that changes nothing writes nothing.
    pub async fn post(&self, body: &[u8]) -> Response {
        self.subscribe(body).await.unwrap_or_else(|refusal| refusal)
    }

    async fn subscribe(&self, body: &[u8]) -> Result<Response, Response> {
        let inner = &*self.0;
        let body = Body::parse(body)?;
        let url = body.webhook()?;
        let secret = body.secret()?;
        if inner.state.borrow().awaits_settings {
            return Err(super::awaits_settings());
        }
        let rule = inner.state.borrow().settings.egress.check_url(url.url());
        rule.map_err(|refusal| refused(&refusal.to_string()))?;
        inner
            .host
            .check_url(url.as_str())
            .await
            .map_err(|why| refused(&why))?;

        let posted = self.change_book(|book, mut keys| {
            match book.with_posted(url.clone(), secret, &mut keys) {
                Ok(next) => {
                    let id = next.id(&url);
                    (Some(next), Ok(id))
                }
                Err(Full) => (None, Err(Full)),
            }
        });
        let saved = match posted.await {
            Ok(Ok(Some(id))) => self.enable(id).await,
            Ok(Ok(None)) => Ok(()),
            Ok(Err(Full)) => {
                return Err(Response::error(
                    507,
                    "there are too many subscriptions; remove one first",
                ));
            }
            Err(error) => Err(error),
        };
        match saved {
            Ok(()) => Ok(Response::empty(201)),
            Err(error) => {
                inner.warn(&format!("a subscription could not be saved: {error}"));
                Err(Response::error(
                    503,
                    "the subscription is not known to be saved; it is safe to repeat the request",
                ))
            }
        }
    }
}

fn refused(why: &str) -> Response {
    Response::error(422, &format!("the webhook is not permitted: {why}"))
}
