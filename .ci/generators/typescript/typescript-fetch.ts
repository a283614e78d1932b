import { AuthApi, AuthMfaApi, Configuration, ModelErrorFromJSON, ResponseError, type ApiResponse } from "./generated/typescript-fetch";
import { type Answer, run } from "./journey";

const as = (by: { token?: string; apiKey?: string }) => new Configuration({
    basePath: process.env.JOURNEY_URL!,
    accessToken: by.token,
    apiKey: (name) => (name === "X-API-Key" && by.apiKey) || "",
});
const auth = (token?: string) => new AuthApi(as({ token }));
const mfa = (token?: string) => new AuthMfaApi(as({ token }));

// Every refusal is thrown, with its body unread.
async function answer<T>(call: Promise<ApiResponse<T>>): Promise<Answer<T>> {
    try {
        const response = await call;
        return { status: response.raw.status, data: await response.value() };
    } catch (thrown) {
        if (!(thrown instanceof ResponseError)) throw thrown;
        return { status: thrown.response.status, error: ModelErrorFromJSON(await thrown.response.json()) };
    }
}

run({
    register: (RegisterRequest) => answer(auth().registerRaw({ RegisterRequest })),
    login: (username, password) => answer(auth().loginRaw({ username, password })),
    refresh: (refresh_token) => answer(auth().refreshTokenEndpointRaw({ RefreshRequest: { refresh_token } })),
    logout: (token, LogoutRequest) => answer(auth(token).logoutRaw({ LogoutRequest })),
    me: (by) => answer(new AuthApi(as(by)).meRaw()),
    entitlements: (token) => answer(auth(token).meEntitlementsRaw()),
    apiKey: (token) => answer(auth(token).getApiKeyRaw()),
    rotateApiKey: (token) => answer(auth(token).rotateApiKeyRaw()),
    reactivateRequest: (email) => answer(auth().reactivateRequestRaw({ ReactivateRequest: { email } })),
    reactivateConfirm: (token) => answer(auth().reactivateConfirmRaw({ ReactivateConfirm: { token } })),
    verifyPhoneRequest: (token) => answer(auth(token).verifyPhoneRequestRaw()),
    verifyPhoneConfirm: (token, code) => answer(auth(token).verifyPhoneConfirmRaw({ CodeConfirm: { code } })),
    totpSetup: (token) => answer(mfa(token).totpSetupRaw()),
    totpVerify: (token, code) => answer(mfa(token).totpVerifyRaw({ CodeConfirm: { code } })),
    smsSetup: (token, phone_number) => answer(mfa(token).smsSetupRaw({ SmsSetupRequest: { phone_number } })),
    smsVerify: (token, code) => answer(mfa(token).smsVerifyRaw({ CodeConfirm: { code } })),
    challenge: (MfaChallengeRequest) => answer(mfa().mfaChallengeRaw({ MfaChallengeRequest })),
    methods: (token) => answer(mfa(token).mfaMethodsRaw()),
    regenerate: (token) => answer(mfa(token).regenerateBackupCodesRaw()),
    deleteMethod: (token, method) => answer(mfa(token).deleteMethodRaw({ method })),
    resetRequest: (token) => answer(mfa(token).mfaResetRequestRaw()),
    resetConfirm: (token) => answer(mfa().mfaResetConfirmRaw({ MfaResetConfirm: { token } })),
    devices: (token) => answer(mfa(token).listTrustedDevicesRaw()),
    revokeDevice: (token, device_id) => answer(mfa(token).revokeTrustedDeviceRaw({ device_id })),
});
