package httpapi

import (
	"encoding/base64"

	"github.com/dashwire/dashwire/board"
)

// Pages of lists.
const (
	pageDefault = 50
	pageMax     = 200
)

// pageCursor hides where a page ended: the id after which the next one begins.
func pageCursor(afterID string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(afterID))
}

// page reads limit and cursor.
func (q *request) page() (afterID string, limit int, p *problem) {
	if limit, p = q.number("limit", 1, pageMax, pageDefault); p != nil {
		return "", 0, p
	}
	s := q.query().Get("cursor")
	if s == "" {
		return "", limit, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || board.CheckID("dashboard", string(plain)) != nil {
		return "", 0, problemf(board.CodeBadMessage, "cursor is the next of the page before: send it back as it came").at("cursor")
	}
	return string(plain), limit, nil
}
