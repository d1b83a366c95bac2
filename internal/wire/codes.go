package wire

import (
	"net/http"

	"github.com/dashwire/dashwire/board"
)

// codeInfo is what one refusal code means outside the message that carries it.
type codeInfo struct {
	http      int
	retryable bool
	close     CloseCode
}

// info is the one table of the codes (section E of the protocol). A code that is
// not in it is treated as INTERNAL.
func info(code board.Code) codeInfo {
	switch code {
	case board.CodeBadMessage, board.CodeUnknownType, board.CodeInvalidID, board.CodeInvalidValue,
		board.CodePath, board.CodeInvalidLayout, board.CodeBadVersion:
		return codeInfo{http.StatusBadRequest, false, CloseBadMessages}
	case board.CodeUnauthenticated:
		return codeInfo{http.StatusUnauthorized, true, CloseSignIn}
	case board.CodeForbidden:
		return codeInfo{http.StatusForbidden, false, CloseForbidden}
	case board.CodeNotFound:
		return codeInfo{http.StatusNotFound, false, CloseForbidden}
	case board.CodeGone:
		return codeInfo{http.StatusGone, false, CloseForbidden}
	case board.CodeExists, board.CodeIDReused, board.CodeConflict, board.CodeBatchRefused:
		return codeInfo{http.StatusConflict, false, CloseBadMessages}
	case board.CodeTooLarge:
		return codeInfo{http.StatusRequestEntityTooLarge, false, CloseTooLarge}
	case board.CodeLimitExceeded:
		return codeInfo{http.StatusConflict, false, CloseSlowDown}
	case board.CodeInvalid:
		return codeInfo{http.StatusUnprocessableEntity, false, CloseBadMessages}
	case board.CodeRateLimited:
		return codeInfo{http.StatusTooManyRequests, true, CloseSlowDown}
	case board.CodeUnavailable:
		return codeInfo{http.StatusServiceUnavailable, true, CloseOverloaded}
	default:
		return codeInfo{http.StatusInternalServerError, true, CloseInternal}
	}
}

// HTTPStatus is the status of a REST answer that refuses with code. A refused
// If-Match is 412 instead of the 409 told here.
func HTTPStatus(code board.Code) int { return info(code).http }

// Retryable tells whether the same op sent again may be taken: true means that it
// is not known to be applied (E3).
func Retryable(code board.Code) bool { return info(code).retryable }

// CloseFor is the close code of a connection that ends because of code.
func CloseFor(code board.Code) CloseCode { return info(code).close }
