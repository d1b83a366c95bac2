package wire

import (
	"testing"

	"github.com/dashwire/dashwire/board"
)

func TestE3_OneTableOfCodes(t *testing.T) {
	for _, c := range []struct {
		code      board.Code
		http      int
		retryable bool
		close     CloseCode
	}{
		{board.CodeBadMessage, 400, false, 4400},
		{board.CodeUnknownType, 400, false, 4400},
		{board.CodeInvalidID, 400, false, 4400},
		{board.CodeInvalidValue, 400, false, 4400},
		{board.CodePath, 400, false, 4400},
		{board.CodeInvalidLayout, 400, false, 4400},
		{board.CodeBadVersion, 400, false, 4400},
		{board.CodeUnauthenticated, 401, true, 4401},
		{board.CodeForbidden, 403, false, 4403},
		{board.CodeNotFound, 404, false, 4403},
		{board.CodeGone, 410, false, 4403},
		{board.CodeExists, 409, false, 4400},
		{board.CodeIDReused, 409, false, 4400},
		{board.CodeConflict, 409, false, 4400},
		{board.CodeBatchRefused, 409, false, 4400},
		{board.CodeTooLarge, 413, false, 1009},
		{board.CodeLimitExceeded, 409, false, 4429},
		{board.CodeInvalid, 422, false, 4400},
		{board.CodeRateLimited, 429, true, 4429},
		{board.CodeUnavailable, 503, true, 1013},
		{board.CodeInternal, 500, true, 4500},
		{"SOMETHING_NEW", 500, true, 4500},
	} {
		t.Run(string(c.code), func(t *testing.T) {
			if got := HTTPStatus(c.code); got != c.http {
				t.Errorf("HTTPStatus = %d, want %d", got, c.http)
			}
			if got := Retryable(c.code); got != c.retryable {
				t.Errorf("Retryable = %v, want %v", got, c.retryable)
			}
			if got := CloseFor(c.code); got != c.close {
				t.Errorf("CloseFor = %d, want %d", got, c.close)
			}
		})
	}
}
