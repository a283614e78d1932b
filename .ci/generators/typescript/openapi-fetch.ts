import createClient from "openapi-fetch";
import type { paths } from "./generated/openapi-typescript";
import { type Answer, type Refusal, run } from "./journey";

const client = createClient<paths>({ baseUrl: process.env.JOURNEY_URL! });
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

async function answer<T>(
    call: Promise<{ data?: T; error?: Refusal; response: Response }>,
): Promise<Answer<T>> {
    const { data, error, response } = await call;
    return { status: response.status, data, error };
}

run({
    register: (body) => answer(client.POST("/api/auth/register", { body })),
    login: (username, password) => answer(client.POST("/api/auth/token", {
        body: { username, password },
        // The header chooses the form; the default is JSON.
        headers: { "Content-Type": "application/x-www-form-urlencoded" },
    })),
    refresh: (refresh_token) => answer(client.POST("/api/auth/refresh", { body: { refresh_token } })),
    logout: (token, body) => answer(client.POST("/api/auth/logout", { body, ...bearer(token) })),
    me: (by) => answer(client.GET("/api/auth/me",
        "token" in by ? bearer(by.token) : { headers: { "X-API-Key": by.apiKey } })),
    entitlements: (token) => answer(client.GET("/api/auth/me/entitlements", bearer(token))),
    apiKey: (token) => answer(client.GET("/api/auth/api-key", bearer(token))),
    rotateApiKey: (token) => answer(client.POST("/api/auth/api-key/rotate", bearer(token))),
    reactivateRequest: (email) => answer(client.POST("/api/auth/reactivate/request", { body: { email } })),
    reactivateConfirm: (token) => answer(client.POST("/api/auth/reactivate/confirm", { body: { token } })),
    verifyPhoneRequest: (token) => answer(client.POST("/api/auth/verify-phone/request", bearer(token))),
    verifyPhoneConfirm: (token, code) =>
        answer(client.POST("/api/auth/verify-phone/confirm", { body: { code }, ...bearer(token) })),
    totpSetup: (token) => answer(client.POST("/api/auth/mfa/totp/setup", bearer(token))),
    totpVerify: (token, code) => answer(client.POST("/api/auth/mfa/totp/verify", { body: { code }, ...bearer(token) })),
    smsSetup: (token, phone_number) =>
        answer(client.POST("/api/auth/mfa/sms/setup", { body: { phone_number }, ...bearer(token) })),
    smsVerify: (token, code) => answer(client.POST("/api/auth/mfa/sms/verify", { body: { code }, ...bearer(token) })),
    challenge: (body) => answer(client.POST("/api/auth/mfa/challenge", { body })),
    methods: (token) => answer(client.GET("/api/auth/mfa/methods", bearer(token))),
    regenerate: (token) => answer(client.POST("/api/auth/mfa/backup-codes/regenerate", bearer(token))),
    deleteMethod: (token, method) =>
        answer(client.DELETE("/api/auth/mfa/{method}", { params: { path: { method } }, ...bearer(token) })),
    resetRequest: (token) => answer(client.POST("/api/auth/mfa/reset/request", bearer(token))),
    resetConfirm: (token) => answer(client.POST("/api/auth/mfa/reset/confirm", { body: { token } })),
    devices: (token) => answer(client.GET("/api/auth/mfa/trusted-devices", bearer(token))),
    revokeDevice: (token, device_id) => answer(client.DELETE("/api/auth/mfa/trusted-devices/{device_id}",
        { params: { path: { device_id } }, ...bearer(token) })),
});
