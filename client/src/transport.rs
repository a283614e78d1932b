use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};
use reqwest::{Request, Response, header};

use crate::{Client, types};

/// How the calls of a [`Client`] are sent: as they are, or with what the session layer adds.
///
/// The default sends them as they are; [`Client::new_with_client`] asks for one.
///
/// ```
#[doc = include_str!("doc/server.txt")]
/// use bp_auth_client::{Client, Transport};
///
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let client = Client::new_with_client(url, http, Transport::default());
/// assert_eq!(client.me().send().await?.email, "ada@example.org");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transport {
    #[cfg(feature = "session")]
    pub(crate) caller: Option<std::sync::Arc<crate::session::Caller>>,
}

/// Readies a request: the generated calls come here in place of the library's hook, because its
/// errors are not ours.
pub(crate) async fn prepare(
    client: &Client,
    request: &mut Request,
    info: &OperationInfo,
) -> Result<(), Error<types::Error>> {
    #[cfg(feature = "session")]
    if let Some(caller) = &client.inner().caller {
        caller.prepare(request, info.operation_id).await?;
    }
    // Without sessions there is nothing to add.
    let _ = (client, request, info);
    Ok(())
}

/// Sends one request, once.
///
/// Errors print the headers of the answer, and a login sets cookies that are as good as tokens.
pub(crate) async fn send(http: &reqwest::Client, request: Request) -> reqwest::Result<Response> {
    let mut response = http.execute(request).await?;
    for (name, value) in response.headers_mut() {
        if name == header::SET_COOKIE {
            value.set_sensitive(true);
        }
    }
    Ok(response)
}

impl ClientHooks<Transport> for Client {
    async fn exec(&self, request: Request, info: &OperationInfo) -> reqwest::Result<Response> {
        #[cfg(feature = "session")]
        if let Some(caller) = &self.inner().caller {
            return caller.exec(self.client(), request, info.operation_id).await;
        }
        let _ = info;
        send(self.client(), request).await
    }
}
