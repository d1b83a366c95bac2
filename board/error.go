package board

import "fmt"

// Code names why an operation or a request was refused. The codes are stable:
// clients switch on them. The wire package maps each to HTTP and close codes.
type Code string

// The refusal codes of the protocol.
const (
	CodeBadMessage      Code = "BAD_MESSAGE"
	CodeUnknownType     Code = "UNKNOWN_TYPE"
	CodeInvalidID       Code = "INVALID_ID"
	CodeInvalidValue    Code = "INVALID_VALUE"
	CodePath            Code = "PATH"
	CodeInvalidLayout   Code = "INVALID_LAYOUT"
	CodeBadVersion      Code = "BAD_VERSION"
	CodeUnauthenticated Code = "UNAUTHENTICATED"
	CodeForbidden       Code = "FORBIDDEN"
	CodeNotFound        Code = "NOT_FOUND"
	CodeGone            Code = "GONE"
	CodeExists          Code = "EXISTS"
	CodeIDReused        Code = "ID_REUSED"
	CodeConflict        Code = "CONFLICT"
	CodeBatchRefused    Code = "BATCH_REFUSED"
	CodeTooLarge        Code = "TOO_LARGE"
	CodeLimitExceeded   Code = "LIMIT_EXCEEDED"
	CodeInvalid         Code = "INVALID"
	CodeRateLimited     Code = "RATE_LIMITED"
	CodeUnavailable     Code = "UNAVAILABLE"
	CodeInternal        Code = "INTERNAL"
)

// Error is a refusal that a client sees. Message says what to do about it in
// plain words and never holds raw input longer than a short quotation.
type Error struct {
	Code    Code
	Message string
	// Path is the JSON Pointer or field that the refusal is about, if any.
	Path string
	// Current is the present value at Path for CodeConflict and CodeExists, if known.
	Current Value
	// Results tells the fate of each operation of a refused batch (M11).
	Results []Result
	// Limit names the limit that the refusal is for, "" if it is for none. It is
	// counted and never sent.
	Limit Limit
	// Cause is what went wrong underneath; it is logged and never sent.
	Cause error
}

// Errorf makes an Error without a path.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// At returns a copy of e that names path.
func (e *Error) At(path string) *Error {
	c := *e
	c.Path = path
	return &c
}

// Over returns a copy of e that names the limit it is for.
func (e *Error) Over(l Limit) *Error {
	c := *e
	c.Limit = l
	return &c
}

// Error implements error.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Path != "" {
		s += " (at " + e.Path + ")"
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }
