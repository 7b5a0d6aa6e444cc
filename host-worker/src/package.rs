//! Bindings of the npm package `tollgate`.
//!
//! All calls go through `package.js` beside this file, which worker-build bundles. The Worker's
//! entry file, which wrangler bundles, imports the package itself. See the README.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/package.js")]
extern "C" {
    /// The package's `Gate`.
    #[derive(Clone)]
    pub(crate) type JsGate;

    #[wasm_bindgen(js_name = createGate, catch)]
    pub(crate) fn create_gate(options: &JsValue) -> Result<JsGate, JsValue>;

    /// Throws a `ConfigError` if the options are invalid with this `env`.
    #[wasm_bindgen(method, structural, catch)]
    pub(crate) fn check(this: &JsGate, env: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, structural, catch, js_name = exportKeys)]
    pub(crate) fn export_keys(this: &JsGate, env: &JsValue) -> Result<String, JsValue>;

    #[wasm_bindgen(method, structural, catch, js_name = importKeys)]
    pub(crate) fn import_keys(this: &JsGate, state: &str, env: &JsValue) -> Result<u32, JsValue>;

    /// `{ ok: true, auth, headers }` or `{ ok: false, response, reason }`.
    #[wasm_bindgen(catch)]
    pub(crate) async fn authenticate(
        gate: &JsGate,
        request: &web_sys::Request,
        env: &JsValue,
        ctx: &JsValue,
        scopes: Vec<String>,
    ) -> Result<JsValue, JsValue>;

    /// Likewise.
    #[wasm_bindgen(catch)]
    pub(crate) async fn verify(
        gate: &JsGate,
        token: &str,
        env: &JsValue,
        ctx: &JsValue,
        scopes: Vec<String>,
    ) -> Result<JsValue, JsValue>;

    /// A response, or null.
    #[wasm_bindgen(catch)]
    pub(crate) async fn metadata(
        gate: &JsGate,
        request: &web_sys::Request,
        env: &JsValue,
        ctx: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, structural, catch)]
    pub(crate) async fn exchange(
        this: &JsGate,
        auth: &JsAuth,
        resources: Vec<String>,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, structural, catch, js_name = fetchAs)]
    pub(crate) async fn fetch_as(
        this: &JsGate,
        auth: &JsAuth,
        resources: Vec<String>,
        request: &web_sys::Request,
        init: &JsValue,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, structural, catch, js_name = ownToken)]
    pub(crate) async fn own_token(
        this: &JsGate,
        target: &JsValue,
        env: &JsValue,
        ctx: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, structural, catch, js_name = tokenRequest)]
    pub(crate) async fn token_request(
        this: &JsGate,
        grant: &JsValue,
        target: &JsValue,
        options: &JsValue,
        env: &JsValue,
        ctx: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, structural, catch)]
    pub(crate) fn invalidate(
        this: &JsGate,
        filter: &JsValue,
        env: &JsValue,
    ) -> Result<u32, JsValue>;

    #[wasm_bindgen(method, structural, catch, js_name = clientAssertion)]
    pub(crate) async fn client_assertion(
        this: &JsGate,
        audience: &str,
        env: &JsValue,
    ) -> Result<JsValue, JsValue>;

    /// A `Token` of the package.
    pub(crate) type JsToken;

    #[wasm_bindgen(method, structural, getter, js_name = accessToken)]
    pub(crate) fn access_token(this: &JsToken) -> String;

    #[wasm_bindgen(method, structural, getter, js_name = refreshToken)]
    pub(crate) fn refresh_token(this: &JsToken) -> Option<String>;

    #[wasm_bindgen(method, structural, getter, js_name = tokenType)]
    pub(crate) fn token_type(this: &JsToken) -> String;

    #[wasm_bindgen(method, structural, getter, js_name = issuedTokenType)]
    pub(crate) fn issued_token_type(this: &JsToken) -> Option<String>;

    #[wasm_bindgen(method, structural, getter, js_name = expiresAt)]
    pub(crate) fn expires_at(this: &JsToken) -> Option<js_sys::Date>;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn scopes(this: &JsToken) -> Option<Vec<String>>;

    /// A `TokenError` of the package.
    #[derive(Clone)]
    pub(crate) type JsTokenError;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn kind(this: &JsTokenError) -> String;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn error(this: &JsTokenError) -> Option<String>;

    #[wasm_bindgen(method, structural, getter, js_name = errorDescription)]
    pub(crate) fn error_description(this: &JsTokenError) -> Option<String>;

    #[wasm_bindgen(method, structural, getter, js_name = errorUri)]
    pub(crate) fn error_uri(this: &JsTokenError) -> Option<String>;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn status(this: &JsTokenError) -> Option<u16>;

    #[wasm_bindgen(method, structural, getter, js_name = retryAfterSeconds)]
    pub(crate) fn retry_after_seconds(this: &JsTokenError) -> Option<u32>;

    #[wasm_bindgen(method, structural, catch, js_name = toResponse)]
    pub(crate) fn to_response(this: &JsTokenError) -> Result<web_sys::Response, JsValue>;

    #[wasm_bindgen(catch)]
    pub(crate) async fn handle(
        gate: &JsGate,
        request: &web_sys::Request,
        env: &JsValue,
        ctx: &JsValue,
    ) -> Result<JsValue, JsValue>;

    /// The result of `handle`: either `response`, or `auth` and `finish`.
    #[derive(Debug)]
    pub(crate) type JsDecision;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn response(this: &JsDecision) -> Option<web_sys::Response>;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn auth(this: &JsDecision) -> Option<JsAuth>;

    #[wasm_bindgen(method, structural, catch)]
    pub(crate) async fn finish(
        this: &JsDecision,
        response: web_sys::Response,
    ) -> Result<JsValue, JsValue>;

    /// An `Identity` of the package.
    #[derive(Clone)]
    pub(crate) type JsAuth;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn claims(this: &JsAuth) -> JsValue;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn token(this: &JsAuth) -> String;

    #[wasm_bindgen(method, structural, variadic, catch)]
    pub(crate) fn require(
        this: &JsAuth,
        scopes: Vec<JsValue>,
    ) -> Result<Option<web_sys::Response>, JsValue>;
}
