//! AccountService.

use aurareels_proto::v1::{self, account_service_server::AccountService};
use tonic::{Request, Response, Status};

use super::{
    auth::{
        Who,
        layer::{caller, who},
    },
    convert::{account, requests},
    status::from_app,
};
use crate::{
    app::accounts::{Accounts, EndedBy},
    audit,
    clock::Clock,
    domain::ids::AccountId,
};

/// Handlers of AccountService.
pub(super) struct AccountApi {
    pub(super) accounts: Accounts,
    pub(super) clock: Clock,
}

type Answer<T> = Result<Response<T>, Status>;

impl AccountApi {
    #[allow(clippy::result_large_err, reason = "tonic's handlers answer Status")]
    fn id(&self, id: i64) -> Result<AccountId, Status> {
        let id = requests::account_id(id).map_err(from_app(&self.clock))?;
        audit::touches("account", id);
        Ok(id)
    }
}

#[tonic::async_trait]
impl AccountService for AccountApi {
    async fn list_accounts(&self, request: Request<v1::ListAccountsRequest>) -> Answer<v1::ListAccountsResponse> {
        let caller = caller(&request)?;
        let (filter, size, token) = requests::list_accounts(request.into_inner()).map_err(from_app(&self.clock))?;
        let page = self.accounts.list(caller, filter, size, token).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(v1::ListAccountsResponse {
            accounts: page.accounts.into_iter().map(account::account).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn get_account(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::Account> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        let found = self.accounts.get(caller, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(account::account(found)))
    }

    async fn connect_account(&self, request: Request<v1::ConnectAccountRequest>) -> Answer<v1::ConnectAccountResponse> {
        let caller = caller(&request)?;
        let connect = requests::connect(request.into_inner()).map_err(from_app(&self.clock))?;
        let link = self.accounts.connect(caller, connect).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(account::link(link)))
    }

    async fn complete_connect(
        &self,
        request: Request<v1::CompleteConnectRequest>,
    ) -> Answer<v1::CompleteConnectResponse> {
        let caller = caller(&request)?;
        let requests::Complete { platform, code, state, browser_secret } =
            requests::complete(request.into_inner()).map_err(from_app(&self.clock))?;
        let by = EndedBy::Client { caller, browser_secret };
        let connected = self.accounts.complete(by, platform, &code, &state).await.map_err(from_app(&self.clock))?;
        connected.accounts.iter().for_each(|account| audit::touches("account", account.id));
        Ok(Response::new(account::connected(connected)))
    }

    async fn refresh_token(&self, request: Request<v1::RefreshTokenRequest>) -> Answer<v1::RefreshTokenResponse> {
        let who = who(&request)?;
        let v1::RefreshTokenRequest { id, only_if_needed } = request.into_inner();
        let id = self.id(id)?;
        let caller = match who {
            Who::User(caller) => caller,
            Who::Site => {
                let owner = self.accounts.owner_of(id).await.map_err(from_app(&self.clock))?;
                audit::acts_for(owner.user);
                owner
            }
        };
        let answer = self.accounts.refresh(caller, id, only_if_needed).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(account::refreshed(answer)))
    }

    async fn disconnect_account(
        &self,
        request: Request<v1::DisconnectAccountRequest>,
    ) -> Answer<v1::DisconnectAccountResponse> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        let answer = self.accounts.disconnect(caller, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(account::disconnected(answer)))
    }

    async fn check_account(&self, request: Request<v1::CheckAccountRequest>) -> Answer<v1::Account> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        let checked = self.accounts.check(caller, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(account::account(checked)))
    }

    async fn get_publish_options(&self, request: Request<v1::GetPublishOptionsRequest>) -> Answer<v1::PublishOptions> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        let found = self.accounts.get(caller, id).await.map_err(from_app(&self.clock))?;
        let options = self.accounts.publish_options(caller, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(account::options(&found, options)))
    }

    async fn get_quota(&self, request: Request<v1::GetQuotaRequest>) -> Answer<v1::Quota> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        let found = self.accounts.get(caller, id).await.map_err(from_app(&self.clock))?;
        let quota = self.accounts.quota(caller, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(account::quota(&found, quota)))
    }
}
