use progenitor_client::{Error, ResponseValue};
use reqwest::Response;
use serde::de::{DeserializeOwned, Error as _};

/// Decodes a body, and withholds it from the error when that fails.
///
/// A body that does not decode may be a token response of another version. The error that the
/// library makes of it would print the whole body, and the decoder's message quotes values.
pub(crate) async fn decode<T: DeserializeOwned, E>(
    response: Response,
) -> Result<ResponseValue<T>, Error<E>> {
    let status = response.status();
    let headers = response.headers().clone();
    let body = response.bytes().await.map_err(Error::ResponseBodyError)?;
    match serde_json::from_slice(&body) {
        Ok(value) => Ok(ResponseValue::new(value, status, headers)),
        Err(e) => {
            let reason = format!(
                "the answer with status {} is no {}: {:?} error, line {}, column {}",
                status.as_u16(),
                std::any::type_name::<T>(),
                e.classify(),
                e.line(),
                e.column(),
            );
            let reason = serde_json::Error::custom(reason);
            Err(Error::InvalidResponsePayload(Default::default(), reason))
        }
    }
}
