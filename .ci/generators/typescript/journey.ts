// The journey of a user through every operation, for any generated client: an adapter per tool says how its
// functions are called, and its types must fit these.
import { createHmac } from "node:crypto";

export interface FieldError { loc: string[]; msg: string; type: string }
export interface Refusal {
    error_code: string; message: string; request_id: string;
    error?: string | null; errors?: FieldError[] | null;
}
/** Exactly one of `data` and `error`, as the tool decoded it. */
export interface Answer<T> { status: number; data?: T; error?: Refusal }

export interface User { email: string; roles: string[]; session?: { id: string } | null }
export interface Tokens {
    access_token: string; refresh_token?: string | null; mfa_required: boolean;
    trusted_device_id?: number | null; user: { email: string; mfa_enabled: boolean };
}
export interface Pending { mfa_required: boolean; mfa_token: string; methods: string[]; default_method: string }
export type Login = Tokens | Pending;

/** By a member, because not every tool keeps that `mfa_required` is always true here and always false there. */
export const isPending = (login: Login): login is Pending => "mfa_token" in login;

export interface Api {
    register(body: { email: string; password: string; full_name?: string }): Promise<Answer<User>>;
    login(username: string, password: string): Promise<Answer<Login>>;
    refresh(refresh_token: string): Promise<Answer<Tokens>>;
    logout(token: string, body?: { all_sessions?: boolean; refresh_token?: string }): Promise<Answer<unknown>>;
    me(by: { token: string } | { apiKey: string }): Promise<Answer<User>>;
    entitlements(token: string): Promise<Answer<{
        features: Record<string, boolean>; limits: Record<string, { limit?: number | null }>;
    }>>;
    apiKey(token: string): Promise<Answer<{ id: string; prefix: string }>>;
    rotateApiKey(token: string): Promise<Answer<{ id: string; api_key: string }>>;
    reactivateRequest(email: string): Promise<Answer<unknown>>;
    reactivateConfirm(token: string): Promise<Answer<{ status: string }>>;
    verifyPhoneRequest(token: string): Promise<Answer<{ sent: boolean }>>;
    verifyPhoneConfirm(token: string, code: string): Promise<Answer<{ phone: string }>>;
    totpSetup(token: string): Promise<Answer<{ secret: string; qr_code: string }>>;
    totpVerify(token: string, code: string): Promise<Answer<{ mfa_enabled: boolean; backup_codes?: string[] | null }>>;
    smsSetup(token: string, phone_number: string): Promise<Answer<{ sent: boolean; phone_hint: string }>>;
    smsVerify(token: string, code: string): Promise<Answer<{ mfa_enabled: boolean }>>;
    challenge(body: { mfa_token: string; code: string; remember_device?: boolean }): Promise<Answer<Login>>;
    methods(token: string): Promise<Answer<{ methods: { method: string }[]; default_method?: string | null }>>;
    regenerate(token: string): Promise<Answer<{ codes: string[] }>>;
    deleteMethod(token: string, method: "totp" | "sms"): Promise<Answer<unknown>>;
    resetRequest(token: string): Promise<Answer<{ message: string }>>;
    resetConfirm(token: string): Promise<Answer<{ status: string }>>;
    devices(token: string): Promise<Answer<{ id: number; is_current: boolean }[]>>;
    revokeDevice(token: string, id: number): Promise<Answer<unknown>>;
}

function check(holds: unknown, what: string): asserts holds {
    if (!holds) throw new Error(what);
}

function succeeded<T>(answer: Answer<T>, status: number, what: string): T {
    check(answer.status === status, `${what}: ${answer.status} ${JSON.stringify(answer.error)}, not ${status}`);
    check(answer.error === undefined, `${what}: decoded as an error`);
    return answer.data as T;
}

/** `code` is absent where the server of tomorrow answers one that the document does not have. */
function refused(answer: Answer<unknown>, status: number, code: string | undefined, what: string): Refusal {
    check(answer.status === status, `${what}: ${answer.status} ${JSON.stringify(answer)}, not ${status}`);
    const error = answer.error;
    check(error?.message && error.request_id, `${what}: the error was not decoded: ${JSON.stringify(answer)}`);
    if (code) check(error.error_code === code, `${what}: ${error.error_code}, not ${code}`);
    return error;
}

/** RFC 6238; `steps` half minutes ahead, because a code is good once. */
function totp(secret: string, steps: number): string {
    let bits = "";
    for (const letter of secret) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
    const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
    const mac = createHmac("sha1", key).update(counter).digest();
    const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, "0");
}

