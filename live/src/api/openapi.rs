//! The OpenAPI document: what is common to all operations, and the schemas that rules make.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Required};
use utoipa::{IntoResponses, OpenApi, PartialSchema, ToSchema};

use super::batch::LONGEST_PREFIX;
use super::problem::{Problem, Reason};

/// The description of the API; `token` says whether one is needed.
pub fn document(token: bool) -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    // The attribute knows optional headers only as ones that may also be null.
    let operations = document.paths.paths.values_mut().filter_map(|path| path.post.as_mut());
    for parameter in operations.flat_map(|operation| operation.parameters.iter_mut().flatten()) {
        if let RefOr::T(parameter) = parameter {
            parameter.required = Required::False;
        }
    }
    if token {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("Needed everywhere but at /livez, /readyz, /docs and /openapi.json."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
    document
}

/// The operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lindley",
        description = "Puts messages into a queue. A message is accepted when the broker has confirmed that it has it; every error is an RFC 9457 problem document."
    ),
    paths(
        super::ingest::ingest,
        super::batch::batch,
        super::messages::message,
        super::health::livez,
        super::health::readyz,
        super::scrape::metrics,
        super::clock::clock
    ),
    components(schemas(SubmissionSchema, Problem, Reason)),
    tags(
        (name = "messages", description = "Submitting messages and asking for them"),
        (name = "operation", description = "For whoever operates the service")
    )
)]
struct Document;

/// A problem document as a response.
fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
        .into()
}

fn problems(descriptions: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    descriptions.iter().map(|(status, text)| (status.to_string(), problem(text))).collect()
}

/// What any request may be answered.
pub(super) struct Anywhere;

impl IntoResponses for Anywhere {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (400, "The request cannot be read"),
            (401, "There is no token, or a wrong one"),
            (405, "The path does not have this method; the header Allow says which it has"),
            (408, "The request did not arrive in time"),
            (414, "The address is too long"),
            (431, "The headers are too many or too long"),
            (500, "The service itself is at fault; whether a message was queued is then unknown"),
        ])
    }
}

/// What a submission may be answered if it is not queued.
pub(super) struct Submitting;

impl IntoResponses for Submitting {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (409, "Another request with this key has not been answered yet"),
            (413, "The body is too large"),
            (415, "The body is not JSON as it stands"),
            (422, "The body is no submission, or the key belongs to another one"),
            (
                503,
                "Not queued, or of unknown outcome: the type says which; the header Retry-After when to try again",
            ),
        ])
    }
}

/// Declares a schema that is written out below.
macro_rules! schema {
    ($type:ident, $name:literal, $make:ident) => {
        pub(super) struct $type;

        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                $make()
            }
        }

        impl ToSchema for $type {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    };
}

schema!(SubmissionSchema, "Submission", submission);
schema!(BatchSchema, "Batch", batch);
schema!(KeySchema, "Key", key);
schema!(BatchKeySchema, "BatchKey", batch_key);
schema!(IdSchema, "Id", id);

fn submission() -> RefOr<Schema> {
    let source = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .description(Some("Who sends."));
    let timestamp = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("When it was made, RFC 3339."));
    let demand = ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0.0))
        .maximum(Some(1e9))
        .description(Some("How long a server is to work on it, s."));
    let data = ObjectBuilder::new()
        .property("demand_s", demand)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .description(Some("Anything the consumer should know, nested up to 120 levels."));
    ObjectBuilder::new()
        .property("source", source)
        .property("timestamp", timestamp)
        .property("data", data)
        .required("source")
        .required("timestamp")
        .required("data")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .description(Some("A message."))
        .examples([json!({"source": "curl-test", "timestamp": "2026-01-31T12:00:00Z", "data": {"temperature": 25.5}})])
        .into()
}

fn batch() -> RefOr<Schema> {
    // A submission that is malformed spoils nothing but itself, so the array may hold anything.
    let item = ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some(
            "A Submission; JSON that is none is answered for itself, and the others are queued.",
        ))
        .examples([json!({"source": "curl-test", "timestamp": "2026-01-31T12:00:00Z", "data": {}})]);
    ArrayBuilder::new().items(item).min_items(Some(1)).max_items(Some(1000)).into()
}

fn text(longest: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(longest))
}

fn key() -> RefOr<Schema> {
    text(255).pattern(Some("^[!-~]+$")).into()
}

fn batch_key() -> RefOr<Schema> {
    text(LONGEST_PREFIX).pattern(Some("^[!-~]+$")).into()
}

fn id() -> RefOr<Schema> {
    text(255).into()
}
