//! Who gets in, and who does not, whatever they try.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use sestina_console::Access;

use crate::cast::{Desk, HERE, THERE, jid, stage, with};

const NURSE: &str = "nurse@capulet.example";
const INVITE: &str = r#"{"guest":"paris@capulet.example"}"#;

#[tokio::test(start_paused = true)]
async fn nobody_learns_anything_who_is_not_logged_in() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access::default());
    for path in [
        "/api/commands",
        "/api/commands/invite",
        "/api/openapi.json",
        "/api/server",
        "/api/sessions",
        "/api/sessions/juliet@capulet.example",
        "/api/follow/juliet@capulet.example",
        "/api/live",
    ] {
        let answer = desk.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "no window is opened");
    }
    for path in ["/api/commands/invite", "/api/logout"] {
        assert_eq!(desk.post(path, INVITE, &[]).await.status, StatusCode::UNAUTHORIZED);
    }
    let session = desk.get("/api/session", &[]).await;
    assert_eq!(session.json()["account"], serde_json::Value::Null);
    assert_eq!(session.json().get("token"), None);
}

#[tokio::test(start_paused = true)]
async fn an_administrator_logs_in_and_out() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access::default());
    let given = format!(r#"{{"account":"{NURSE}","password":"nurse"}}"#);
    let answer = desk.post("/api/login", &given, &[]).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("sestina-console=") && cookie.contains("; HttpOnly"), "{cookie}");
    assert!(cookie.contains("; SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
    let secure = desk.clone().from(THERE, true).post("/api/login", &given, &[]).await;
    let cookie = secure.header("set-cookie");
    assert!(cookie.starts_with("__Host-sestina-console=") && cookie.ends_with("; Secure"));

    let (cookie, token) = desk.login(NURSE, "nurse").await;
    let known = [("cookie", cookie.as_str()), ("x-sestina-token", token.as_str())];
    let session = desk.get("/api/session", &known).await.json();
    assert_eq!((&session["account"], &session["token"]), (&NURSE.into(), &token.clone().into()));
    let done = desk.post("/api/commands/invite", INVITE, &known).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(done.text.contains("0 nurse@capulet.example"), "{}", done.text);
    let out = desk.post("/api/logout", "", &known).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(desk.get("/api/server", &known).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn programs_log_in_in_two_ways() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access::default());
    let basic = sestina_sasl::encode_base64(format!("{NURSE}:nurse").as_bytes());
    let basic = format!("Basic {basic}");
    let done = desk.post("/api/commands/invite", INVITE, &[("authorization", &basic)]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let given = format!(r#"{{"account":"{NURSE}","password":"nurse","bearer":true}}"#);
    let answer = desk.post("/api/login", &given, &[]).await;
    assert_eq!(answer.header("set-cookie"), "");
    let bearer = format!("Bearer {}", answer.json()["bearer"].as_str().unwrap());
    let known = [("authorization", bearer.as_str())];
    assert_eq!(desk.post("/api/commands/invite", INVITE, &known).await.status, StatusCode::OK);
    desk.post("/api/logout", "", &known).await;
    assert_eq!(desk.get("/api/server", &known).await.status, StatusCode::UNAUTHORIZED);
    let wrong = sestina_sasl::encode_base64(format!("{NURSE}:rose").as_bytes());
    for authorization in [
        format!("Basic {wrong}"),
        "Basic !".to_owned(),
        "Basic".to_owned(),
        format!("Basic {}", sestina_sasl::encode_base64(b"nurse")),
        "Bearer 00".to_owned(),
        "Digest x".to_owned(),
    ] {
        let answer = desk.get("/api/server", &[("authorization", &authorization)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
    }
}

#[tokio::test(start_paused = true)]
async fn others_are_refused_in_the_same_words() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access::default());
    let mut told = Vec::new();
    for (account, password) in [
        (NURSE, "rose"),
        ("juliet@capulet.example", "juliet"),
        ("juliet@capulet.example", "rose"),
        ("nobody@capulet.example", "rose"),
        ("nobody@verona.example", "rose"),
        ("nurse@capulet.example/house", "nurse"),
        ("@", "rose"),
    ] {
        let given = serde_json::json!({ "account": account, "password": password }).to_string();
        let answer = desk.post("/api/login", &given, &[]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""));
        told.push(answer.text);
    }
    assert!(told.windows(2).all(|two| two[0] == two[1]), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn guessing_is_braked() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access::default());
    let given = |password: &str| format!(r#"{{"account":"{NURSE}","password":"{password}"}}"#);
    let mut put_off = None;
    for _ in 0..100 {
        let answer = desk.post("/api/login", &given("rose"), &[]).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            put_off = Some(answer);
            break;
        }
    }
    let put_off = put_off.expect("nobody is ever put off");
    let seconds = put_off.header("retry-after").parse().unwrap();
    let right = desk.post("/api/login", &given("nurse"), &[]).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    let basic = sestina_sasl::encode_base64(format!("{NURSE}:nurse").as_bytes());
    let right = desk.get("/api/server", &[("authorization", &format!("Basic {basic}"))]).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    desk.login(NURSE, "nurse").await;
}

#[tokio::test(start_paused = true)]
async fn no_password_is_taken_that_others_can_read() {
    let stage = stage().await;
    let given = format!(r#"{{"account":"{NURSE}","password":"nurse"}}"#);
    let basic = sestina_sasl::encode_base64(format!("{NURSE}:nurse").as_bytes());
    let basic = format!("Basic {basic}");
    let login = async |access: Access, peer: &str, secure: bool, more: &[(&'static str, &str)]| {
        let desk = Desk::new(stage.server(), access).from(peer, secure);
        let basic = desk.get("/api/server", &[&[("authorization", &*basic)], more].concat()).await;
        let form = desk.post("/api/login", &given, more).await;
        assert_eq!(basic.status, form.status);
        form.status
    };
    let strict = Access::default();
    assert_eq!(login(strict, THERE, false, &[]).await, StatusCode::FORBIDDEN);
    assert_eq!(login(strict, THERE, true, &[]).await, StatusCode::OK);
    assert_eq!(login(strict, HERE, false, &[]).await, StatusCode::OK);
    assert_eq!(login(strict, HERE, false, &[("via", "1.1 x")]).await, StatusCode::FORBIDDEN);
    let lax = Access { clear: true, ..strict };
    assert_eq!(login(lax, THERE, false, &[]).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn whoever_sits_at_the_machine_is_trusted_only_there() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    assert_eq!(desk.get("/api/server", &[]).await.status, StatusCode::OK);
    let session = desk.get("/api/session", &[]).await.json();
    assert_eq!((&session["operator"], &session["account"]), (&true.into(), &().into()));
    let away = desk.clone().from(THERE, false);
    assert_eq!(away.get("/api/server", &[]).await.status, StatusCode::UNAUTHORIZED);
    // A name of somebody else's that was made to point here.
    for host in ["rebound.example", "rebound.example:5281", "localhost.rebound.example"] {
        let desk = Desk { host, ..desk.clone() };
        assert_eq!(desk.get("/api/server", &[]).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(desk.token().await, "");
    }
    for name in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        let answer = desk.get("/api/server", &[(name, "192.0.2.7")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let strict = Desk::new(stage.server(), Access::default());
    assert_eq!(strict.get("/api/server", &[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn pages_of_others_change_nothing() {
    let stage = stage().await;
    let trusting = Desk::trusting(stage.server());
    let strict = Desk::new(stage.server(), Access::default());
    let (cookie, token) = strict.login(NURSE, "nurse").await;
    let at_machine = trusting.token().await;
    for (desk, cookie, token) in
        [(&trusting, "", at_machine.as_str()), (&strict, cookie.as_str(), token.as_str())]
    {
        let run = async |headers: &[(&'static str, &str)]| {
            let headers = [&[("cookie", cookie)], headers].concat();
            desk.post("/api/commands/invite", INVITE, &headers).await.status
        };
        let good = ("x-sestina-token", token);
        assert_eq!(run(&[good]).await, StatusCode::OK);
        assert_eq!(run(&[good, ("origin", "http://localhost:5281")]).await, StatusCode::OK);
        assert_eq!(run(&[good, ("sec-fetch-site", "same-origin")]).await, StatusCode::OK);
        assert_eq!(run(&[]).await, StatusCode::FORBIDDEN, "without the token");
        let other = "0".repeat(64);
        assert_eq!(run(&[("x-sestina-token", &other)]).await, StatusCode::FORBIDDEN);
        for foreign in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost:8080"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(run(&[good, foreign]).await, StatusCode::FORBIDDEN, "{foreign:?}");
            let headers = [("cookie", cookie), foreign];
            for path in ["/api/session", "/api/sessions", "/api/follow/juliet@capulet.example"] {
                assert_eq!(desk.get(path, &headers).await.status, StatusCode::FORBIDDEN);
            }
            let login = format!(r#"{{"account":"{NURSE}","password":"nurse"}}"#);
            let login = desk.post("/api/login", &login, &[foreign]).await;
            assert_eq!(login.status, StatusCode::FORBIDDEN);
        }
    }
    // The token of one is not that of another.
    let headers = [("cookie", cookie.as_str()), ("x-sestina-token", at_machine.as_str())];
    let mixed = strict.post("/api/commands/invite", INVITE, &headers).await;
    assert_eq!(mixed.status, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn a_login_ends_by_itself() {
    let stage = stage().await;
    let access = Access {
        idle: Duration::from_secs(60),
        longest: Duration::from_secs(300),
        ..Access::default()
    };
    let desk = Desk::new(stage.server(), access);
    let (cookie, _) = desk.login(NURSE, "nurse").await;
    let known = [("cookie", cookie.as_str())];
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert_eq!(desk.get("/api/server", &known).await.status, StatusCode::OK);
    }
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(desk.get("/api/server", &known).await.status, StatusCode::UNAUTHORIZED, "longest");
    let (cookie, _) = desk.login(NURSE, "nurse").await;
    let known = [("cookie", cookie.as_str())];
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert_eq!(desk.get("/api/live", &known).await.status, StatusCode::OK);
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    // What a page asks by itself does not count as somebody being there.
    assert_eq!(desk.get("/api/live", &known).await.status, StatusCode::UNAUTHORIZED, "idle");
}

#[tokio::test(start_paused = true)]
async fn a_login_is_void_once_its_owner_is_nobody_here() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access::default());
    let accounts = stage.server().accounts();
    let (cookie, _) = desk.login(NURSE, "nurse").await;
    accounts.set_password(&jid(NURSE), "angelica").await.unwrap();
    let old = desk.get("/api/server", &[("cookie", &cookie)]).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    let (cookie, _) = desk.login(NURSE, "angelica").await;
    accounts.set_disabled(&jid(NURSE), true).await.unwrap();
    let disabled = desk.get("/api/server", &[("cookie", &cookie)]).await;
    assert_eq!(disabled.status, StatusCode::UNAUTHORIZED);
    accounts.set_disabled(&jid(NURSE), false).await.unwrap();
    let forgotten = desk.get("/api/server", &[("cookie", &cookie)]).await;
    assert_eq!(forgotten.status, StatusCode::UNAUTHORIZED, "what is void stays so");
}

#[tokio::test(start_paused = true)]
async fn there_are_only_so_many_logins() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access { logins: 2, ..Access::default() });
    let mut cookies = Vec::new();
    for _ in 0..3 {
        cookies.push(desk.login(NURSE, "nurse").await.0);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let status = async |cookie: &str| desk.get("/api/server", &[("cookie", cookie)]).await.status;
    assert_eq!(status(&cookies[0]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&cookies[1]).await, StatusCode::OK);
    assert_eq!(status(&cookies[2]).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_json_and_not_too_long() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    let token = desk.token().await;
    let known = [("x-sestina-token", token.as_str())];
    let mut form = with(desk.request(Method::POST, "/api/commands/invite", INVITE), &known);
    form.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(desk.send(form).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let long = format!(r#"{{"guest":"{}"}}"#, "a".repeat(70_000));
    let answer = desk.post("/api/commands/invite", &long, &known).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = desk.post("/api/login", &long, &[]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