export async function journey(api: Api): Promise<void> {
    const email = process.env.JOURNEY_EMAIL!;
    const password = "correct horse battery staple";

    const user = succeeded(await api.register({ email, password, full_name: "Ada" }), 201, "register");
    check(user.email === email && user.roles.includes("owner"), "register: the user");
    refused(await api.register({ email, password }), 409, "email_taken", "register again");
    const invalid = refused(await api.register({ email: "ada", password }), 422, "validation_error", "register without @");
    check(invalid.errors?.[0]?.loc.join(".") === "body.email", "a 422 names its field");

    const wrong = refused(await api.login(email, "wrong horse"), 401, "invalid_credentials", "a wrong password");
    check(wrong.error === "invalid_grant", "the code of RFC 6749");
    const first = succeeded(await api.login(email, password), 200, "login");
    check(!isPending(first), "no factor is due");
    check(first.refresh_token, "a refresh token in the body");
    const refreshed = succeeded(await api.refresh(first.refresh_token), 200, "refresh");
    check(refreshed.refresh_token && refreshed.refresh_token !== first.refresh_token, "refresh rotates");
    const token = refreshed.access_token;

    check(succeeded(await api.me({ token }), 200, "me").session?.id, "the session");
    const entitled = succeeded(await api.entitlements(token), 200, "entitlements");
    check(entitled.features.mfa === true && entitled.limits.api_keys?.limit === 1, "the maps of entitlements");

    const key = succeeded(await api.apiKey(token), 200, "api-key");
    const rotated = succeeded(await api.rotateApiKey(token), 200, "api-key/rotate");
    check(rotated.id === key.id && rotated.api_key.startsWith(key.prefix), "the key's secret");
    check(!succeeded(await api.me({ apiKey: rotated.api_key }), 200, "me by API key").session, "no session");

    const { secret, qr_code } = succeeded(await api.totpSetup(token), 200, "totp/setup");
    check(qr_code.startsWith("data:image/"), "the QR code");
    refused(await api.smsVerify(token, "123456"), 409, "mfa_not_pending", "sms/verify before its set-up");
    const enrolled = succeeded(await api.totpVerify(token, totp(secret, 0)), 200, "totp/verify");
    check(enrolled.mfa_enabled && enrolled.backup_codes?.length === 10, "ten backup codes");
    check(succeeded(await api.smsSetup(token, process.env.JOURNEY_PHONE!), 200, "sms/setup").sent, "an SMS");
    refused(await api.smsVerify(token, "000000"), 400, "code_invalid", "sms/verify");
    const methods = succeeded(await api.methods(token), 200, "methods");
    check(methods.default_method === "totp" && methods.methods.some((one) => one.method === "sms"), "both methods");
    succeeded(await api.deleteMethod(token, "sms"), 204, "delete sms");
    refused(await api.verifyPhoneRequest(token), 409, "phone_missing", "verify-phone/request");
    refused(await api.verifyPhoneConfirm(token, "123456"), 409, "phone_missing", "verify-phone/confirm");

    check(succeeded(await api.resetRequest(token), 200, "reset/request").message, "a message");
    refused(await api.resetConfirm("no.such.token"), 400, "token_invalid", "reset/confirm");
    succeeded(await api.reactivateRequest(email), 204, "reactivate/request");
    refused(await api.reactivateConfirm("no.such.token"), 400, "token_invalid", "reactivate/confirm");

    succeeded(await api.logout(token), 204, "logout without a body");
    refused(await api.me({ token }), 401, "session_revoked", "me after the logout");

    const pending = succeeded(await api.login(email, password), 200, "login with a second factor");
    check(isPending(pending) && pending.methods.includes("totp"), "a factor is due");
    const body = { mfa_token: pending.mfa_token, code: totp(secret, 1), remember_device: true };
    const full = succeeded(await api.challenge(body), 200, "challenge");
    check(!isPending(full) && full.user.mfa_enabled && full.trusted_device_id, "tokens of a trusted device");
    const devices = succeeded(await api.devices(full.access_token), 200, "trusted-devices");
    check(devices.length === 1 && devices[0].id === full.trusted_device_id, "the device");
    succeeded(await api.revokeDevice(full.access_token, devices[0].id), 204, "revoke the device");
    refused(await api.revokeDevice(full.access_token, devices[0].id), 404, undefined, "revoke it again");
    const { codes } = succeeded(await api.regenerate(full.access_token), 200, "backup-codes/regenerate");
    check(codes.length === 10, "ten new codes");

    const again = succeeded(await api.login(email, password), 200, "login once more");
    check(isPending(again), "a factor is due again");
    const by_code = succeeded(await api.challenge({ mfa_token: again.mfa_token, code: codes[0] }), 200, "a backup code");
    check(!isPending(by_code) && by_code.refresh_token, "tokens for a backup code");
    succeeded(await api.refresh(by_code.refresh_token), 200, "refresh of the second session");
    const reused = refused(await api.refresh(by_code.refresh_token), 401, "token_reused", "the old refresh token");
    check(reused.error === "invalid_grant", "the code of RFC 6749 again");

    succeeded(await api.deleteMethod(full.access_token, "totp"), 204, "delete totp");
    succeeded(await api.logout(full.access_token, { all_sessions: true }), 204, "logout of every session");
    refused(await api.me({ token: full.access_token }), 401, "session_revoked", "me after every logout");
}

/** Runs it, for the process's exit status. */
export function run(api: Api): void {
    journey(api).then(() => console.log("journey: ok"), (error) => {
        console.error(error);
        process.exitCode = 1;
    });
}
