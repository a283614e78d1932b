import os

from bp_auth_client import AuthenticatedClient, Client, models
from bp_auth_client.api.auth import (
    get_api_key, login, logout, me, me_entitlements, reactivate_confirm, reactivate_request, refresh_token_endpoint,
    register, rotate_api_key, verify_phone_confirm, verify_phone_request,
)
from bp_auth_client.api.auth_mfa import (
    delete_method, list_trusted_devices, mfa_challenge, mfa_methods, mfa_reset_confirm, mfa_reset_request,
    regenerate_backup_codes, revoke_trusted_device, sms_setup, sms_verify, totp_setup, totp_verify,
)
from bp_auth_client.types import UNSET
from journey import journey

URL = os.environ["JOURNEY_URL"]


def call(operation, *path, token=None, api_key=None, **body):
    """A client per call: a client keeps the cookies of a login, and would send them beside an API key."""
    if token:
        client = AuthenticatedClient(base_url=URL, token=token)
    else:
        client = Client(base_url=URL, headers={"X-API-Key": api_key} if api_key else {})
    response = operation.sync_detailed(*path, client=client, **body)
    return int(response.status_code), response.parsed


class Api:
    def register(self, email, password, full_name):
        body = models.RegisterRequest(email=email, password=password, full_name=full_name or UNSET)
        return call(register, body=body)

    def login(self, username, password):
        return call(login, body=models.LoginForm(username=username, password=password))

    def refresh(self, token):
        return call(refresh_token_endpoint, body=models.RefreshRequest(refresh_token=token))

    def logout(self, token, all_sessions=None):
        return call(logout, token=token, body=UNSET if all_sessions is None else models.LogoutRequest(all_sessions=True))

    def me(self, token=None, api_key=None):
        return call(me, token=token, api_key=api_key)

    def entitlements(self, token):
        return call(me_entitlements, token=token)

    def api_key(self, token):
        return call(get_api_key, token=token)

    def rotate_api_key(self, token):
        return call(rotate_api_key, token=token)

    def reactivate_request(self, email):
        return call(reactivate_request, body=models.ReactivateRequest(email=email))

    def reactivate_confirm(self, token):
        return call(reactivate_confirm, body=models.ReactivateConfirm(token=token))

    def verify_phone_request(self, token):
        return call(verify_phone_request, token=token)

    def verify_phone_confirm(self, token, code):
        return call(verify_phone_confirm, token=token, body=models.CodeConfirm(code=code))

    def totp_setup(self, token):
        return call(totp_setup, token=token)

    def totp_verify(self, token, code):
        return call(totp_verify, token=token, body=models.CodeConfirm(code=code))

    def sms_setup(self, token, phone_number):
        return call(sms_setup, token=token, body=models.SmsSetupRequest(phone_number=phone_number))

    def sms_verify(self, token, code):
        return call(sms_verify, token=token, body=models.CodeConfirm(code=code))

    def challenge(self, mfa_token, code, remember_device):
        body = models.MfaChallengeRequest(mfa_token=mfa_token, code=code, remember_device=remember_device)
        return call(mfa_challenge, body=body)

    def methods(self, token):
        return call(mfa_methods, token=token)

    def regenerate(self, token):
        return call(regenerate_backup_codes, token=token)

    def delete_method(self, token, method):
        return call(delete_method, method, token=token)

    def reset_request(self, token):
        return call(mfa_reset_request, token=token)

    def reset_confirm(self, token):
        return call(mfa_reset_confirm, body=models.MfaResetConfirm(token=token))

    def devices(self, token):
        return call(list_trusted_devices, token=token)

    def revoke_device(self, token, device_id):
        return call(revoke_trusted_device, device_id, token=token)


journey(Api())
