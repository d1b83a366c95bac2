package board

// Value is one JSON value as canonical text (RFC 8785 for key order, strings and
// spacing; numbers verbatim as first received, D6). The zero Value is no value:
// a member that is not there. JSON null is Value("null").
type Value string

// Pointer is a JSON Pointer (RFC 6901) in its text form, such as "/config/unit".
type Pointer string
