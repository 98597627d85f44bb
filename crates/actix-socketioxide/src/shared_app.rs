//! One `App` per worker behind both HTTP services: the one with upgrades and the one without.

use actix_http::Request;
use actix_service::ServiceFactory;
use futures_core::future::LocalBoxFuture;
use std::rc::Rc;
use tokio::sync::OnceCell;

/// An `App` can be initialised only once, so both services share what that gave.
pub(crate) struct SharedApp<F: ServiceFactory<Request>>(Rc<Shared<F>>);

struct Shared<F: ServiceFactory<Request>> {
    factory: F,
    service: OnceCell<Rc<F::Service>>,
}

impl<F: ServiceFactory<Request>> SharedApp<F> {
    pub(crate) fn new(factory: F) -> Self {
        Self(Rc::new(Shared { factory, service: OnceCell::new() }))
    }
}

impl<F: ServiceFactory<Request>> Clone for SharedApp<F> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<F> ServiceFactory<Request> for SharedApp<F>
where
    F: ServiceFactory<Request, Config = ()> + 'static,
{
    type Response = F::Response;
    type Error = F::Error;
    type Config = ();
    type Service = Rc<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let shared = Rc::clone(&self.0);
        Box::pin(async move {
            let init = || async { shared.factory.new_service(()).await.map(Rc::new) };
            shared.service.get_or_try_init(init).await.cloned()
        })
    }
}
