//! WebhookService.

use aurareels_proto::v1::{self, webhook_service_server::WebhookService};
use tonic::{Request, Response, Status};

use super::{
    auth::{Denied, layer::asker},
    convert::webhook,
    status::{denied, from_app},
};
use crate::{
    app::webhooks::{Asker, WebhookEndpoints},
    audit,
    clock::Clock,
};

/// Handlers of WebhookService.
pub(super) struct WebhookApi {
    pub(super) webhooks: WebhookEndpoints,
    pub(super) clock: Clock,
}

type Answer<T> = Result<Response<T>, Status>;

impl WebhookApi {
    /// Refuses what is the operator's to everybody else.
    #[allow(clippy::result_large_err, reason = "tonic's handlers answer Status")]
    fn only_operator(&self, by: Asker, all_users: bool) -> Result<(), Status> {
        if !all_users || by.is_operator {
            return Ok(());
        }
        let message = "endpoints for all users are the operator's".to_owned();
        let remedy = "use an API key for any user with the scope `admin`, or leave out all_users";
        Err(denied(Denied::Forbidden { message, remedy }, self.clock.now()))
    }
}

#[tonic::async_trait]
impl WebhookService for WebhookApi {
    async fn create_webhook_endpoint(
        &self,
        request: Request<v1::CreateWebhookEndpointRequest>,
    ) -> Answer<v1::CreateWebhookEndpointResponse> {
        let (by, request) = (asker(&request)?, request.into_inner());
        let all_users = request.all_users;
        self.only_operator(by, all_users)?;
        let input = webhook::create(request).map_err(from_app(&self.clock))?;
        let (made, secret) = self.webhooks.create(by, input, all_users).await.map_err(from_app(&self.clock))?;
        audit::touches("webhook", made.id);
        let (endpoint, secret) = (Some(webhook::endpoint(made)), secret.expose().to_owned());
        Ok(Response::new(v1::CreateWebhookEndpointResponse { endpoint, secret }))
    }

    async fn get_webhook_endpoint(
        &self,
        request: Request<v1::GetWebhookEndpointRequest>,
    ) -> Answer<v1::WebhookEndpoint> {
        let by = asker(&request)?;
        let id = webhook::endpoint_id(request.into_inner().id).map_err(from_app(&self.clock))?;
        let found = self.webhooks.get(by, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(webhook::endpoint(found)))
    }

    async fn list_webhook_endpoints(
        &self,
        request: Request<v1::ListWebhookEndpointsRequest>,
    ) -> Answer<v1::ListWebhookEndpointsResponse> {
        let (by, request) = (asker(&request)?, request.into_inner());
        self.only_operator(by, request.all_users)?;
        let found = self.webhooks.list(by, request.all_users).await.map_err(from_app(&self.clock))?;
        let endpoints = found.into_iter().map(webhook::endpoint).collect();
        Ok(Response::new(v1::ListWebhookEndpointsResponse { endpoints }))
    }

    async fn update_webhook_endpoint(
        &self,
        request: Request<v1::UpdateWebhookEndpointRequest>,
    ) -> Answer<v1::WebhookEndpoint> {
        let by = asker(&request)?;
        let (id, change) = webhook::update(request.into_inner()).map_err(from_app(&self.clock))?;
        audit::touches("webhook", id);
        let updated = self.webhooks.update(by, id, change).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(webhook::endpoint(updated)))
    }

    async fn delete_webhook_endpoint(
        &self,
        request: Request<v1::DeleteWebhookEndpointRequest>,
    ) -> Answer<v1::DeleteWebhookEndpointResponse> {
        let by = asker(&request)?;
        let id = webhook::endpoint_id(request.into_inner().id).map_err(from_app(&self.clock))?;
        audit::touches("webhook", id);
        self.webhooks.delete(by, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(v1::DeleteWebhookEndpointResponse {}))
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<v1::RotateWebhookSecretRequest>,
    ) -> Answer<v1::RotateWebhookSecretResponse> {
        let by = asker(&request)?;
        let (id, overlap) = webhook::rotate(request.into_inner()).map_err(from_app(&self.clock))?;
        audit::touches("webhook", id);
        let (rotated, secret) = self.webhooks.rotate(by, id, overlap).await.map_err(from_app(&self.clock))?;
        let (endpoint, secret) = (Some(webhook::endpoint(rotated)), secret.expose().to_owned());
        Ok(Response::new(v1::RotateWebhookSecretResponse { endpoint, secret }))
    }

    async fn send_test_event(&self, request: Request<v1::SendTestEventRequest>) -> Answer<v1::WebhookDelivery> {
        let by = asker(&request)?;
        let id = webhook::endpoint_id(request.into_inner().id).map_err(from_app(&self.clock))?;
        audit::touches("webhook", id);
        let told = self.webhooks.test(by, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(webhook::told(told)))
    }

    async fn list_webhook_deliveries(
        &self,
        request: Request<v1::ListWebhookDeliveriesRequest>,
    ) -> Answer<v1::ListWebhookDeliveriesResponse> {
        let by = asker(&request)?;
        let webhook::List { endpoint, status, page_size, page_token } =
            webhook::list(request.into_inner()).map_err(from_app(&self.clock))?;
        let page = self.webhooks.deliveries(by, endpoint, status, page_size, page_token.as_deref());
        let page = page.await.map_err(from_app(&self.clock))?;
        Ok(Response::new(v1::ListWebhookDeliveriesResponse {
            deliveries: page.deliveries.into_iter().map(webhook::delivery).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn get_webhook_delivery(
        &self,
        request: Request<v1::GetWebhookDeliveryRequest>,
    ) -> Answer<v1::WebhookDelivery> {
        let by = asker(&request)?;
        let id = webhook::delivery_id(request.into_inner().id).map_err(from_app(&self.clock))?;
        let told = self.webhooks.delivery(by, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(webhook::told(told)))
    }

    async fn redeliver_webhook(&self, request: Request<v1::RedeliverWebhookRequest>) -> Answer<v1::WebhookDelivery> {
        let by = asker(&request)?;
        let id = webhook::delivery_id(request.into_inner().id).map_err(from_app(&self.clock))?;
        audit::touches("webhook_delivery", id);
        let told = self.webhooks.redeliver(by, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(webhook::told(told)))
    }
}
