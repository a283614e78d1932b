import os

import bp_auth_client as client
from journey import journey


def call(api, operation, *arguments, token=None, api_key=None, **named):
    configuration = client.Configuration(host=os.environ["JOURNEY_URL"], access_token=token)
    if api_key:
        configuration.api_key["apiKey"] = api_key
    function = getattr(api(client.ApiClient(configuration)), f"{operation}_with_http_info")
    try:
        response = function(*arguments, **named)
    except client.ApiException as refused:
        return refused.status, refused.data
    # A union arrives in a wrapper.
    return response.status_code, getattr(response.data, "actual_instance", response.data)


def auth(*arguments, **named):
    return call(client.AuthApi, *arguments, **named)


def mfa(*arguments, **named):
    return call(client.AuthMfaApi, *arguments, **named)


class Api:
    def register(self, email, password, full_name):
        return auth("register", client.RegisterRequest(email=email, password=password, full_name=full_name))

    def login(self, username, password):
        return auth("login", username=username, password=password)

    def refresh(self, token):
        return auth("refresh_token_endpoint", client.RefreshRequest(refresh_token=token))

    def logout(self, token, all_sessions=None):
        return auth("logout", token=token, *([client.LogoutRequest(all_sessions=True)] if all_sessions else []))

    def me(self, token=None, api_key=None):
        return auth("me", token=token, api_key=api_key)

    def entitlements(self, token):
        return auth("me_entitlements", token=token)

    def api_key(self, token):
        return auth("get_api_key", token=token)

    def rotate_api_key(self, token):
        return auth("rotate_api_key", token=token)

    def reactivate_request(self, email):
        return auth("reactivate_request", client.ReactivateRequest(email=email))

    def reactivate_confirm(self, token):
        return auth("reactivate_confirm", client.ReactivateConfirm(token=token))

    def verify_phone_request(self, token):
        return auth("verify_phone_request", token=token)

    def verify_phone_confirm(self, token, code):
        return auth("verify_phone_confirm", client.CodeConfirm(code=code), token=token)

    def totp_setup(self, token):
        return mfa("totp_setup", token=token)

    def totp_verify(self, token, code):
        return mfa("totp_verify", client.CodeConfirm(code=code), token=token)

    def sms_setup(self, token, phone_number):
        return mfa("sms_setup", client.SmsSetupRequest(phone_number=phone_number), token=token)

    def sms_verify(self, token, code):
        return mfa("sms_verify", client.CodeConfirm(code=code), token=token)

    def challenge(self, mfa_token, code, remember_device):
        body = client.MfaChallengeRequest(mfa_token=mfa_token, code=code, remember_device=remember_device)
        return mfa("mfa_challenge", body)

    def methods(self, token):
        return mfa("mfa_methods", token=token)

    def regenerate(self, token):
        return mfa("regenerate_backup_codes", token=token)

    def delete_method(self, token, method):
        return mfa("delete_method", method, token=token)

    def reset_request(self, token):
        return mfa("mfa_reset_request", token=token)

    def reset_confirm(self, token):
        return mfa("mfa_reset_confirm", client.MfaResetConfirm(token=token))

    def devices(self, token):
        return mfa("list_trusted_devices", token=token)

    def revoke_device(self, token, device_id):
        return mfa("revoke_trusted_device", device_id, token=token)


journey(Api())
