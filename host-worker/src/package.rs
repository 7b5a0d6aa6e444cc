//! The npm package `tollgate`, as far as this crate calls it.
//!
//! Everything goes through `package.js` beside this file, which worker-build bundles; the package
//! itself comes in through the Worker's entry file, which wrangler bundles. See the README.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/package.js")]
extern "C" {
    /// A `Gate` of the package.
    #[derive(Clone)]
    pub(crate) type JsGate;

    #[wasm_bindgen(js_name = createGate, catch)]
    pub(crate) fn create_gate(options: &JsValue) -> Result<JsGate, JsValue>;

    /// Throws a `ConfigError` when the options with this `env` cannot work.
    #[wasm_bindgen(method, structural, catch)]
    pub(crate) fn check(this: &JsGate, env: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    pub(crate) async fn handle(
        gate: &JsGate,
        request: &web_sys::Request,
        env: &JsValue,
        ctx: &JsValue,
    ) -> Result<JsValue, JsValue>;

    /// What `handle` answers: either `response`, or `auth` and `finish`.
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
    pub(crate) fn subject(this: &JsAuth) -> Option<String>;

    #[wasm_bindgen(method, structural, getter, js_name = clientId)]
    pub(crate) fn client_id(this: &JsAuth) -> Option<String>;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn scopes(this: &JsAuth) -> Vec<String>;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn issuer(this: &JsAuth) -> String;

    #[wasm_bindgen(method, structural, getter)]
    pub(crate) fn audience(this: &JsAuth) -> Vec<String>;

    #[wasm_bindgen(method, structural, getter, js_name = expiresAt)]
    pub(crate) fn expires_at(this: &JsAuth) -> Option<f64>;

    #[wasm_bindgen(method, structural, getter, js_name = issuedAt)]
    pub(crate) fn issued_at(this: &JsAuth) -> Option<f64>;

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
