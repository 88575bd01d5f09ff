//! The OpenAPI 3.1 document, made from the operations.

use serde_json::{Map, Value, json};

use super::problem;
use super::schema::{PARAMETERS, SCHEMAS, reference};
use super::table::{OPERATIONS, Operation, PREFIX};

/// The whole document.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(format!("{PREFIX}{}", operation.path)).or_insert_with(|| json!({}));
        path[operation.method.to_lowercase()] = describe(operation);
    }
    let schemas: Map<String, Value> =
        SCHEMAS.iter().map(|(name, schema)| ((*name).to_owned(), schema())).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Heimdallr",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn describe(operation: &Operation) -> Value {
    let (status, schema) = operation.answer;
    let mut answer = json!({ "description": "It was done." });
    if let Some(schema) = schema {
        answer["content"] = json!({ "application/json": { "schema": reference(schema) } });
    }
    let refused = json!({
        "description": "It was not done; `code` says why.",
        "content": { problem::MEDIA_TYPE: { "schema": reference("Problem") } },
    });
    let mut described = json!({
        "operationId": operation.name,
        "summary": operation.about,
        "parameters": parameters(operation),
        "responses": { status.to_string(): answer, "default": refused },
    });
    if let Some(scope) = operation.scope {
        described["description"] = format!("Needs a key that is good for `{}`.", scope.word()).into();
    }
    if let Some(body) = operation.body {
        let content = json!({ "application/json": { "schema": reference(body) } });
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let names = operation.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let in_path = names
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let sought = PARAMETERS.iter().filter(|(name, ..)| operation.parameters.contains(name));
    let in_query = sought.map(|(name, schema, about)| {
        json!({ "name": name, "in": "query", "required": false, "schema": schema(), "description": about })
    });
    let key = json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "schema": { "type": "string", "minLength": 1, "maxLength": 64 },
        "description": "Who asks again under the same key within ten minutes is answered alike, and nothing is done twice.",
    });
    in_path.chain(in_query).chain(Some(key).filter(|_| operation.method == "POST")).collect()
}
