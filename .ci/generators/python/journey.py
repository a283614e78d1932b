"""The journey of a user through every operation, for any generated client.

`journey` takes an object with a method per operation, each of which answers a status and what the tool decoded.
"""

import base64
import hashlib
import hmac
import os
import struct
import time


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def succeeded(answer, status, what):
    check(answer[0] == status, f"{what}: {answer}, not {status}")
    return answer[1]


def refused(answer, status, code, what):
    """`code` is None where the server of tomorrow answers one that the document does not have."""
    check(answer[0] == status, f"{what}: {answer}, not {status}")
    error = answer[1]
    check(error.message and error.request_id, f"{what}: the error was not decoded: {answer}")
    check(code is None or error.error_code == code, f"{what}: {error.error_code}, not {code}")
    return error


def is_pending(login):
    return hasattr(login, "mfa_token")


def totp(secret, steps):
    """RFC 6238; `steps` half minutes ahead, because a code is good once."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1).digest()
    number = struct.unpack(">I", mac[mac[19] & 15:][:4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def journey(api):
    email, password = os.environ["JOURNEY_EMAIL"], "correct horse battery staple"

    user = succeeded(api.register(email, password, "Ada"), 201, "register")
    check(user.email == email and "owner" in user.roles, "register: the user")
    refused(api.register(email, password, None), 409, "email_taken", "register again")
    invalid = refused(api.register("ada", password, None), 422, "validation_error", "register without @")
    check(invalid.errors[0].loc == ["body", "email"], "a 422 names its field")

    wrong = refused(api.login(email, "wrong horse"), 401, "invalid_credentials", "a wrong password")
    check(wrong.error == "invalid_grant", "the code of RFC 6749")
    first = succeeded(api.login(email, password), 200, "login")
    check(not is_pending(first), "no factor is due")
    refreshed = succeeded(api.refresh(first.refresh_token), 200, "refresh")
    check(refreshed.refresh_token != first.refresh_token, "refresh rotates")
    token = refreshed.access_token

    check(succeeded(api.me(token=token), 200, "me").session.id, "the session")
    entitled = succeeded(api.entitlements(token), 200, "entitlements")
    check(entitled.features["mfa"] is True and entitled.limits["api_keys"].limit == 1, "the maps of entitlements")

    key = succeeded(api.api_key(token), 200, "api-key")
    rotated = succeeded(api.rotate_api_key(token), 200, "api-key/rotate")
    check(rotated.id == key.id and rotated.api_key.startswith(key.prefix), "the key's secret")
    check(not succeeded(api.me(api_key=rotated.api_key), 200, "me by API key").session, "no session")

    setup = succeeded(api.totp_setup(token), 200, "totp/setup")
    check(setup.qr_code.startswith("data:image/"), "the QR code")
    refused(api.sms_verify(token, "123456"), 409, "mfa_not_pending", "sms/verify before its set-up")
    enrolled = succeeded(api.totp_verify(token, totp(setup.secret, 0)), 200, "totp/verify")
    check(enrolled.mfa_enabled and len(enrolled.backup_codes) == 10, "ten backup codes")
    check(succeeded(api.sms_setup(token, os.environ["JOURNEY_PHONE"]), 200, "sms/setup").sent, "an SMS")
    refused(api.sms_verify(token, "000000"), 400, "code_invalid", "sms/verify")
    methods = succeeded(api.methods(token), 200, "methods")
    check(methods.default_method == "totp" and "sms" in [one.method for one in methods.methods], "both methods")
    succeeded(api.delete_method(token, "sms"), 204, "delete sms")
    refused(api.verify_phone_request(token), 409, "phone_missing", "verify-phone/request")
    refused(api.verify_phone_confirm(token, "123456"), 409, "phone_missing", "verify-phone/confirm")

    check(succeeded(api.reset_request(token), 200, "reset/request").message, "a message")
    refused(api.reset_confirm("no.such.token"), 400, "token_invalid", "reset/confirm")
    succeeded(api.reactivate_request(email), 204, "reactivate/request")
    refused(api.reactivate_confirm("no.such.token"), 400, "token_invalid", "reactivate/confirm")

    succeeded(api.logout(token), 204, "logout without a body")
    refused(api.me(token=token), 401, "session_revoked", "me after the logout")

    pending = succeeded(api.login(email, password), 200, "login with a second factor")
    check(is_pending(pending) and "totp" in pending.methods, "a factor is due")
    full = succeeded(api.challenge(pending.mfa_token, totp(setup.secret, 1), True), 200, "challenge")
    check(not is_pending(full) and full.user.mfa_enabled and full.trusted_device_id, "tokens of a trusted device")
    devices = succeeded(api.devices(full.access_token), 200, "trusted-devices")
    check([one.id for one in devices] == [full.trusted_device_id], "the device")
    succeeded(api.revoke_device(full.access_token, devices[0].id), 204, "revoke the device")
    refused(api.revoke_device(full.access_token, devices[0].id), 404, None, "revoke it again")
    codes = succeeded(api.regenerate(full.access_token), 200, "backup-codes/regenerate").codes
    check(len(codes) == 10, "ten new codes")

    again = succeeded(api.login(email, password), 200, "login once more")
    check(is_pending(again), "a factor is due again")
    by_code = succeeded(api.challenge(again.mfa_token, codes[0], False), 200, "a backup code")
    check(not is_pending(by_code), "tokens for a backup code")
    succeeded(api.refresh(by_code.refresh_token), 200, "refresh of the second session")
    reused = refused(api.refresh(by_code.refresh_token), 401, "token_reused", "the old refresh token")
    check(reused.error == "invalid_grant", "the code of RFC 6749 again")

    succeeded(api.delete_method(full.access_token, "totp"), 204, "delete totp")
    succeeded(api.logout(full.access_token, all_sessions=True), 204, "logout of every session")
    refused(api.me(token=full.access_token), 401, "session_revoked", "me after every logout")
    print("journey: ok")
