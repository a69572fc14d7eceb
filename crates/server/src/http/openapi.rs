//! The routes of the API with their descriptions, and the OpenAPI document made of them.

use std::sync::{Arc, LazyLock};

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    accounts, api_streams, devices, pairs, paths, recordings, register, rendezvous, server_info,
    setup, shares, signal, telemetry, token, well_known,
};
use crate::site::Site;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Heliograph",
        description = "Errors are application/problem+json; their codes are listed in docs/problems.md.",
        license(name = "Apache-2.0 OR MIT")
    ),
    modifiers(&Schemes),
    paths(
        described,
        rendezvous::open,
        register::open,
        signal::open,
        well_known::authority
    )
)]
struct Document;

/// The kinds of bearer token, which every route names with the role it needs.
struct Schemes;

impl utoipa::Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, format, what) in [
            ("account", "JWT", "An account token"),
            ("link", "JWT", "A link token"),
            ("stream", "JWT", "A stream token"),
            ("share", "base64url", "The code of a share"),
        ] {
            let scheme = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format(format)
                .description(Some(what))
                .build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "server", security(()),
    responses((status = 200, body = Object)))]
pub(super) async fn described() -> impl IntoResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(document);
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// Every described route.
pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(server_info::info))
        .routes(routes!(server_info::health))
        .routes(routes!(server_info::ready))
        .routes(routes!(well_known::jwks))
        .routes(routes!(setup::redeem))
        .routes(routes!(token::issue))
        .routes(routes!(devices::list))
        .routes(routes!(devices::rename, devices::revoke))
        .routes(routes!(devices::put_record))
        .routes(routes!(pairs::list, pairs::add))
        .routes(routes!(pairs::rename, pairs::revoke))
        .routes(routes!(accounts::invite))
        .routes(routes!(accounts::audit))
        .routes(routes!(api_streams::list))
        .routes(routes!(api_streams::put, api_streams::forget))
        .routes(routes!(api_streams::access))
        .routes(routes!(recordings::list, recordings::delete))
        .routes(routes!(recordings::ticket))
        .routes(routes!(shares::create, shares::list))
        .routes(routes!(shares::revoke))
        .routes(routes!(shares::opened))
        .routes(routes!(paths::list))
        .routes(routes!(paths::find))
        .routes(routes!(paths::kick))
        .routes(routes!(telemetry::report))
}

/// The document as JSON, as `docs/openapi.json` holds it.
pub fn document() -> String {
    let (_, document) = routes().split_for_parts();
    document
        .to_pretty_json()
        .expect("the document is serialisable")
        + "\n"
}
