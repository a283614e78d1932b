// The journey of a user through every operation, with the generated client.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"journey/bpauth"
)

const password = "correct horse battery staple"

func check(holds bool, what string) {
	if !holds {
		panic(what)
	}
}

// The answers of an operation without a body lack their first value.
func succeeded[T any](status int, what string) func(T, *http.Response, error) T {
	return func(value T, response *http.Response, err error) T {
		emptied(status, what)(response, err)
		return value
	}
}

func emptied(status int, what string) func(*http.Response, error) {
	return func(response *http.Response, err error) {
		if err != nil || response.StatusCode != status {
			panic(fmt.Sprintf("%s: %v %v, not %d", what, err, explained(err), status))
		}
	}
}

func explained(err error) *bpauth.Error {
	var refused *bpauth.GenericOpenAPIError
	if errors.As(err, &refused) {
		if model, ok := refused.Model().(bpauth.Error); ok {
			return &model
		}
	}
	return nil
}

// An empty code is one that the document does not have.
func refused(response *http.Response, err error, status int, code bpauth.ErrorCode, what string) *bpauth.Error {
	check(err != nil && response != nil && response.StatusCode == status, fmt.Sprintf("%s: %v, not %d", what, err, status))
	model := explained(err)
	check(model != nil && model.Message != "" && model.RequestId != "", what+": the error was not decoded")
	check(code == "" || model.ErrorCode == code, fmt.Sprintf("%s: %s, not %s", what, model.ErrorCode, code))
	return model
}

// RFC 6238; `steps` half minutes ahead, because a code is good once.
func totp(secret string, steps int64) string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	check(err == nil, "the secret is base32")
	mac := hmac.New(sha1.New, key)
	check(binary.Write(mac, binary.BigEndian, time.Now().Unix()/30+steps) == nil, "the counter")
	sum := mac.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}

