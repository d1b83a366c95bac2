package httpsig

import (
	"fmt"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
)

// Reason names why a request was refused.
type Reason string

// The reasons.
const (
	Unsigned  Reason = "unsigned"  // there is no signature
	Malformed Reason = "malformed" // the headers of the signature cannot be read
	Ambiguous Reason = "ambiguous" // there are several signatures to choose from
	Uncovered Reason = "uncovered" // what must be signed is not
	Component Reason = "component" // a covered component is not there or not understood
	Unproven  Reason = "unproven"  // the key is unknown, or the signature is not its
	Stale     Reason = "stale"     // too old, from the future, or expired
	Replayed  Reason = "replayed"  // the nonce has been seen
	Digest    Reason = "digest"    // the body is not the one that was signed
	TooLarge  Reason = "too large" // the headers of the signature, or the body
	Broken    Reason = "broken"    // the body could not be read
	// Unknowable means that the signature may be good, but nobody can tell whether its
	// nonce is new: the memory for nonces is full, or does not reach back that far.
	Unknowable Reason = "unknowable"
)

// Error is why a request was refused. Message says what to do about it, without
// anything from the request that has not been checked.
type Error struct {
	Reason  Reason
	Message string
	// Cause is what went wrong underneath, if anything did.
	Cause error
}

func refuse(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) because(cause error) *Error {
	e.Cause = cause
	return e
}

// Error implements error.
func (e *Error) Error() string {
	s := "httpsig: " + e.Message
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports that the request is nobody's ([auth.ErrUnauthenticated]), unless that
// could not be found out.
func (e *Error) Is(target error) bool {
	return target == auth.ErrUnauthenticated && e.code() == board.CodeUnauthenticated
}

// code is how the protocol names the refusal.
func (e *Error) code() board.Code {
	switch e.Reason {
	case Unknowable:
		return board.CodeUnavailable
	case TooLarge:
		return board.CodeTooLarge
	case Broken:
		return board.CodeBadMessage
	}
	return board.CodeUnauthenticated
}
