//! Parameters of a Graph call: query, form and JSON body are one namespace, and lists travel as JSON text.

use http::Method;
use serde_json::{Map, Value};

use super::error::GraphError;
use crate::call::{Call, Params};

/// The parameters of one call.
pub(crate) struct Input<'a> {
    query: &'a Params,
    form: Params,
    json: Map<String, Value>,
}

impl<'a> Input<'a> {
    /// Reads all three places. A JSON body that is no object is an error, as Graph answers it.
    pub(crate) fn of(call: &'a Call) -> Result<Self, GraphError> {
        let json = if call.method != Method::GET && call.content_type_is("application/json") && !call.body.is_empty() {
            match call.json() {
                Some(Value::Object(map)) => map,
                Some(_) | None => return Err(GraphError::param("The request body is not a JSON object")),
            }
        } else {
            Map::new()
        };
        Ok(Input { query: &call.query, form: call.form(), json })
    }

    /// A parameter as text; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let text = match self.json.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) | None => self.form.get(name).or_else(|| self.query.get(name)).map(str::to_owned),
            Some(other) => Some(other.to_string()),
        };
        text.filter(|text| !text.is_empty())
    }

    /// A parameter that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<String, GraphError> {
        self.get(name).ok_or_else(|| GraphError::param(format!("The parameter {name} is required")))
    }

    /// `true`, `false`, `1` or `0`.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, GraphError> {
        match self.get(name).as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(GraphError::param(format!("Param {name} must be a boolean"))),
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, GraphError> {
        self.get(name)
            .map(|text| text.parse().map_err(|_| GraphError::param(format!("Param {name} must be an integer"))))
            .transpose()
    }

    /// A JSON array.
    pub(crate) fn array(&self, name: &str) -> Result<Option<Vec<Value>>, GraphError> {
        self.get(name)
            .map(|text| {
                serde_json::from_str(&text).map_err(|_| GraphError::param(format!("Param {name} must be an array.")))
            })
            .transpose()
    }

    /// A JSON object.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, GraphError> {
        self.get(name)
            .map(|text| {
                serde_json::from_str(&text)
                    .map_err(|_| GraphError::param(format!("Param {name} must be a JSON object.")))
            })
            .transpose()
    }
}

/// One requested field, with the fields below it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// What stands in braces behind it.
    pub(crate) fields: Vec<Field>,
}

/// Parses `id,name,instagram_business_account{id,username}`.
pub(crate) fn parse_fields(text: &str) -> Result<Vec<Field>, GraphError> {
    let mut rest = text;
    let fields = level(&mut rest, 0)?;
    if rest.is_empty() { Ok(fields) } else { Err(syntax()) }
}

fn syntax() -> GraphError {
    GraphError::new(2500, "Syntax error in the fields parameter")
}

fn level(rest: &mut &str, depth: u8) -> Result<Vec<Field>, GraphError> {
    if depth > 4 {
        return Err(syntax());
    }
    let mut fields = Vec::new();
    loop {
        let end = rest.find(['{', '}', ',']).unwrap_or(rest.len());
        // What stands behind a dot modifies the field: `comments.limit(0).summary(total_count)`.
        let name = rest[..end].split('.').next().unwrap_or("").trim().to_owned();
        *rest = &rest[end..];
        let mut field = Field { name, fields: Vec::new() };
        if let Some(inner) = rest.strip_prefix('{') {
            *rest = inner;
            field.fields = level(rest, depth + 1)?;
            *rest = rest.strip_prefix('}').ok_or_else(syntax)?;
        }
        if field.name.is_empty() {
            return Err(syntax());
        }
        fields.push(field);
        match rest.strip_prefix(',') {
            Some(after) => *rest = after,
            None => return Ok(fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_fields;

    #[test]
    fn nested_fields_are_read() {
        let fields = parse_fields("id,name,instagram_business_account{id,username},tasks").unwrap();
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["id", "name", "instagram_business_account", "tasks"]);
        assert_eq!(fields[2].fields.len(), 2);
    }

    #[test]
    fn unbalanced_braces_and_empty_names_are_refused() {
        for text in ["id,", "a{b", "a}b", "a{}", ",a"] {
            assert!(parse_fields(text).is_err(), "{text}");
        }
    }
}
