import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.AuthApi;
import org.openapitools.client.api.AuthMfaApi;
import org.openapitools.client.model.*;

/** The part of the journey that shows what is particular here: the union, errors, an absent body. */
public class Journey {
    static final String PASSWORD = "correct horse battery staple";
    static final ObjectMapper MAPPER = ApiClient.createDefaultObjectMapper().addMixIn(LoginResponse.class, ByMember.class);

    /** The generated code tries both and takes neither, because nothing says which members are missing. */
    static class LoginDeserializer extends JsonDeserializer<LoginResponse> {
        @Override
        public LoginResponse deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            JsonNode tree = context.readTree(parser);
            return tree.has("mfa_token")
                ? new LoginResponse(parser.getCodec().treeToValue(tree, MfaPending.class))
                : new LoginResponse(parser.getCodec().treeToValue(tree, TokenResponse.class));
        }
    }

    @JsonDeserialize(using = LoginDeserializer.class)
    interface ByMember {}

    static ApiClient client(String token) {
        ApiClient client = new ApiClient().setObjectMapper(MAPPER);
        client.updateBaseUri(System.getenv("JOURNEY_URL"));
        if (token != null) {
            client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        }
        return client;
    }

    static AuthApi auth(String token) {
        return new AuthApi(client(token));
    }

    static AuthMfaApi mfa(String token) {
        return new AuthMfaApi(client(token));
    }

    interface Call {
        void run() throws ApiException;
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static org.openapitools.client.model.Error refused(int status, String code, Call call) throws IOException {
        try {
            call.run();
        } catch (ApiException refused) {
            var error = MAPPER.readValue(refused.getResponseBody(), org.openapitools.client.model.Error.class);
            check(refused.getCode() == status && error.getErrorCode().equals(code), refused.getMessage());
            return error;
        }
        throw new AssertionError("not refused with " + code);
    }

    /** RFC 6238; `steps` half minutes ahead, because a code is good once. */
    static String totp(String secret, long steps) throws Exception {
        StringBuilder bits = new StringBuilder();
        for (char letter : secret.toCharArray()) {
            int value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter);
            bits.append(String.format("%5s", Integer.toBinaryString(value)).replace(' ', '0'));
        }
        byte[] key = new byte[bits.length() / 8];
        for (int i = 0; i < key.length; i++) key[i] = (byte) Integer.parseInt(bits.substring(8 * i, 8 * i + 8), 2);
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(key, "HmacSHA1"));
        byte[] sum = mac.doFinal(ByteBuffer.allocate(8).putLong(System.currentTimeMillis() / 30_000 + steps).array());
        int number = ByteBuffer.wrap(sum).getInt(sum[19] & 15) & 0x7fffffff;
        return String.format("%06d", number % 1_000_000);
    }

    static Object login(String email) throws ApiException {
        return auth(null).login(PASSWORD, email, null, null, null, null).getActualInstance();
    }

    public static void main(String[] arguments) throws Exception {
        String email = System.getenv("JOURNEY_EMAIL");
        User user = auth(null).register(new RegisterRequest().email(email).password(PASSWORD));
        check(user.getEmail().equals(email) && user.getRoles().contains("owner"), "register");
        var invalid = refused(422, "validation_error", () -> auth(null).register(new RegisterRequest().email("ada").password(PASSWORD)));
        check(invalid.getErrors().get(0).getLoc().equals(List.of("body", "email")), "a 422 names its field");
        var wrong = refused(401, "invalid_credentials", () -> auth(null).login("wrong horse", email, null, null, null, null));
        check("invalid_grant".equals(wrong.getError()), "the code of RFC 6749");

        TokenResponse first = (TokenResponse) login(email);
        TokenResponse refreshed = auth(null).refreshTokenEndpoint(new RefreshRequest().refreshToken(first.getRefreshToken()));
        check(!refreshed.getRefreshToken().equals(first.getRefreshToken()), "refresh rotates");
        String token = refreshed.getAccessToken();
        check(auth(token).me().getSession() != null, "the session");
        check(auth(token).meEntitlements().getFeatures().get("mfa"), "the maps of entitlements");
        ApiKeySecret key = auth(token).rotateApiKey();
        check(key.getApiKey().startsWith(key.getPrefix()), "the key's secret");

        String secret = mfa(token).totpSetup().getSecret();
        MfaEnrolled enrolled = mfa(token).totpVerify(new CodeConfirm().code(totp(secret, 0)));
        check(enrolled.getBackupCodes().size() == 10, "ten backup codes");
        auth(token).logout(null);
        refused(401, "session_revoked", () -> auth(token).me());

        MfaPending pending = (MfaPending) login(email);
        var body = new MfaChallengeRequest().mfaToken(pending.getMfaToken()).code(totp(secret, 1));
        TokenResponse full = (TokenResponse) mfa(null).mfaChallenge(body).getActualInstance();
        check(full.getUser().getMfaEnabled(), "a second factor");
        var old = new RefreshRequest().refreshToken(full.getRefreshToken());
        TokenResponse next = auth(null).refreshTokenEndpoint(old);
        refused(401, "token_reused", () -> auth(null).refreshTokenEndpoint(old));
        refused(401, "session_revoked", () -> auth(next.getAccessToken()).me());
        auth(null).logout(new LogoutRequest().refreshToken(next.getRefreshToken()));
        System.out.println("journey: ok");
    }
}
