use super::*;

const ALL: [AuthenticationMethod; 4] = [
    AuthenticationMethod::ClientSecretBasic,
    AuthenticationMethod::ClientSecretPost,
    AuthenticationMethod::None,
    AuthenticationMethod::PrivateKeyJwt,
];

/// The rules of the application, which leave nothing out.
fn strict() -> Rules<'static> {
    Rules {
        grant_types: &GrantType::ALL,
        methods: &ALL,
        scopes: None,
        default_scopes: None,
        private_use: false,
        leaves_out: false,
        is_foreign: false,
    }
}

fn read(json: &str, rules: &Rules<'_>) -> Result<ClientMetadata, Failure> {
    let object = Object::parse(json.as_bytes(), 16).expect("an object");
    let object = object.into_owned();
    ClientMetadata::read(&object, rules)
}

/// The least, with more members.
fn with(members: &str) -> String {
    format!(r#"{{"redirect_uris":["https://app.example/cb"]{members}}}"#)
}

#[test]
fn nothing_is_left_out_for_the_application() {
    let rules = strict();
    let grant_types = with(r#","grant_types":["authorization_code","implicit"]"#);
    assert_eq!(read(&grant_types, &rules).err(), Some(Failure::GrantTypes));
    let response_types = with(r#","response_types":["code","token"]"#);
    let refused = read(&response_types, &rules).err();
    assert_eq!(refused, Some(Failure::ResponseTypes));
    let scopes = ["read".to_owned()];
    let rules = Rules {
        scopes: Some(&scopes),
        ..strict()
    };
    let scope = with(r#","scope":"read write""#);
    assert_eq!(read(&scope, &rules).err(), Some(Failure::Scope));
    let only = with(r#","scope":"read""#);
    assert_eq!(
        read(&only, &rules).expect("known").scopes,
        Some(scopes.to_vec())
    );
}

#[test]
fn the_default_grant_type_must_be_there() {
    let rules = Rules {
        grant_types: &[GrantType::ClientCredentials],
        ..strict()
    };
    assert_eq!(read(&with(""), &rules).err(), Some(Failure::GrantTypes));
    let rules = Rules {
        methods: &[],
        ..strict()
    };
    let refused = read(&with(""), &rules).err();
    assert_eq!(refused, Some(Failure::AuthenticationMethod));
}

#[test]
fn a_client_that_can_use_several_methods_gets_the_best() {
    use AuthenticationMethod as Method;
    let method = |members: &str, methods: &[Method]| {
        let rules = Rules {
            methods,
            ..strict()
        };
        read(&with(members), &rules).map(|read| read.authentication)
    };
    const CHOICES: &str = r#","token_endpoint_auth_methods_supported""#;
    const PREFERRED: &str = r#","token_endpoint_auth_method":"private_key_jwt""#;
    const KEYS: &str = r#","jwks_uri":"https://app.example/jwks""#;
    let both = format!(r#"{CHOICES}:["none","private_key_jwt"]"#);
    // What it prefers, if the server has it.
    let preferred = format!("{PREFERRED}{both}{KEYS}");
    assert_eq!(method(&preferred, &ALL), Ok(Method::PrivateKeyJwt));
    assert_eq!(method(&preferred, &[Method::None]), Ok(Method::None));
    // Without a preference, the best that is possible.
    assert_eq!(
        method(&format!("{both}{KEYS}"), &ALL),
        Ok(Method::PrivateKeyJwt)
    );
    assert_eq!(method(&both, &ALL), Ok(Method::None));
    let secrets = format!(r#"{CHOICES}:["none","client_secret_post","client_secret_basic"]"#);
    assert_eq!(method(&secrets, &ALL), Ok(Method::ClientSecretBasic));
    // None of them.
    let refused = Err(Failure::AuthenticationMethod);
    assert_eq!(method(&preferred, &[Method::ClientSecretPost]), refused);
    assert_eq!(method(PREFERRED, &[Method::None]), refused);
    assert_eq!(method(&format!("{CHOICES}:[]"), &ALL), refused);
    let malformed = method(&format!(r#"{CHOICES}:"none""#), &ALL);
    assert!(matches!(malformed, Err(Failure::Malformed(_))));
}

#[test]
fn lists_and_scopes_are_limited() {
    let rules = Rules {
        leaves_out: true,
        ..strict()
    };
    let list = |name: &str, count: usize| {
        let items = vec!["\"authorization_code\""; count].join(",");
        with(&format!(r#","{name}":[{items}]"#))
    };
    let repeated = read(&list("grant_types", LIST_ITEMS), &rules).expect("not too many");
    assert_eq!(repeated.grant_types, [GrantType::AuthorizationCode]);
    for name in ["grant_types", "response_types"] {
        let failure = match read(&list(name, LIST_ITEMS + 1), &rules) {
            Err(Failure::TooMany(of)) => of,
            other => panic!("{other:?}"),
        };
        assert_eq!(failure, name);
    }
    let scope = |count: usize| with(&format!(r#","scope":"{}""#, vec!["a"; count].join(" ")));
    assert!(read(&scope(LIST_ITEMS), &rules).is_ok());
    assert_eq!(
        read(&scope(LIST_ITEMS + 1), &rules).err(),
        Some(Failure::TooMany("scope"))
    );
}

#[test]
fn keys_of_the_applications_own_clients_may_be_near() {
    let uri = |uri: &str| {
        with(&format!(
            r#","token_endpoint_auth_method":"private_key_jwt","jwks_uri":"{uri}""#
        ))
    };
    let foreign = Rules {
        is_foreign: true,
        ..strict()
    };
    let bad = Some(Failure::Malformed("jwks_uri"));
    for (url, own, others) in [
        ("https://app.example/jwks", None, None),
        ("https://keys.internal/jwks", None, bad),
        ("http://127.0.0.1:9000/jwks", None, bad),
        ("http://app.example/jwks", bad, bad),
        ("https://app.example/#", bad, bad),
    ] {
        assert_eq!(read(&uri(url), &strict()).err(), own, "{url}");
        assert_eq!(read(&uri(url), &foreign).err(), others, "{url}");
    }
    let long = format!("https://app.example/{}", "a".repeat(URL_BYTES - 20));
    assert!(read(&uri(&long), &strict()).is_ok());
    assert_eq!(read(&uri(&(long + "a")), &strict()).err(), bad);
}

#[test]
fn pages_and_languages_are_limited() {
    let long = format!("https://app.example/{}", "a".repeat(URL_BYTES - 20));
    assert!(read(&with(&format!(r#","logo_uri":"{long}""#)), &strict()).is_ok());
    let refused = read(&with(&format!(r#","logo_uri":"{long}a""#)), &strict()).err();
    assert_eq!(refused, Some(Failure::Malformed("logo_uri")));
    let named = |length| with(&format!(r#","client_name":"{}""#, "a".repeat(length)));
    assert!(read(&named(TEXT_BYTES), &strict()).is_ok());
    let refused = read(&named(TEXT_BYTES + 1), &strict()).err();
    assert_eq!(refused, Some(Failure::Malformed("client_name")));
    let name = |language: &str| with(&format!(r#","client_name#{language}":"App""#));
    assert!(read(&name(&"a".repeat(LANGUAGE_BYTES)), &strict()).is_ok());
    let refused = read(&name(&"a".repeat(LANGUAGE_BYTES + 1)), &strict()).err();
    assert_eq!(refused, Some(Failure::Malformed("client_name")));
    let many = |count: usize| {
        let names = (0..count).map(|number| format!(r#","client_name#a{number}":"App""#));
        with(&names.collect::<String>())
    };
    assert!(read(&many(TRANSLATIONS), &strict()).is_ok());
    let refused = read(&many(TRANSLATIONS + 1), &strict()).err();
    assert_eq!(refused, Some(Failure::TooMany("client_name")));
}

#[test]
fn metadata_survives_registration() {
    let json = with(
        r#","client_name":"App","client_name#de":"Anwendung","contacts":["a"],
        "software_id":"s","grant_types":["authorization_code","refresh_token"],
        "token_endpoint_auth_method":"private_key_jwt",
        "jwks":{"keys":[{"kty":"OKP","crv":"Ed25519",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    );
    let read_once = read(&json, &strict()).expect("valid");
    let mut client = Client {
        id: "app".to_owned(),
        origin: super::super::client::ClientOrigin::Registered,
        epoch: 1,
        redirect_uris: Vec::new(),
        grant_types: Vec::new(),
        authentication: read_once.authentication,
        secrets: Vec::new(),
        keys: None,
        scopes: None,
        serves: Vec::new(),
        exchanges_tokens_of_others: false,
        name: None,
        metadata: None,
        registered_at: None,
        expires_at: None,
        lifetime: None,
    };
    client.set_metadata(read_once.clone());
    let client = Client::from_record(&client.to_record()).expect("its own record");
    let again = ClientMetadata::read(&client.to_metadata(), &strict());
    assert_eq!(again, Ok(read_once));
}