func main() {
	configuration := bpauth.NewConfiguration()
	configuration.Servers = bpauth.ServerConfigurations{{URL: os.Getenv("JOURNEY_URL")}}
	client := bpauth.NewAPIClient(configuration)
	auth, mfa := client.AuthAPI, client.AuthMfaAPI
	public := context.Background()
	by := func(token string) context.Context {
		return context.WithValue(public, bpauth.ContextAccessToken, token)
	}
	email := os.Getenv("JOURNEY_EMAIL")
	login := func(what string) *bpauth.LoginResponse {
		return succeeded[*bpauth.LoginResponse](200, what)(auth.Login(public).Username(email).Password(password).Execute())
	}

	registration := bpauth.NewRegisterRequest(email, password)
	registration.SetFullName("Ada")
	user := succeeded[*bpauth.User](201, "register")(auth.Register(public).RegisterRequest(*registration).Execute())
	check(user.Email == email && user.Roles[0] == bpauth.OWNER, "register: the user")
	_, response, err := auth.Register(public).RegisterRequest(*registration).Execute()
	refused(response, err, 409, bpauth.EMAIL_TAKEN, "register again")
	_, response, err = auth.Register(public).RegisterRequest(*bpauth.NewRegisterRequest("ada", password)).Execute()
	invalid := refused(response, err, 422, bpauth.VALIDATION_ERROR, "register without @")
	check(strings.Join(invalid.Errors[0].Loc, ".") == "body.email", "a 422 names its field")

	_, response, err = auth.Login(public).Username(email).Password("wrong horse").Execute()
	wrong := refused(response, err, 401, bpauth.INVALID_CREDENTIALS, "a wrong password")
	check(wrong.GetError() == "invalid_grant", "the code of RFC 6749")
	first := login("login").TokenResponse
	check(first != nil, "no factor is due")
	refreshed := succeeded[*bpauth.TokenResponse](200, "refresh")(
		auth.RefreshTokenEndpoint(public).RefreshRequest(refreshOf(first)).Execute())
	check(refreshed.GetRefreshToken() != "" && refreshed.GetRefreshToken() != first.GetRefreshToken(), "refresh rotates")
	me := by(refreshed.AccessToken)

	check(succeeded[*bpauth.User](200, "me")(auth.Me(me).Execute()).HasSession(), "the session")
	entitled := succeeded[*bpauth.Entitlements](200, "entitlements")(auth.MeEntitlements(me).Execute())
	limit := entitled.Limits["api_keys"]
	check(entitled.Features["mfa"] && limit.GetLimit() == 1, "the maps of entitlements")

	key := succeeded[*bpauth.ApiKey](200, "api-key")(auth.GetApiKey(me).Execute())
	rotated := succeeded[*bpauth.ApiKeySecret](200, "api-key/rotate")(auth.RotateApiKey(me).Execute())
	check(rotated.Id == key.Id && strings.HasPrefix(rotated.ApiKey, key.Prefix), "the key's secret")
	by_key := context.WithValue(public, bpauth.ContextAPIKeys, map[string]bpauth.APIKey{"apiKey": {Key: rotated.ApiKey}})
	succeeded[*bpauth.User](200, "me by API key")(auth.Me(by_key).Execute())

	setup := succeeded[*bpauth.TotpSetup](200, "totp/setup")(mfa.TotpSetup(me).Execute())
	check(strings.HasPrefix(setup.QrCode, "data:image/"), "the QR code")
	_, response, err = mfa.SmsVerify(me).CodeConfirm(*bpauth.NewCodeConfirm("123456")).Execute()
	refused(response, err, 409, bpauth.MFA_NOT_PENDING, "sms/verify before its set-up")
	enrolled := succeeded[*bpauth.MfaEnrolled](200, "totp/verify")(
		mfa.TotpVerify(me).CodeConfirm(*bpauth.NewCodeConfirm(totp(setup.Secret, 0))).Execute())
	check(enrolled.MfaEnabled && len(enrolled.BackupCodes) == 10, "ten backup codes")
	sms := succeeded[*bpauth.CodeSent](200, "sms/setup")(
		mfa.SmsSetup(me).SmsSetupRequest(*bpauth.NewSmsSetupRequest(os.Getenv("JOURNEY_PHONE"))).Execute())
	check(sms.Sent, "an SMS")
	_, response, err = mfa.SmsVerify(me).CodeConfirm(*bpauth.NewCodeConfirm("000000")).Execute()
	refused(response, err, 400, bpauth.CODE_INVALID, "sms/verify")
	methods := succeeded[*bpauth.MfaMethods](200, "methods")(mfa.MfaMethods(me).Execute())
	check(methods.GetDefaultMethod() == bpauth.TOTP && len(methods.Methods) == 2, "both methods")
	emptied(204, "delete sms")(mfa.DeleteMethod(me, bpauth.SMS).Execute())
	_, response, err = auth.VerifyPhoneRequest(me).Execute()
	refused(response, err, 409, bpauth.PHONE_MISSING, "verify-phone/request")
	_, response, err = auth.VerifyPhoneConfirm(me).CodeConfirm(*bpauth.NewCodeConfirm("123456")).Execute()
	refused(response, err, 409, bpauth.PHONE_MISSING, "verify-phone/confirm")

	check(succeeded[*bpauth.MfaResetRequested](200, "reset/request")(mfa.MfaResetRequest(me).Execute()).Message != "", "a message")
	_, response, err = mfa.MfaResetConfirm(public).MfaResetConfirm(*bpauth.NewMfaResetConfirm("no.such.token")).Execute()
	refused(response, err, 400, bpauth.TOKEN_INVALID, "reset/confirm")
	emptied(204, "reactivate/request")(auth.ReactivateRequest(public).ReactivateRequest(*bpauth.NewReactivateRequest(email)).Execute())
	_, response, err = auth.ReactivateConfirm(public).ReactivateConfirm(*bpauth.NewReactivateConfirm("no.such.token")).Execute()
	refused(response, err, 400, bpauth.TOKEN_INVALID, "reactivate/confirm")

	// The generated client sends JSON `null` for a body that was not given.
	emptied(204, "logout without a body")(auth.Logout(me).Execute())
	_, response, err = auth.Me(me).Execute()
	refused(response, err, 401, bpauth.SESSION_REVOKED, "me after the logout")

	pending := login("login with a second factor").MfaPending
	check(pending != nil && pending.Methods[0] == bpauth.TOTP, "a factor is due")
	challenge := func(mfa_token, code string, remember bool, what string) *bpauth.TokenResponse {
		body := bpauth.NewMfaChallengeRequest(mfa_token)
		body.SetCode(code)
		body.SetRememberDevice(remember)
		return succeeded[*bpauth.LoginResponse](200, what)(mfa.MfaChallenge(public).MfaChallengeRequest(*body).Execute()).TokenResponse
	}
	full := challenge(pending.MfaToken, totp(setup.Secret, 1), true, "challenge")
	check(full != nil && full.User.MfaEnabled && full.HasTrustedDeviceId(), "tokens of a trusted device")
	me = by(full.AccessToken)
	devices := succeeded[[]bpauth.TrustedDevice](200, "trusted-devices")(mfa.ListTrustedDevices(me).Execute())
	check(len(devices) == 1 && devices[0].Id == full.GetTrustedDeviceId(), "the device")
	emptied(204, "revoke the device")(mfa.RevokeTrustedDevice(me, devices[0].Id).Execute())
	response, err = mfa.RevokeTrustedDevice(me, devices[0].Id).Execute()
	refused(response, err, 404, "", "revoke it again")
	codes := succeeded[*bpauth.BackupCodes](200, "backup-codes/regenerate")(mfa.RegenerateBackupCodes(me).Execute()).Codes
	check(len(codes) == 10, "ten new codes")

	again := login("login once more").MfaPending
	check(again != nil, "a factor is due again")
	by_code := challenge(again.MfaToken, codes[0], false, "a backup code")
	check(by_code != nil, "tokens for a backup code")
	old := refreshOf(by_code)
	succeeded[*bpauth.TokenResponse](200, "refresh of the second session")(auth.RefreshTokenEndpoint(public).RefreshRequest(old).Execute())
	_, response, err = auth.RefreshTokenEndpoint(public).RefreshRequest(old).Execute()
	reused := refused(response, err, 401, bpauth.TOKEN_REUSED, "the old refresh token")
	check(reused.GetError() == "invalid_grant", "the code of RFC 6749 again")

	emptied(204, "delete totp")(mfa.DeleteMethod(me, bpauth.TOTP).Execute())
	all := bpauth.NewLogoutRequest()
	all.SetAllSessions(true)
	emptied(204, "logout of every session")(auth.Logout(me).LogoutRequest(*all).Execute())
	_, response, err = auth.Me(me).Execute()
	refused(response, err, 401, bpauth.SESSION_REVOKED, "me after every logout")
	fmt.Println("journey: ok")
}

func refreshOf(tokens *bpauth.TokenResponse) bpauth.RefreshRequest {
	request := bpauth.RefreshRequest{}
	request.SetRefreshToken(tokens.GetRefreshToken())
	return request
}
