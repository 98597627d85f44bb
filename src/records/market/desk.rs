//! Where a change is handed in: who calls, which connection is to be spared, the way to the outbox.

use crate::{
    answer::{answer_write, origin},
    auth::Caller,
    delivery::outbox::{Committed, Outbox, Tx},
    error::{Error, Result},
    identity::Identity,
    notice::Origin,
};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web::Data};
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use serde::Serialize;

/// A caller with a change; a handler that takes one answers 401 to anybody else.
pub(super) struct Desk {
    pub(super) by: Identity,
    origin: Option<Origin>,
    outbox: Data<Outbox>,
}

impl Desk {
    /// Does the work as one change of the caller's.
    pub(super) async fn commit<T: Send + 'static>(
        self,
        work: impl AsyncFnOnce(&mut Tx, &Identity) -> Result<T> + Send + 'static,
    ) -> Result<Committed<T>> {
        let Self { by, origin, outbox } = self;
        outbox
            .commit(async move |tx: &mut Tx| {
                tx.spare(origin);
                work(tx, &by).await
            })
            .await
    }

    /// The same for what came to be: 201.
    pub(super) async fn create<T: Serialize + Send + 'static>(
        self,
        work: impl AsyncFnOnce(&mut Tx, &Identity) -> Result<T> + Send + 'static,
    ) -> Result<HttpResponse> {
        Ok(answer_write(HttpResponse::Created(), &self.commit(work).await?))
    }

    /// The same for what was changed: 200.
    pub(super) async fn change<T: Serialize + Send + 'static>(
        self,
        work: impl AsyncFnOnce(&mut Tx, &Identity) -> Result<T> + Send + 'static,
    ) -> Result<HttpResponse> {
        Ok(answer_write(HttpResponse::Ok(), &self.commit(work).await?))
    }
}

impl FromRequest for Desk {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        let request = request.clone();
        async move {
            let caller = caller.await?;
            let outbox = request.app_data::<Data<Outbox>>().cloned();
            let outbox = outbox.ok_or_else(|| Error::internal("no Outbox in the app's data"))?;
            Ok(Self { origin: origin(&request, &caller), by: caller.0, outbox })
        }
        .boxed_local()
    }
}
