import { client } from "./generated/hey-api/client.gen";
import * as sdk from "./generated/hey-api";
import { type Answer, type Refusal, run } from "./journey";

client.setConfig({ baseUrl: process.env.JOURNEY_URL! });
const bearer = (token: string) => ({ auth: token });

async function answer<T>(call: Promise<{ data: T; error: unknown; response?: Response }>): Promise<Answer<NonNullable<T>>> {
    const { data, error, response } = await call;
    if (!response) throw error;
    return { status: response.status, data: data ?? undefined, error: error as Refusal | undefined };
}

run({
    register: (body) => answer(sdk.register({ body })),
    login: (username, password) => answer(sdk.login({ body: { username, password } })),
    refresh: (refresh_token) => answer(sdk.refreshTokenEndpoint({ body: { refresh_token } })),
    logout: (token, body) => answer(sdk.logout({ body, ...bearer(token) })),
    // `auth` answers for each scheme of the operation; a key is for the scheme `X-API-Key` only.
    me: (by) => answer(sdk.me("token" in by ? bearer(by.token)
        : { auth: (scheme) => scheme.name === "X-API-Key" ? by.apiKey : undefined })),
    entitlements: (token) => answer(sdk.meEntitlements(bearer(token))),
    apiKey: (token) => answer(sdk.getApiKey(bearer(token))),
    rotateApiKey: (token) => answer(sdk.rotateApiKey(bearer(token))),
    reactivateRequest: (email) => answer(sdk.reactivateRequest({ body: { email } })),
    reactivateConfirm: (token) => answer(sdk.reactivateConfirm({ body: { token } })),
    verifyPhoneRequest: (token) => answer(sdk.verifyPhoneRequest(bearer(token))),
    verifyPhoneConfirm: (token, code) => answer(sdk.verifyPhoneConfirm({ body: { code }, ...bearer(token) })),
    totpSetup: (token) => answer(sdk.totpSetup(bearer(token))),
    totpVerify: (token, code) => answer(sdk.totpVerify({ body: { code }, ...bearer(token) })),
    smsSetup: (token, phone_number) => answer(sdk.smsSetup({ body: { phone_number }, ...bearer(token) })),
    smsVerify: (token, code) => answer(sdk.smsVerify({ body: { code }, ...bearer(token) })),
    challenge: (body) => answer(sdk.mfaChallenge({ body })),
    methods: (token) => answer(sdk.mfaMethods(bearer(token))),
    regenerate: (token) => answer(sdk.regenerateBackupCodes(bearer(token))),
    deleteMethod: (token, method) => answer(sdk.deleteMethod({ path: { method }, ...bearer(token) })),
    resetRequest: (token) => answer(sdk.mfaResetRequest(bearer(token))),
    resetConfirm: (token) => answer(sdk.mfaResetConfirm({ body: { token } })),
    devices: (token) => answer(sdk.listTrustedDevices(bearer(token))),
    revokeDevice: (token, device_id) => answer(sdk.revokeTrustedDevice({ path: { device_id }, ...bearer(token) })),
});
